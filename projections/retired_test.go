package projections

import (
	"testing"

	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// A reader that is inside a store while it is taken out of use stays at the
// moment of that store: Position says 0 by then.
func TestAReaderOfARetiredStoreKeepsItsMoment(t *testing.T) {
	types := eventlog.NewTypes()
	catalog.Register(types)
	log := memlog.New("")
	v, err := Open(t.Context(), Options{Dir: t.TempDir(), Log: log, Types: types})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	rows, _ := catalog.ReadJSONL(catalog.CatShop())
	out, err := decider.NewHandler(catalog.Decider(), types, log, v).Do(t.Context(), rows[0].Product.ID,
		catalog.Offer{Product: rows[0].Product}, eventlog.Meta{Command: "offer"})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Wait(t.Context(), out.Position); err != nil {
		t.Fatal(err)
	}
	v.position.Store(0) // as retire does before the last reader has left
	err = v.Read(t.Context(), 0, func(r *Reader) error {
		if r.At() != out.Position {
			t.Errorf("the reader stands at %d, the store at %d", r.At(), out.Position)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
