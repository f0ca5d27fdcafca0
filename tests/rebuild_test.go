package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// things is a catalogue of so many products, which makes a log long enough for a
// rebuild to be met in its middle.
func things(products int) string {
	var b strings.Builder
	for i := range products {
		fmt.Fprintf(&b, `{"handle":"thing-%d","title":"Thing %d","description":"As good as any other.","category":"things","variants":[{"sku":"THING-%d","price":"1.%02d","stock":1000}]}`+"\n", i, i, i, i%100)
	}
	return b.String()
}

// While the views are rebuilt over and over, agents shop: each answer is there
// and right, and never older than the one before.
func TestRebuildWhileTheShopSells(t *testing.T) {
	dir := t.TempDir()
	shop := serve(t, dir)
	bring(t, dir, things(manyThings/3))
	var stop atomic.Bool
	var answers atomic.Int64
	var wg sync.WaitGroup
	for _, user := range []string{"alice", "bob", "admin"} {
		a := shopper(t, shop, user)
		wg.Go(func() {
			var seen float64
			for n := 0; !stop.Load(); n++ {
				want := n%99 + 1
				tool, in := "update_cart_quantity", args{"product": "thing-7", "quantity": want}
				if n == 0 {
					tool, in = "add_to_cart", args{"product": "thing-7"}
				}
				for _, ask := range []func() (answer, error){
					func() (answer, error) { return a.try(tool, in) },
					func() (answer, error) { return a.try("view_cart", nil) },
				} {
					out, err := ask()
					if err != nil || out.IsError {
						t.Errorf("%s: %v %s", user, err, out.Text)
						return
					}
					at, _ := out.at("as_of").(float64)
					if pieces := out.at("pieces"); pieces != float64(want) || at < seen {
						t.Errorf("%s sees %v pieces as of %v, want %d as of %v or later", user, pieces, at, want, seen)
						return
					}
					seen = at
					answers.Add(1)
				}
				if out, err := a.try("get_order_history", nil); err != nil || out.IsError {
					t.Errorf("%s: %v %s", user, err, out.Text)
				}
			}
		})
	}
	for _, views := range [][]string{nil, {"carts"}, {"products", "stock"}, nil, {"grants", "orders"}} {
		if said, code := till(append([]string{"rebuild", "--data", dir}, views...)...); code != 0 {
			t.Errorf("rebuild %v: %s", views, said)
		}
		if said, code := till("rebuild", "--verify", "--data", dir); code != 0 {
			t.Errorf("after %v: %s", views, said)
		}
	}
	stop.Store(true)
	wg.Wait()
	if answers.Load() < 20 {
		t.Errorf("only %d answers beside the rebuilds", answers.Load())
	}
}

// Killed in the middle of a rebuild, the shop opens with the views that it had
// and clears away the rest.
func TestKilledInARebuild(t *testing.T) {
	dir := t.TempDir()
	p := spawn(t, dir, "127.0.0.1:0")
	bring(t, dir, things(manyThings))
	token := login(t, p.endpoint, "alice", password(t, dir, "alice"), scopes)
	alice := connect(t, p.endpoint, token)
	alice.call("add_to_cart", args{"product": "thing-7", "quantity": 3})
	cut := 0
	for round := range manyRebuilds {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				if _, code := till("rebuild", "--data", dir); code != 0 {
					return // killed
				}
			}
		}()
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		p.kill()
		<-done
		if strings.Contains(p.errs.String(), "built from the log") && round > 0 {
			t.Errorf("before round %d there were no views left: %s", round, p.errs.String())
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "views*.new")); len(left) > 0 {
			cut++
		}
		p = spawn(t, dir, address(t, p.endpoint))
		if out := connect(t, p.endpoint, token).call("view_cart", nil); out.at("pieces") != 3.0 {
			t.Fatalf("round %d: %s", round, out.Text)
		}
		if said, code := till("rebuild", "--verify", "--data", dir); code != 0 {
			t.Fatalf("round %d: %s", round, said)
		}
		for _, name := range []string{"views.db.new", "views.2.db.new", "views.db.verify", "views.2.db"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Errorf("round %d left %s", round, name)
			}
		}
	}
	t.Logf("%d of %d kills met an unfinished file", cut, manyRebuilds)
}
