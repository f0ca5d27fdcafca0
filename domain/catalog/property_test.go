package catalog_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"till/domain/catalog"
	"till/domain/eventlog"
	"till/domain/money"
)

// label is one line of text that a tag, an option or a value may hold.
func label() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Za-z0-9äßé木€'"<&,;-]([A-Za-z0-9 äßé木€'"<&,;-]{0,8}[A-Za-z0-9äßé木€'"<&,;-])?`)
}

// product draws a product that may be offered, under the given id.
func product(id string) *rapid.Generator[catalog.Product] {
	return rapid.Custom(func(t *rapid.T) catalog.Product {
		p := catalog.Product{
			ID: id, Handle: "h-" + id,
			Title:       label().Draw(t, "title"),
			Description: strings.Join(rapid.SliceOfN(label(), 0, 3).Draw(t, "description"), "\n"),
			Category:    label().Draw(t, "category"),
			Tags:        rapid.SliceOfN(label(), 0, 3).Draw(t, "tags"),
			Options:     rapid.SliceOfN(label(), 0, catalog.MaxOptions).Draw(t, "options"),
		}
		variants := 1
		if len(p.Options) > 0 {
			variants = rapid.IntRange(1, 4).Draw(t, "variants")
		}
		for n := range variants {
			v := catalog.Variant{
				SKU:   fmt.Sprintf("SKU-%s-%d", id, n),
				Price: money.Of(rapid.Int64Range(0, catalog.MaxPrice).Draw(t, "price"), "USD"),
			}
			for i := range p.Options {
				v.Values = append(v.Values, fmt.Sprintf("%s %d", label().Draw(t, "value"), n*10+i))
			}
			p.Variants = append(p.Variants, v)
		}
		if faults := p.Check(); len(faults) > 0 {
			t.Fatalf("%+v: %v", p, faults)
		}
		return p
	})
}

// stored is the event as it comes back from the log.
func stored(t *rapid.T, types *eventlog.Types, e catalog.Event) catalog.Event {
	name, version, data, err := types.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := types.Decode(eventlog.Envelope{Type: name, Version: version, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return back.(catalog.Event)
}

func TestAnyHistoryFolds(t *testing.T) {
	types := eventlog.NewTypes()
	catalog.Register(types)
	rapid.Check(t, func(t *rapid.T) {
		d := catalog.Decider()
		var history []catalog.Event
		var state catalog.State
		for range rapid.IntRange(1, 8).Draw(t, "commands") {
			var cmd catalog.Command = catalog.Withdraw{}
			if rapid.IntRange(0, 2).Draw(t, "kind") > 0 {
				cmd = catalog.Offer{Product: product("7").Draw(t, "product")}
			}
			events, err := d.Decide(state, cmd)
			if err != nil && len(history) > 0 {
				t.Fatalf("%+v refused: %v", cmd, err)
			}
			for _, e := range events {
				history = append(history, stored(t, types, e))
			}
			// The handler's cached state and one read from the log are the same.
			state = d.Fold(history...)
			if err != nil {
				continue
			}
			if again, err := d.Decide(state, cmd); err != nil || len(again) > 0 {
				t.Fatalf("the same command again gave %v, %v", again, err)
			}
			switch c := cmd.(type) {
			case catalog.Offer:
				if state.Withdrawn || !state.Product.Equal(c.Product) {
					t.Fatalf("offered %+v, stands as %+v", c.Product, state)
				}
			case catalog.Withdraw:
				if !state.Withdrawn {
					t.Fatal("withdrawn, yet on offer")
				}
			}
		}
	})
}

// decimal is the amount as an import file writes it.
func decimal(a money.Amount) string { return strings.TrimPrefix(a.String(), "$") }

func products(t *rapid.T) []catalog.Product {
	all := make([]catalog.Product, rapid.IntRange(1, 4).Draw(t, "products"))
	for i := range all {
		all[i] = product(strconv.Itoa(i)).Draw(t, "product")
	}
	return all
}

func TestJSONLGivesBackWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := products(t)
		var file strings.Builder
		for _, p := range want {
			var variants []map[string]any
			for _, v := range p.Variants {
				variants = append(variants, map[string]any{"sku": v.SKU, "values": v.Values, "price": decimal(v.Price)})
			}
			line, err := json.Marshal(map[string]any{
				"id": p.ID, "handle": p.Handle, "title": p.Title, "description": p.Description,
				"category": p.Category, "tags": p.Tags, "options": p.Options, "variants": variants,
			})
			if err != nil {
				t.Fatal(err)
			}
			file.Write(append(line, '\n'))
		}
		same(t, want, file.String(), func() ([]catalog.Row, []catalog.Fault) {
			return catalog.ReadJSONL(strings.NewReader(file.String()))
		})
	})
}

func TestShopifyGivesBackWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := products(t)
		var file strings.Builder
		out := csv.NewWriter(&file)
		out.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		header := []string{"Handle", "Title", "Body (HTML)", "Type", "Tags", "Variant SKU", "Variant Price"}
		for n := 1; n <= catalog.MaxOptions; n++ {
			header = append(header, fmt.Sprintf("Option%d Name", n), fmt.Sprintf("Option%d Value", n))
		}
		_ = out.Write(header)
		for i := range want {
			p := &want[i]
			p.ID = p.Handle // the file has no ids
			// What Shopify's form cannot say: a comma within a tag, two tags alike,
			// a value made of an apostrophe. HTML is another test's matter.
			p.Description = strings.NewReplacer("<", "", "&", "").Replace(p.Description)
			p.Description = strings.Join(slices.DeleteFunc(strings.Split(p.Description, "\n"), func(s string) bool { return strings.TrimSpace(s) == "" || s == "-" }), "\n")
			p.Description = tidyLines(p.Description)
			p.Title = strings.Join(strings.Fields(p.Title), " ")
			p.Tags = plainTags(p.Tags)
			for n, v := range p.Variants {
				record := []string{p.Handle, "", "", "", "", v.SKU, decimal(v.Price)}
				if n == 0 {
					record = []string{p.Handle, p.Title, p.Description, p.Category, strings.Join(p.Tags, ", "), v.SKU, decimal(v.Price)}
				}
				for i, value := range v.Values {
					name := ""
					if n == 0 {
						name = p.Options[i]
					}
					record = append(record, name, value)
				}
				_ = out.Write(record)
			}
		}
		out.Flush()
		same(t, want, file.String(), func() ([]catalog.Row, []catalog.Fault) {
			rows, skips, faults := catalog.ReadShopify(strings.NewReader(file.String()), "USD")
			if len(skips) > 0 {
				t.Fatalf("skipped %v", skips)
			}
			return rows, faults
		})
	})
}

func tidyLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func plainTags(tags []string) []string {
	var kept []string
	for _, tag := range tags {
		tag = strings.TrimSpace(strings.ReplaceAll(tag, ",", ""))
		if tag != "" && !slices.ContainsFunc(kept, func(k string) bool { return strings.EqualFold(k, tag) }) {
			kept = append(kept, tag)
		}
	}
	return kept
}

func same(t *rapid.T, want []catalog.Product, file string, read func() ([]catalog.Row, []catalog.Fault)) {
	rows, faults := read()
	if len(faults) > 0 || len(rows) != len(want) {
		t.Fatalf("%v, %d products of %d from\n%s", faults, len(rows), len(want), file)
	}
	for i, row := range rows {
		if !row.Product.Equal(want[i]) {
			t.Fatalf("read  %+v\nwrote %+v", row.Product, want[i])
		}
	}
}
