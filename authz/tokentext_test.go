package authz

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
)

func testKeys(t testing.TB) keys {
	t.Helper()
	k, err := newKeys(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTokenText(t *testing.T) {
	k := testKeys(t)
	id := random(16)
	token := k.mint(accessKind, id)
	token.generation = 12
	back, err := parseText(token.String())
	if err != nil || back != token || !k.ours(back) {
		t.Fatalf("%+v %v", back, err)
	}
	if len(token.String()) > maxToken || !strings.HasPrefix(token.String(), "at_"+id+".12.") {
		t.Errorf("%s", token)
	}
	for name, change := range map[string]func(*text){
		"kind":   func(t *text) { t.kind = refreshKind },
		"grant":  func(t *text) { t.grant = random(16) },
		"secret": func(t *text) { t.secret = random(32) },
	} {
		other := token
		change(&other)
		if k.ours(other) || other.hash() == token.hash() {
			t.Errorf("another %s is still ours", name)
		}
	}
	if _, err := newKeys(make([]byte, 31)); err == nil {
		t.Error("a short secret is taken")
	}
	if strange, _ := newKeys(bytes.Repeat([]byte{2}, 32)); strange.ours(token) {
		t.Error("another shop's token is ours")
	}
}

// Whatever is sent: what parses is spelled in one way only and is safe as part
// of a subject.
func FuzzTokenText(f *testing.F) {
	k := testKeys(f)
	f.Add(k.mint(codeKind, random(16)).String())
	f.Add("at_" + strings.Repeat("A", 22) + ".1." + strings.Repeat("A", 43))
	f.Add("rt_" + strings.Repeat("*", 22) + ".01." + strings.Repeat(">", 43))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		token, err := parseText(s)
		if err != nil {
			return
		}
		if token.String() != s {
			t.Fatalf("%q is spelled %q", s, token)
		}
		if strings.ContainsAny(token.grant, ".*> \t\r\n") || len(token.grant) != idLength || token.generation < 0 {
			t.Fatalf("%+v", token)
		}
		k.ours(token)
		token.hash()
	})
}

func FuzzPlainName(f *testing.F) {
	f.Add("Claude\u202e \n\x00<b>")
	f.Fuzz(func(t *testing.T, s string) {
		name := plainName(s)
		if len([]rune(name)) > 80 {
			t.Fatalf("%d runes", len([]rune(name)))
		}
		for _, r := range name {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q holds %U", name, r)
			}
		}
	})
}

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	l := newLimiter(10*time.Second, 2)
	for i := range 2 {
		if _, ok := l.take("a", now); !ok {
			t.Fatalf("take %d is refused", i)
		}
	}
	wait, ok := l.take("a", now)
	if ok || wait < 9*time.Second || wait > 10*time.Second {
		t.Errorf("the third: %v %s", ok, wait)
	}
	if _, ok := l.take("b", now); !ok {
		t.Error("another key suffers")
	}
	if _, empty := l.empty("a", now); !empty {
		t.Error("it is not empty")
	}
	if _, empty := l.empty("a", now.Add(10*time.Second)); empty {
		t.Error("it does not fill again")
	}
	for i := range 3 * maxKeys {
		l.take(random(8), now.Add(time.Duration(i)*time.Microsecond))
	}
	if len(l.by) > maxKeys {
		t.Errorf("it remembers %d keys", len(l.by))
	}
}

func TestSeal(t *testing.T) {
	k := testKeys(t)
	sealed, err := seal(k.transaction, transaction{Client: "cli"}, "browser")
	if err != nil {
		t.Fatal(err)
	}
	var tx transaction
	if err := unseal(k.transaction, sealed, &tx, "browser"); err != nil || tx.Client != "cli" {
		t.Fatal(tx, err)
	}
	if err := unseal(k.transaction, sealed, &tx, "other"); err == nil {
		t.Error("it opens in another browser")
	}
	if err := unseal(k.transaction, sealed[:len(sealed)-2]+"AA", &tx, "browser"); err == nil {
		t.Error("it opens when edited")
	}
	if err := unseal(k.people, sealed, &tx, "browser"); err == nil {
		t.Error("it opens under the key of another use")
	}
}
