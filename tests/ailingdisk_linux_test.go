package tests

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ail changes what the disk does.
func (d *disk) ail(change func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// A disk that is full, read-only or fails to sync closes the shop for writing
// with a reason. What it sold stands, what it knows can still be looked up, and
// it goes on by itself, in the same process, once the disk can be written again.
// A loss of power after that takes nothing either.
func TestAnAilingDisk(t *testing.T) {
	needDisk(t)
	for _, c := range []struct {
		name    string
		ail     func(d *disk)
		because string
	}{
		{"Full", func(d *disk) { d.room = d.used + 2_000_000 }, "is full; free some space"},
		{"FullWithoutWarning", func(d *disk) { d.room, d.quota = d.used+100, true }, "is full; free some space"},
		{"ReadOnly", func(d *disk) { d.readOnly = true }, "cannot be written; make it writable"},
		{"SyncFails", func(d *disk) { d.badSync = true }, "fails (input/output error)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, at := newDisk(true), t.TempDir()
			unmount := mount(t, d, at)
			dir := filepath.Join(at, "data")
			shop := spawn(t, dir, "127.0.0.1:0")
			origin := strings.TrimSuffix(shop.endpoint, "/mcp")
			token := login(t, shop.endpoint, "alice", password(t, dir, "alice"), scopes)
			alice := connect(t, shop.endpoint, token)
			pieces, key := 0, ""
			add := func() answer {
				t.Helper()
				out, err := alice.try("add_to_cart", args{"product": "catnip-mouse", "idempotency_key": key})
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			next := func() answer {
				key = fmt.Sprint("add-", time.Now().UnixNano())
				return add()
			}
			inCart := func(want int) {
				t.Helper()
				if got := alice.call("view_cart", nil).at("lines.0.quantity"); got != float64(want) {
					t.Fatalf("the cart holds %v pieces, want %d", got, want)
				}
			}
			for range 3 {
				if out := next(); out.IsError {
					t.Fatal(out.Text)
				}
				pieces++
			}

			d.ail(c.ail)
			out := next()
			for ; !out.IsError && pieces < 90; pieces++ {
				time.Sleep(20 * time.Millisecond) // the room is looked at now and then
				out = next()
			}
			refused := key
			for range 5 {
				if !out.IsError || out.text("code") != "shop_unavailable" {
					t.Fatalf("on an ailing disk: %s", out.Text)
				}
				out = next()
			}
			inCart(pieces)
			if status, body := get(t, origin+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, c.because) {
				t.Errorf("/readyz answers %d %s, want %q", status, body, c.because)
			}
			if status, body := get(t, origin+"/healthz"); status != http.StatusOK {
				t.Errorf("/healthz answers %d %s", status, body)
			}
			unavailable(t, origin+"/register", "application/json", `{"redirect_uris":["http://127.0.0.1:1/cb"],"token_endpoint_auth_method":"none"}`)

			d.ail(func(d *disk) { d.room, d.readOnly, d.badSync = 0, false, false })
			ready(t, origin)
			key = refused
			if out := add(); out.IsError {
				t.Fatalf("on a disk that is well again: %s", out.Text)
			}
			pieces++
			inCart(pieces) // whether or not the refused event was stored
			if out := next(); out.IsError {
				t.Fatal(out.Text)
			}
			pieces++
			inCart(pieces)

			found := d.afterPowerLoss(nil)
			shop.kill()
			unmount()
			mount(t, found, at)
			spawn(t, dir, address(t, shop.endpoint))
			alice = connect(t, shop.endpoint, token)
			inCart(pieces)
			if t.Failed() {
				t.Logf("it said:\n%s", shop.errs.String())
			}
		})
	}
}

// A log that is found damaged while the shop runs closes it: nothing is sold or
// shown on top of it.
func TestALogDamagedUnderARunningShop(t *testing.T) {
	needDisk(t)
	d, at := newDisk(true), t.TempDir()
	mount(t, d, at)
	dir := filepath.Join(at, "data")
	shop := spawn(t, dir, "127.0.0.1:0")
	origin := strings.TrimSuffix(shop.endpoint, "/mcp")
	alice := connect(t, shop.endpoint, login(t, shop.endpoint, "alice", password(t, dir, "alice"), scopes))
	alice.call("add_to_cart", args{"product": "catnip-mouse"})

	d.ail(func(d *disk) {
		block := d.find("data/nats/jetstream/$G/streams/till/msgs/1.blk")
		block.live, block.safe = flipped(block.live), flipped(block.safe)
		d.badSync = true // so that the files are read again
	})
	if out, err := alice.try("add_to_cart", args{"product": "catnip-mouse"}); err != nil || !out.IsError {
		t.Fatalf("%+v, %v", out, err)
	}
	d.ail(func(d *disk) { d.badSync = false })
	status, body := 0, ""
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if status, body = get(t, origin+"/readyz"); strings.Contains(body, "are missing; stop the shop and restore") {
			break
		}
	}
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "are missing; stop the shop and restore") {
		t.Fatalf("/readyz answers %d %s", status, body)
	}
	closed := func(tool string, in args) bool {
		out, err := alice.try(tool, in)
		if err != nil {
			return strings.Contains(err.Error(), "Service Unavailable") // not 401
		}
		return out.IsError && out.text("code") == "shop_unavailable"
	}
	// The views hear of it a moment later than /readyz.
	for end := time.Now().Add(60 * time.Second); !closed("view_cart", nil); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("view_cart is answered on a damaged log")
		}
	}
	for tool, in := range map[string]args{"add_to_cart": {"product": "catnip-mouse"}, "checkout": {}, "get_order_history": {}, "search_products": {"query": "mouse"}} {
		if !closed(tool, in) {
			t.Errorf("%s is answered on a damaged log", tool)
		}
	}
	unavailable(t, origin+"/register", "application/json", `{"redirect_uris":["http://127.0.0.1:1/cb"],"token_endpoint_auth_method":"none"}`)
}

// unavailable posts and wants the answer of a shop that cannot write now.
func unavailable(t *testing.T, url, kind, body string) {
	t.Helper()
	resp, err := http.Post(url, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s answers %d, Retry-After %q: %s, %v", url, resp.StatusCode, resp.Header.Get("Retry-After"), said, err)
	}
}

// ready waits until the shop says that it can sell.
func ready(t *testing.T, origin string) {
	t.Helper()
	status, body := 0, ""
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if status, body = get(t, origin+"/readyz"); status == http.StatusOK {
			return
		}
	}
	t.Fatalf("the shop does not come back: %d %s", status, body)
}
