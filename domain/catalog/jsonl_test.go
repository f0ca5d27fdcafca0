package catalog_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"till/domain/catalog"
	"till/domain/money"
)

const bell = `{"handle":"bell","title":"Bell","category":"collars","variants":[{"sku":"BELL","price":"4.99","stock":3}]}`

func TestReadJSONL(t *testing.T) {
	rows, faults := catalog.ReadJSONL(strings.NewReader("\xef\xbb\xbf" + `{"till_catalog":1,"currency":"JPY"}` + "\r\n\r\n" +
		`{"id":"7","handle":"bell","title":"Bell","description":"Rings.","category":"collars","tags":["loud"],"options":["size"],"variants":[` +
		`{"sku":"BELL-S","values":["S"],"price":500,"stock":0},{"sku":"BELL-L","values":["L"],"price":"750"}]}` + "\r\n" + bell2))
	if len(faults) > 0 || len(rows) != 2 {
		t.Fatalf("rows %v, faults %v", rows, faults)
	}
	want := catalog.Product{ID: "7", Handle: "bell", Title: "Bell", Description: "Rings.", Category: "collars", Tags: []string{"loud"}, Options: []string{"size"}, Variants: []catalog.Variant{
		{SKU: "BELL-S", Values: []string{"S"}, Price: money.Of(500, "JPY")},
		{SKU: "BELL-L", Values: []string{"L"}, Price: money.Of(750, "JPY")},
	}}
	if row := rows[0]; row.Line != 3 || !row.Product.Equal(want) {
		t.Errorf("line %d: %+v", row.Line, row.Product)
	}
	if s := rows[0].Stock; s["BELL-S"] == nil || *s["BELL-S"] != 0 || s["BELL-L"] != nil {
		t.Errorf("stock %v, want 0 pieces of one and no count of the other", s)
	}
	if p := rows[1].Product; p.ID != "gong" || p.Variants[0].Price != money.Of(1250, "USD") {
		t.Errorf("%+v: want the handle as id and the variant's own currency", p)
	}
}

const bell2 = `{"handle":"gong","title":"Gong","category":"collars","variants":[{"sku":"GONG","price":12.5,"currency":"USD"}]}`

// with is the bell with one thing replaced.
func with(old, new string) string {
	if !strings.Contains(bell, old) {
		panic("the bell has no " + old)
	}
	return strings.Replace(bell, old, new, 1)
}

func TestReadJSONLTellsEveryFault(t *testing.T) {
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"empty", "", []string{"the file holds no product"}},
		{"header alone", `{"till_catalog":1}`, []string{"the file holds no product"}},
		{"newer format", `{"till_catalog":2}` + "\n" + bell, []string{"line 1: the file has format 2, this till reads format 1; use a newer till"}},
		{"header late", bell + "\n" + `{"till_catalog":1}`, []string{"line 2: the file's header must be its first line"}},
		{"header with more", `{"till_catalog":1,"curency":"EUR"}`, []string{`line 1: the file's header: unknown field "curency"`}},
		{"header's currency", `{"till_catalog":1,"currency":"euro"}`, []string{`line 1: the currency "euro" is not a code`}},
		{"one array", "[" + bell + "]", []string{"line 1: not a JSON object; each line holds one product"}},
		{"spans lines", "{\n" + `"handle":"bell"}`, []string{"line 1: not valid JSON: the line ends too early", "line 2: not a JSON object"}},
		{"broken", `{"handle":"bell",}`, []string{"line 1: not valid JSON at byte 18: "}},
		{"two in a line", bell + bell, []string{"line 1: something stands after the product"}},
		{"unknown field", with(`"title"`, `"titel"`), []string{`line 1: unknown field "titel"`}},
		{"wrong kind", with(`"Bell"`, `5`), []string{"line 1: title cannot be a number"}},
		{"wrong kind inside", with(`:3`, `:"3"`), []string{"line 1: variants.stock cannot be a string"}},
		{"half a piece", with(`:3`, `:2.5`), []string{"line 1: variants.stock cannot be a number 2.5"}},
		{"not UTF-8", with("Bell", "B\xffll"), []string{"line 1: the line is not UTF-8"}},
		{"no handle", with(`"handle":"bell",`, ``), []string{`line 1: handle "" must be`}},
		{"several", with(`"bell","title":"Bell"`, `"Bell!","title":""`), []string{`line 1: handle "Bell!" must be`, "line 1: title must have 1 to 200 characters"}},
		{"bad price", with("4.99", "4,99"), []string{`line 1: SKU "BELL": the price "4,99" is not a decimal number`}},
		{"price as truth", with(`"4.99"`, "true"), []string{`line 1: a price is a decimal`}},
		{"price with exponent", with(`"4.99"`, "5e1"), []string{`line 1: SKU "BELL": the price "5e1" is not a decimal number`}},
		{"too fine", with("4.99", "4.999"), []string{`line 1: SKU "BELL": the price "4.999" is not a decimal number with at most 2 decimals`}},
		{"no price", with(`"price":"4.99",`, ``), []string{`line 1: SKU "BELL": the price is missing`}},
		{"negative price", with("4.99", "-4.99"), []string{`line 1: SKU "BELL": the price must be 0 to $10000000.00`}},
		{"huge price", with("4.99", "99999999999999999"), []string{`line 1: SKU "BELL": the price "99999999999999999"`}},
		{"bad currency", with(`"4.99"`, `"4.99","currency":"usd"`), []string{`line 1: SKU "BELL": the currency "usd" is not a code`}},
		{"negative stock", with(":3", ":-3"), []string{`line 1: SKU "BELL": the stock must be 0 to 1000000, it is -3`}},
		{"no variants", with(`{"sku":"BELL","price":"4.99","stock":3}`, ""), []string{"line 1: a product has 1 to 100 variants, this one has 0"}},
		{"values without options", with(`"sku":"BELL"`, `"sku":"BELL","values":["S"]`), []string{`line 1: SKU "BELL" needs a value for each of the 0 options`}},
		{"control characters", with("Bell", `Be\u0007ll`), []string{"line 1: title must be plain text"}},
		{"turned-round text", with("Bell", "Be\u202ell"), []string{"line 1: title must be plain text"}},
		{"same handle", bell + "\n\n" + with("BELL", "BELL-2"), []string{`line 3: handle "bell" stands on line 1 already`}},
		{"same SKU", bell + "\n" + with("bell", "bell-2"), []string{`line 2: SKU "BELL" stands on line 1 already`}},
		{"same id", with(`"handle"`, `"id":"5","handle"`) + "\n" + strings.Replace(bell2, `"handle"`, `"id":"5","handle"`, 1), []string{`line 2: id "5" stands on line 1 already`}},
		{"handle is another's id", with(`"handle"`, `"id":"gong","handle"`) + "\n" + bell2, []string{`line 2: handle "gong" is the id of the product on line 1`, `line 2: SKU "GONG" is the id of the product on line 1 as "gong"`}},
		{"same SKU in other letters", bell + "\n" + strings.Replace(with("bell", "bell-2"), "BELL", "Bell", 1), []string{`line 2: SKU "Bell" stands on line 1 already as "BELL"; capital and small letters are the same here`}},
		{"same id in other letters", with(`"handle"`, `"id":"A5","handle"`) + "\n" + strings.Replace(bell2, `"handle"`, `"id":"a5","handle"`, 1), []string{`line 2: id "a5" stands on line 1 already as "A5"`}},
		{"SKU is another's handle in other letters", with("BELL", "B-1") + "\n" + strings.Replace(bell2, "GONG", "BELL", 1), []string{`line 2: SKU "BELL" is the handle of the product on line 1 as "bell"`}},
		{"SKU twice in other letters in one product", with(`[{`, `[{"sku":"bell","price":"1"},{`), []string{`line 1: SKU "BELL" occurs already as "bell"`, `line 1: SKU "BELL" repeats the options of another variant`}},
		{"two currencies in one product", with(`[{`, `[{"sku":"CHIME","price":"1","currency":"EUR"},{`), []string{`line 1: SKU "BELL": one product has one currency`, `line 1: SKU "BELL" repeats the options`}},
		{"SKU twice in one product", with(`[{`, `[{"sku":"BELL","price":"1"},{`), []string{`line 1: SKU "BELL" occurs twice`, `line 1: SKU "BELL" repeats the options of another variant`}},
		{"several rows", bell + "\nnonsense\n" + with("4.99", "x"), []string{"line 2: not a JSON object", `line 3: SKU "BELL": the price "x"`, `line 3: handle "bell" stands on line 1`, `line 3: SKU "BELL" stands on line 1`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, faults := catalog.ReadJSONL(strings.NewReader(test.file))
			expect(t, faults, test.want)
		})
	}
}

// expect compares faults with the beginnings of their sentences, in order.
func expect(t *testing.T, faults []catalog.Fault, want []string) {
	t.Helper()
	for i := range max(len(faults), len(want)) {
		switch {
		case i >= len(faults):
			t.Errorf("missing fault %q", want[i])
		case i >= len(want):
			t.Errorf("unexpected fault %q", faults[i])
		case !strings.HasPrefix(faults[i].Error(), want[i]):
			t.Errorf("fault %q, want %q", faults[i], want[i])
		}
	}
}

func TestReadJSONLIsBounded(t *testing.T) {
	t.Run("line", func(t *testing.T) {
		long := with(`"Bell"`, `"`+strings.Repeat("B", catalog.MaxLineBytes)+`"`)
		rows, faults := catalog.ReadJSONL(strings.NewReader(long + "\n" + bell))
		expect(t, faults, []string{fmt.Sprintf("line 1: the line has more than %d bytes", catalog.MaxLineBytes)})
		if len(rows) != 1 || rows[0].Line != 2 {
			t.Errorf("the line after it was not read: %v", rows)
		}
	})
	t.Run("file", func(t *testing.T) {
		line := append(bytes.Repeat([]byte(" "), 1<<19), '\n')
		var file []io.Reader
		for range catalog.MaxFileBytes/len(line) + 2 {
			file = append(file, bytes.NewReader(line))
		}
		_, faults := catalog.ReadJSONL(io.MultiReader(file...))
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), "more than 100 MB") {
			t.Errorf("%v", faults)
		}
	})
	t.Run("faults", func(t *testing.T) {
		_, faults := catalog.ReadJSONL(strings.NewReader(strings.Repeat("nonsense\n", catalog.MaxFaults+7)))
		if last := faults[len(faults)-1]; len(faults) != catalog.MaxFaults+1 || last.Error() != "and 7 more; mend these first" {
			t.Errorf("%d faults, the last %q", len(faults), last)
		}
	})
	t.Run("broken pipe", func(t *testing.T) {
		_, faults := catalog.ReadJSONL(io.MultiReader(strings.NewReader(bell+"\n"), failing{}))
		expect(t, faults, []string{"line 2: the file cannot be read further: unexpected EOF"})
	})
}

// failing is a disk that gives up.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCheckAgainst(t *testing.T) {
	rows, faults := catalog.ReadJSONL(strings.NewReader(bell + "\n" + bell2))
	expect(t, faults, nil)
	shop := map[string]string{"bell": "bell", "BELL": "bell", "GONG": "12", "gong": "gong"}
	faults = catalog.CheckAgainst(rows, func(name string) (string, bool) {
		id, ok := shop[name]
		return id, ok
	})
	expect(t, faults, []string{`line 2: SKU "GONG" belongs to product "12" of the shop, capital and small letters being the same`})
	// The shop finds a product in any case of letters, and says how it spells it.
	faults = catalog.CheckAgainst(rows[:1], func(string) (string, bool) { return "Bell", true })
	expect(t, faults, []string{`line 1: handle "bell" belongs to product "Bell"`, `line 1: SKU "BELL" belongs to product "Bell"`})
}

func BenchmarkReadJSONL(b *testing.B) {
	var file bytes.Buffer
	if _, err := io.Copy(&file, catalog.CatShop()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	products := 0
	for b.Loop() {
		rows, _ := catalog.ReadJSONL(bytes.NewReader(file.Bytes()))
		products += len(rows)
	}
	b.ReportMetric(float64(products)/b.Elapsed().Seconds(), "products/s")
}
