package cmd

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/projections"
)

// startFirst opens the shop of a folder and makes its first start.
func startFirst(ctx context.Context, t *testing.T, dir string, progress func(int)) (*App, error) {
	t.Helper()
	a, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	return a, a.firstStart(ctx, progress)
}

func onOffer(t *testing.T, a *App) (products int) {
	t.Helper()
	head, err := a.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = a.views.Read(t.Context(), head, func(r *projections.Reader) error {
		products = 0
		categories, err := r.Categories(t.Context())
		for _, c := range categories {
			products += c.Products
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return products
}

// A first start that was cut off is finished by the next one.
func TestAFirstStartThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	rows, _ := catalog.ReadJSONL(catalog.CatShop())
	cut, stop := context.WithCancel(t.Context())
	a, err := startFirst(cut, t, dir, func(int) { stop() })
	if n := onOffer(t, a); !errors.Is(err, context.Canceled) || n == 0 || n == len(rows) {
		t.Fatalf("not cut off: %d products, %v", n, err)
	}
	_ = a.close()
	a, err = startFirst(t.Context(), t, dir, func(int) {})
	if n := onOffer(t, a); err != nil || n != len(rows) {
		t.Errorf("%d of %d products: %v", n, len(rows), err)
	}
	if _, err := os.Stat(a.folder.File(loadingName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark stays: %v", err)
	}
}

// What an owner took off offer does not come back at the next start.
func TestOnlyAnEmptyLogIsFilled(t *testing.T) {
	dir := t.TempDir()
	a, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.AddUser(t.Context(), "carol", "a long enough password"); err != nil {
		t.Fatal(err)
	}
	_ = a.close()
	a, err = startFirst(t.Context(), t, dir, func(int) {})
	if n := onOffer(t, a); err != nil || n != 0 {
		t.Errorf("%d products came by themselves: %v", n, err)
	}
}

// A shop with demo users has a code for them, made once; one without has none. When it
// gets a public URL, the code ends with the demo users.
func TestTheDemoUsersCode(t *testing.T) {
	dir := t.TempDir()
	start := func(opt ServeOptions) *Running {
		t.Helper()
		opt.Options.Dir, opt.Addr = dir, "127.0.0.1:0"
		r, err := Serve(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Stop() })
		return r
	}
	for range 2 {
		r := start(ServeOptions{Demo: true})
		var banner strings.Builder
		r.banner(&banner)
		if r.Code != "WELCOME10" || !strings.Contains(banner.String(), "Their code   WELCOME10   (10 % off, once for each of them)") {
			t.Errorf("the code is %q in %s", r.Code, &banner)
		}
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if r := start(ServeOptions{Options: Options{PublicURL: "https://shop.mydomain.net"}}); r.Code != "" || r.Stop() != nil {
		t.Errorf("a public shop offers %q", r.Code)
	}
	r := start(ServeOptions{Demo: true})
	s, _, err := r.checkout.Promotions.State(t.Context(), demoCode)
	if err != nil || s.Ended.IsZero() || r.Code != "" {
		t.Errorf("the code is %+v, the banner says %q: %v", s, r.Code, err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}

	dir = t.TempDir()
	r = start(ServeOptions{Demo: false})
	if codes, err := r.views.Codes(t.Context()); err != nil || len(codes) != 0 || r.Code != "" {
		t.Errorf("a shop without demo users has the codes %v, %v", codes, err)
	}
}
