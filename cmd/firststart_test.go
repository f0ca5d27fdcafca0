package cmd

import (
	"context"
	"errors"
	"os"
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
