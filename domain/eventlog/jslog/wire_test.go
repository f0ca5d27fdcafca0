package jslog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

func TestSubjects(t *testing.T) {
	for id, want := range map[string]string{
		"usr_1":    "shop.cart.usr_1",
		"Usr-1":    "shop.cart.Usr-1",
		"a.b c":    "shop.cart.a=2Eb=20c",
		"*":        "shop.cart.=2A",
		">":        "shop.cart.=3E",
		"=2A":      "shop.cart.=3D2A",
		"a/b":      "shop.cart.a=2Fb",
		"ü":        "shop.cart.=C3=BC",
		"\r\n\x00": "shop.cart.=0D=0A=00",
	} {
		s := eventlog.Stream{Category: "cart", ID: id}
		if got := subjectOf(s); got != want {
			t.Errorf("the subject of %q is %s, want %s", id, got, want)
		}
		if got, err := streamOf(want); err != nil || got != s {
			t.Errorf("the stream of %s is %v, %v", want, got, err)
		}
	}
	for _, subject := range []string{
		"", "shop", "shop.cart", "shop.cart.", "shop..a", "cart.a", "shop.cart.a.b", "shop.cart.a b", "shop.cart.*",
		"shop.cart.=", "shop.cart.=2", "shop.cart.=2e", "shop.cart.=zz", "shop.cart.=41", "shop.cart.ü", "shop.cart.a=",
	} {
		if s, err := streamOf(subject); !errors.Is(err, eventlog.ErrDamaged) {
			t.Errorf("%q is the stream %v, %v; want ErrDamaged", subject, s, err)
		}
	}
}

// Every id has one subject and every subject at most one id.
func FuzzSubject(f *testing.F) {
	for _, seed := range []string{"usr_1", "a.b c", "*", ">", "=2E", "=", "ü", "\x00\xff", "shop.cart.=41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text != "" {
			token := escape(text)
			if strings.ContainsAny(token, ".*> \t\r\n\x00") {
				t.Fatalf("%q becomes the token %q", text, token)
			}
			if back, err := unescape(token); err != nil || back != text {
				t.Fatalf("%q became %q and then %q, %v", text, token, back, err)
			}
		}
		if id, err := unescape(text); err == nil && escape(id) != text {
			t.Fatalf("the token %q is the id %q, whose token is %q", text, id, escape(id))
		}
	})
}

func FuzzHeaderText(f *testing.F) {
	for _, seed := range []string{"a", " a ", "%", "%41", "a\r\nNats-Msg-Id: 1", "\t", "ü", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		written := escapeHeader(text)
		if strings.ContainsAny(written, "\r\n\x00\t") || strings.TrimSpace(written) != written && strings.Trim(written, " \t\r\n") != written {
			t.Fatalf("%q is written %q", text, written)
		}
		if back := unescapeHeader(written); back != text {
			t.Fatalf("%q became %q and then %q", text, written, back)
		}
	})
}

// What stands in the stream may have been written by anyone: decoding it ends
// with an event or with ErrDamaged, and an event is written as it was read.
func FuzzDecode(f *testing.F) {
	f.Add("shop.cart.a", []byte("NATS/1.0\r\nTill-Type: x\r\nTill-Version: 1\r\nTill-Number: 1\r\nTill-Time: 2026-01-02T03:04:05.6Z\r\n\r\n"), []byte(`{}`))
	f.Add("shop.cart.=2A", []byte("NATS/1.0\r\nTill-Type: x%20\r\nTill-Version: 7\r\nTill-Number: 9\r\nTill-Time: 2026-01-02T03:04:05+02:00\r\nTill-User: u\r\n\r\n"), []byte{})
	f.Add("shop.cart.a", []byte("NATS/1.0\r\n\r\n"), []byte("x"))
	f.Add("", []byte("NATS/1.0 503\r\n\r\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, subject string, head, data []byte) {
		header, err := nats.DecodeHeadersMsg(head)
		if err != nil {
			return
		}
		var d decoder
		e, err := d.decode(subject, 5, header, data)
		// What the files are read by knows less, but nothing else.
		var f fields
		if f.parse(string(head)) {
			fast, fastErr := d.envelope(subject, 5, &f, data)
			if !reflect.DeepEqual(fast, e) || fmt.Sprint(fastErr) != fmt.Sprint(err) {
				t.Fatalf("read %+v, %v; from a file %+v, %v", e, err, fast, fastErr)
			}
		}
		if err != nil {
			if !errors.Is(err, eventlog.ErrDamaged) {
				t.Fatalf("error %v, want ErrDamaged", err)
			}
			return
		}
		if e.Position != 5 || e.Number < 1 || e.Version < 1 || e.Type == "" || subjectOf(e.Stream) != subject {
			t.Fatalf("decoded %+v", e)
		}
		written := "NATS/1.0\r\n"
		for name, values := range encodeHeaders(&e) {
			written += name + ": " + values[0] + "\r\n"
		}
		if !new(fields).parse(written + "\r\n") {
			t.Fatalf("%q is not read from a file", written)
		}
		again, err := d.decode(subject, 5, encodeHeaders(&e), data)
		if err != nil || again.Meta != e.Meta || again.Type != e.Type || again.Version != e.Version || again.Number != e.Number {
			t.Fatalf("decoded %+v, then %+v, %v", e, again, err)
		}
	})
}

func TestAckSequences(t *testing.T) {
	for reply, want := range map[string][3]uint64{
		"$JS.ACK.till.c.1.42.7.1700000000000000000.3":              {42, 7, 1},
		"$JS.ACK._.hash.till.c.2.42.7.1700000000000000000.3":       {42, 7, 2},
		"$JS.ACK.hub.hash.till.c.2.42.7.1700000000000000000.3.rnd": {42, 7, 2},
	} {
		stream, count, tries, ok := ackSequences(reply)
		if !ok || stream != want[0] || count != want[1] || tries != want[2] {
			t.Errorf("%s: %d %d %d %v", reply, stream, count, tries, ok)
		}
	}
	for _, reply := range []string{"", "$JS.ACK.", "$JS.ACK.till", "$JS.ACK.till.c.1", "$JS.ACK.till.c.1.x.7.8.9", "$JS.FC.till.c", "$JS.ACK.till.c.1.-2.7.8.9"} {
		if _, _, _, ok := ackSequences(reply); ok {
			t.Errorf("%q is taken for an answer", reply)
		}
	}
}

// Whatever stands in a block, reading it ends, and what comes out was written whole.
func FuzzBlock(f *testing.F) {
	f.Add([]byte{}, uint32(0))
	f.Add(bytes.Repeat([]byte{0x80}, 200), uint32(1<<31|100))
	f.Fuzz(func(t *testing.T, data []byte, length uint32) {
		if len(data) >= 4 {
			binary.LittleEndian.PutUint32(data, length)
		}
		b := block{number: 1}
		for r := range b.records(data) {
			if len(r.subject)+len(r.header)+len(r.body) > len(data)-recordHead-recordHash {
				t.Fatalf("%+v of %d bytes", r, len(data))
			}
		}
		// With the right checksum it is read back.
		subject, header, body := "shop.cart.a", "NATS/1.0\r\n\r\n", data
		record := binary.LittleEndian.AppendUint32(nil, withHeader|uint32(recordHead+len(subject)+4+len(header)+len(body)+recordHash))
		record = binary.LittleEndian.AppendUint64(record, 7)
		record = binary.LittleEndian.AppendUint64(record, 1)
		record = binary.LittleEndian.AppendUint16(record, uint16(len(subject)))
		digest := b.digest()
		digest.Write(record[4:20])
		digest.Write([]byte(subject + header))
		digest.Write(body)
		record = append(record, subject...)
		record = binary.LittleEndian.AppendUint32(record, uint32(len(header)))
		record = append(record, header...)
		record = append(record, body...)
		record = digest.Sum(record)
		n := 0
		for r := range b.records(append(record, data...)) {
			if n++; n == 1 && (r.sequence != 7 || string(r.subject) != subject || string(r.header) != header || !bytes.Equal(r.body, body)) {
				t.Fatalf("read %+v", r)
			}
		}
		if n == 0 {
			t.Fatal("a whole record is not read")
		}
	})
}
