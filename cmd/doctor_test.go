package cmd

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"till/domain/account"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/stock"
)

// ill is a shop that is looked at by its doctor.
func ill(t *testing.T) *Running {
	t.Helper()
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Stop() })
	return shop
}

func findings(t *testing.T, a *App) map[string]finding {
	t.Helper()
	all := map[string]finding{}
	if err := askDoctor.ask(t.Context(), a, checkup{}, func(f finding) error {
		all[f.Check] = f
		return nil
	}, nil); err != nil {
		t.Fatal(err)
	}
	if len(all) != 10 {
		t.Errorf("%d checks: %v", len(all), all)
	}
	return all
}

func (f finding) expect(t *testing.T, s state, found, do string) {
	t.Helper()
	if f.State != s || !strings.Contains(f.Found, found) || !strings.Contains(f.Do, do) {
		t.Errorf("%s: %s %q, %q; want %s %q, %q", f.Check, f.State, f.Found, f.Do, s, found, do)
	}
}

func TestDoctorFinds(t *testing.T) {
	shop := ill(t)
	a := shop.App
	ctx := t.Context()
	for check, f := range findings(t, a) {
		if f.State == wrong {
			t.Errorf("%s in a well shop: %+v", check, f)
		}
	}

	// A request under another name.
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, shop.Endpoint, nil)
	req.Host = "shop.elsewhere.test"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	// A reservation of long ago that nobody looks after.
	meta := eventlog.Meta{Command: "reserve", Time: time.Now()}
	out, err := a.checkout.Stocks.Do(ctx, "MOUSE-CATNIP", stock.Reserve{Reservation: "CS-AAAAA-AAAAA/1", Quantity: 1, Until: time.Now().Add(time.Hour)}, meta)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody's key is gone, another's is of nobody, a forgotten one's is kept.
	bob, err := a.authz.Accounts().Find(ctx, "bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.buckets["people"].Delete(ctx, bob); err != nil {
		t.Fatal(err)
	}
	if err := a.views.Wait(ctx, out.Position); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(a.folder.Path(), 0o755); err != nil {
		t.Fatal(err)
	}
	all := findings(t, a)
	all["data folder"].expect(t, wrong, "may be read by others", "chmod 700")
	all["keys"].expect(t, wrong, "the key of 1 account is gone, the first "+bob, "backup")
	all["public URL"].expect(t, worth, `requests come for host shop.elsewhere.test`, "--public-url")
	all["reservations"].expect(t, well, "no piece", "")

	accounts := decider.NewHandler(account.Decider(), a.types, a.log, a.views)
	gone, err := accounts.Do(ctx, bob, account.Forget{At: time.Now()}, eventlog.Meta{Command: "forget", Time: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.views.Wait(ctx, gone.Position); err != nil {
		t.Fatal(err)
	}
	findings(t, a)["keys"].expect(t, well, "3 accounts", "")
	for _, user := range []string{bob, "usr_nobody"} {
		if err := a.buckets["people"].Create(ctx, user, []byte("a key")); err != nil {
			t.Fatal(err)
		}
	}
	// Events of a newer till and of tomorrow, which stop the views.
	late := eventlog.Stream{Category: "stock", ID: "LATE"}
	e := eventlog.Envelope{Stream: late, Number: 1, Type: "stock.counted", Version: 9, Data: []byte("{}"), Meta: eventlog.Meta{Time: time.Now().Add(time.Hour)}}
	if _, err := a.log.Append(ctx, eventlog.Change{Stream: late, Events: []eventlog.Envelope{e}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); a.views.Check() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the views go on over what nobody knows")
		}
	}
	all = findings(t, a)
	all["event types"].expect(t, wrong, "1 event cannot be read: unknown event type or version: stock.counted version 9", "start the till that wrote them")
	all["clock"].expect(t, wrong, "behind the last event", "clock")
	all["views"].expect(t, wrong, "stock.counted version 9", "")
	all["log"].expect(t, well, "without a gap", "")
}

// The public URL leads to another shop, or to nothing.
func TestDoctorAsksForItself(t *testing.T) {
	one, other := ill(t), ill(t)
	one.origin = other.origin
	if why := one.askMyself(context.Background()); why == "" || !strings.Contains(why, "another shop") {
		// Both are shops of this machine, told apart by their addresses.
		if one.authz.Resource() == other.authz.Resource() {
			t.Fatal("two shops of one address")
		}
		t.Error(why)
	}
	_ = other.Stop()
	if why := one.askMyself(context.Background()); !strings.Contains(why, "refused") {
		t.Error(why)
	}
	one.origin = fmt.Sprint(one.origin, "/nothing/here")
	f, err := one.checkAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.expect(t, wrong, "does not lead to this shop", "proxy or tunnel")
}
