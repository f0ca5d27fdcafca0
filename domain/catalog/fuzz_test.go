package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/domain/eventlog"
)

// sound checks what must hold of every reading: with no fault told, each
// product may be offered, is offered once only, and no name means two products.
func sound(t *testing.T, rows []catalog.Row, faults []catalog.Fault) {
	t.Helper()
	for _, f := range faults {
		if f.Message == "" || len(f.Message) > 1000 || f.Line < 0 {
			t.Errorf("a fault that helps nobody: %+v", f)
		}
	}
	if len(faults) > 0 {
		return
	}
	owner := map[string]string{}
	claim := func(name, id string) {
		if other, taken := owner[name]; taken && other != id {
			t.Errorf("%q means product %q and product %q", name, other, id)
		}
		owner[name] = id
	}
	for _, row := range rows {
		d := catalog.Decider()
		offer := catalog.Offer{Product: row.Product}
		events, err := d.Decide(catalog.State{}, offer)
		if err != nil || len(events) != 1 {
			t.Fatalf("%+v: %d events, %v", row.Product, len(events), err)
		}
		if again, err := d.Decide(d.Fold(events...), offer); err != nil || len(again) > 0 {
			t.Errorf("%+v is not the same twice: %v, %v", row.Product, again, err)
		}
		claim(row.Product.ID, row.Product.ID)
		claim(row.Product.Handle, row.Product.ID)
		if len(row.Stock) != len(row.Product.Variants) {
			t.Errorf("%d stocks for %d variants", len(row.Stock), len(row.Product.Variants))
		}
		for _, v := range row.Product.Variants {
			claim(v.SKU, row.Product.ID)
			if n, listed := row.Stock[v.SKU]; !listed || n != nil && (*n < 0 || *n > catalog.MaxStock) {
				t.Errorf("stock of %q: listed %v, %v", v.SKU, listed, n)
			}
		}
	}
}

func FuzzReadJSONL(f *testing.F) {
	f.Add(bell + "\n" + bell2)
	f.Add("\xef\xbb\xbf{\"till_catalog\":1,\"currency\":\"EUR\"}\r\n" + bell)
	f.Add(with(`"4.99"`, "4.990e0"))
	f.Add(with(`:3`, ":null"))
	f.Fuzz(func(t *testing.T, file string) {
		rows, faults := catalog.ReadJSONL(strings.NewReader(file))
		sound(t, rows, faults)
		if len(rows)+len(faults) == 0 {
			t.Error("nothing was read and nothing said")
		}
	})
}

func FuzzReadShopify(f *testing.F) {
	for _, name := range []string{"shopify-old.csv", "shopify-new.csv"} {
		data, err := os.ReadFile(filepath.Join("testdata", "import", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("Handle,Title,Price\na,A,1\n'b,\"B\"\"\",2\n")
	f.Fuzz(func(t *testing.T, file string) {
		rows, skips, faults := catalog.ReadShopify(strings.NewReader(file), "USD")
		sound(t, rows, faults)
		if len(rows)+len(skips)+len(faults) == 0 {
			t.Error("nothing was read and nothing said")
		}
	})
}

// FuzzDecodeEvent feeds the registry what a damaged or foreign log might hold:
// it must answer with an event or an error, and an event must store again as
// something that decodes to the same.
func FuzzDecodeEvent(f *testing.F) {
	types := eventlog.NewTypes()
	catalog.Register(types)
	files, err := filepath.Glob(filepath.Join("testdata", "events", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatal("no golden files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".v")
		f.Add(name, 1, data)
	}
	f.Fuzz(func(t *testing.T, name string, version int, data []byte) {
		e, err := types.Decode(eventlog.Envelope{Type: name, Version: version, Data: data})
		if err != nil {
			return
		}
		event := e.(catalog.Event)
		state := catalog.Evolve(catalog.State{}, event)
		_, newest, again, err := types.Encode(event)
		if err != nil {
			t.Fatal(err)
		}
		back, err := types.Decode(eventlog.Envelope{Type: name, Version: newest, Data: again})
		if err != nil {
			t.Fatalf("stored again it does not decode: %v", err)
		}
		if s := catalog.Evolve(catalog.State{}, back.(catalog.Event)); !s.Product.Equal(state.Product) || s.Withdrawn != state.Withdrawn {
			t.Errorf("%+v came back as %+v", state, s)
		}
	})
}
