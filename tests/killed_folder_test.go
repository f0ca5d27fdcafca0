package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"till/cmd"
	jetstream "till/domain/eventlog/jslog"
)

// charged checks in the closed folder what the test gateway has booked: one
// charge for each attempt that asked for one, and no card charged for an
// attempt that did not become an order; and one refund for each that an order
// tells of.
func (s *stream) charged(log *record) {
	t := s.t
	t.Helper()
	folder, err := cmd.OpenExistingFolder(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	server, err := cmd.StartNATS(t.Context(), cmd.NATSOptions{Dir: folder.NATSDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	conn, err := jetstream.ConnectInProcess(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	journal, err := jetstream.Open(t.Context(), conn, jetstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	charges, err := journal.Bucket(t.Context(), "charges", 0)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := charges.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paid, back := map[string]bool{}, map[string]bool{}
	for _, key := range keys {
		data, _, err := charges.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Amount struct{ Amount int }
			Method string
			Final  struct{ Outcome, Reference string }
		}
		if err := json.Unmarshal(data, &c); err != nil {
			t.Fatal(err)
		}
		if c.Final.Outcome == "refunded" {
			id, refund, _ := strings.Cut(key, "-refund-")
			var p *payback
			o := log.orders[id]
			if o != nil {
				p = o.since.refunds[refund]
			}
			if p == nil || p.ended != "order.refunded" || p.amount != c.Amount.Amount || p.reference != c.Final.Reference || o.payment != c.Method {
				t.Errorf("the gateway paid %d back as %s, which order %s does not tell: %+v", c.Amount.Amount, key, id, p)
			}
			back[key] = true
		}
		if c.Final.Outcome != "authorized" {
			continue
		}
		at := strings.LastIndexByte(key, '-')
		o := log.orders[key[:at]]
		if o == nil || o.placed != 1 || fmt.Sprint(o.attempt) != key[at+1:] || o.payment != c.Final.Reference || o.total != c.Amount.Amount {
			t.Errorf("the charge %s of %d belongs to no order that was placed by it: %+v", key, c.Amount.Amount, o)
			continue
		}
		paid[key[:at]] = true
	}
	for id, o := range log.orders {
		if o.placed > 0 && !paid[id] {
			t.Errorf("order %s was never paid", id)
		}
		for refund, p := range o.since.refunds {
			if p.ended == "order.refunded" && p.amount > 0 && !back[id+"-refund-"+refund] {
				t.Errorf("order %s tells of the refund %s, which was never paid", id, refund)
			}
		}
	}
}

// asRebuilt checks that the views are, row by row, what they are when they are
// built anew from the log, of a shop that runs or of its closed folder.
func asRebuilt(t *testing.T, dir string) {
	t.Helper()
	var out strings.Builder
	if code := cmd.Main([]string{"rebuild", "--verify", "--data", dir}, strings.NewReader(""), &out, &out); code != 0 {
		t.Errorf("till rebuild --verify exits %d: %s", code, &out)
	}
}
