package catalog_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"till/domain/catalog"
	"till/domain/money"
)

func usd(cents int64) money.Amount { return money.Of(cents, "USD") }

// counts shows stock by SKU, "-" for a SKU that is not counted.
func counts(row catalog.Row) map[string]string {
	all := map[string]string{}
	for sku, n := range row.Stock {
		all[sku] = "-"
		if n != nil {
			all[sku] = strconv.Itoa(*n)
		}
	}
	return all
}

func TestReadShopifyOldColumns(t *testing.T) {
	rows, skips, faults := readFile(t, "shopify-old.csv")
	expect(t, faults, nil)
	if len(rows) != 2 {
		t.Fatalf("%d products: %v", len(rows), rows)
	}
	if d := cmp.Diff(catalog.Product{
		ID: "velvet-pillow", Handle: "velvet-pillow", Title: "Velvet Pillow", Category: "Pillows",
		Description: "Filled with buckwheat husk & lavender.\n- 40 cm\n- cover washes at 30 °C",
		Tags:        []string{"pillow", "Velvet", "Purrfect Mills"},
		Options:     []string{"Colour", "Size"},
		Variants: []catalog.Variant{
			{SKU: "PIL-PLM-S", Values: []string{"Plum", "S"}, Price: usd(1990)},
			{SKU: "PIL-PLM-L", Values: []string{"Plum", "L"}, Price: usd(2990)},
			{SKU: "VELVET-PILLOW-MOSS-S", Values: []string{"Moss", "S"}, Price: usd(1990)},
		},
	}, rows[0].Product); d != "" {
		t.Error(d)
	}
	// Sold below zero counts as none; what sells on without stock is not counted.
	if d := cmp.Diff(map[string]string{"PIL-PLM-S": "12", "PIL-PLM-L": "0", "VELVET-PILLOW-MOSS-S": "-"}, counts(rows[0])); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(catalog.Product{
		ID: "yarn-ball", Handle: "yarn-ball", Title: "Yarn Ball", Category: "Cat Toys", Tags: []string{"Purrfect Mills"},
		Variants: []catalog.Variant{{SKU: "0012", Price: usd(350)}},
	}, rows[1].Product); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"0012": "-"}, counts(rows[1])); d != "" {
		t.Errorf("no inventory tracker: %s", d)
	}
	if d := cmp.Diff([]catalog.Skip{
		{Line: 8, Handle: "secret-tunnel", Why: `its status is "draft"`},
		{Line: 9, Handle: "hidden-tunnel", Why: "it is not published"},
		{Line: 10, Handle: "purr-voucher", Why: "it is a gift card"},
	}, skips); d != "" {
		t.Error(d)
	}
}

func TestReadShopifyNewColumns(t *testing.T) {
	rows, skips, faults := readFile(t, "shopify-new.csv")
	expect(t, faults, nil)
	if len(rows) != 2 || len(skips) != 1 || skips[0].Handle != "old-perch" {
		t.Fatalf("rows %v, skips %v", rows, skips)
	}
	if d := cmp.Diff(catalog.Product{
		ID: "brass-bell", Handle: "brass-bell", Title: "Brass Bell", Category: "Pet Collars", Tags: []string{"bell"},
		Description: "Rings once, softly.", Variants: []catalog.Variant{{SKU: "BELL-1", Price: usd(400)}},
	}, rows[0].Product); d != "" {
		t.Error(d)
	}
	// Made SKUs: values that differ only in what a SKU cannot hold stay apart.
	perch := rows[1].Product
	var skus []string
	for _, v := range perch.Variants {
		skus = append(skus, v.SKU)
	}
	if d := cmp.Diff([]string{"OAK-PERCH-GE-LT", "OAK-PERCH-F51ED2AD", "OAK-PERCH-GE-LT-5E1C8093"}, skus); d != "" {
		t.Error(d)
	}
	if got := counts(rows[1]); got[perch.Variants[0].SKU] != "3" || got[perch.Variants[1].SKU] != "-" || got[perch.Variants[2].SKU] != "-" {
		t.Errorf("stock %v", got)
	}
	again, _, _ := readFile(t, "shopify-new.csv")
	if !again[1].Product.Equal(perch) {
		t.Error("a second reading makes other SKUs")
	}
}

func readFile(t *testing.T, name string) ([]catalog.Row, []catalog.Skip, []catalog.Fault) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "import", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return catalog.Read(name, f, "USD")
}

func TestReadShopifyTellsEveryFault(t *testing.T) {
	const head = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty\n"
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"empty", "", []string{"the file is empty"}},
		{"header alone", head, []string{"the file holds no product"}},
		{"another file", "Name,Email\nAnn,ann@example.com\n", []string{"line 1: the first line lacks the column Title and Handle (or URL handle) and Variant Price (or Price)"}},
		{"semicolons", "Handle;Title;Variant Price\n", []string{"line 1: the first line lacks the column Title and Handle (or URL handle) and Variant Price (or Price) of a Shopify product export; the columns must be separated by commas"}},
		{"blank rows", head + ",,,,,,\n\nbell,Bell,,,B,1,\n", nil},
		{"short row", head + "bell,Bell,,,B,1\n", nil},
		{"long row", head + "bell,Bell,,,B,1,5,more\n", []string{"line 2: the row has 8 fields, the first line names 7"}},
		{"no handle", head + ",,,,B,1,5\n", []string{"line 2: the row names no product"}},
		{"handle from the title", head + ",Big Bell,,,B,1,5\n", nil},
		{"no title", head + "bell,,,,B,1,5\n", []string{"line 2: title must have 1 to 200 characters, it has 0"}},
		{"no price", head + "bell,Bell,,,B,,5\n", []string{"line 2: the price is missing"}},
		{"only pictures", head + "bell,Bell,,,,,\n", []string{`line 2: product "bell" has no row with a price`}},
		{"price in words", head + "bell,Bell,,,B,\"1,234.50\",5\n", []string{`line 2: the price "1,234.50" is not a decimal number`}},
		{"quantity", head + "bell,Bell,,,B,1,many\n", []string{`line 2: the quantity "many" is not a whole number`}},
		{"value without option", head + "bell,Bell,,S,B,1,5\n", []string{`line 2: the value "S" has no option: Option1 Name is missing`}},
		{"missing value", head + "bell,Bell,Size,S,B,1,5\nbell,,,,C,1,5\n", []string{`line 3: SKU "C": an option's value has 1 to 60 bytes`}},
		{"apart", head + "bell,Bell,,,B,1,5\ngong,Gong,,,G,1,5\nbell,,,,C,1,5\n", []string{`line 4: handle "bell" stands on line 2 already; the rows of one product must stand together`}},
		{"same SKU", head + "bell,Bell,,,B,1,5\ngong,Gong,,,B,1,5\n", []string{`line 3: SKU "B" stands on line 2 already`}},
		{"handles that become one", head + "big bell,Bell,,,B,1,5\nBig-Bell,Bell,,,C,1,5\n", []string{`line 3: handle "big-bell" stands on line 2 already`}},
		{"bare quote", head + "bell,6\" Bell,,,B,1,5\ngong,Gong,,,G,x,5\n", []string{"line 2: the quotes do not pair up", `line 3: the price "x"`}},
		{"open quote", head + "bell,\"Bell,,,B,1,5\ngong,Gong,,,G,x,5\n", []string{"line 2: the quotes do not pair up"}},
		{"not UTF-8", head + "bell,B\xe4ll,,,B,1,5\n", []string{"line 2: the row is not UTF-8"}},
		{"lines in a field", head + "bell,Bell,Size,\"S\n(small)\",B,1,5\ngong,Gong,,,G,x,5\n", []string{`line 2: SKU "B": an option's value`, `line 4: the price "x"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, faults := catalog.ReadShopify(strings.NewReader(test.file), "USD")
			expect(t, faults, test.want)
		})
	}
	t.Run("currency", func(t *testing.T) {
		_, _, faults := catalog.ReadShopify(strings.NewReader(head), "dollars")
		expect(t, faults, []string{`the currency "dollars" is not a code`})
	})
	t.Run("long record", func(t *testing.T) {
		long := head + "bell," + strings.Repeat("B", catalog.MaxLineBytes) + ",,,B,1,5\ngong,Gong,,,G,1,5\n"
		rows, _, faults := catalog.ReadShopify(strings.NewReader(long), "USD")
		expect(t, faults, []string{fmt.Sprintf("line 2: the row has more than %d bytes", catalog.MaxLineBytes)})
		if len(rows) != 1 {
			t.Errorf("the row after it was not read: %v", rows)
		}
	})
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		name, head string
		want       catalog.Format
	}{
		{"a", `{"handle":"bell"}`, catalog.JSONL},
		{"a.csv", "\xef\xbb\xbf\n  {\"till_catalog\":1}", catalog.JSONL},
		{"a.jsonl", "Handle,Title\r\n", catalog.Shopify},
		{"a", "\xef\xbb\xbfTitle,URL handle,Description\n", catalog.Shopify},
		{"a.JSONL", "", catalog.JSONL},
		{"a.csv", "Name,Email\n", catalog.Shopify},
		{"a.json", "[]", ""},
		{"a.png", "\x89PNG\r\n", ""},
	} {
		got, err := catalog.Detect(test.name, []byte(test.head))
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s %q: %q, %v, want %q", test.name, test.head, got, err, test.want)
		}
	}
	_, _, faults := catalog.Read("a.png", strings.NewReader("\x89PNG"), "USD")
	expect(t, faults, []string{"not a catalogue; give a JSON Lines file"})
	rows, _, faults := catalog.Read("shop", strings.NewReader(bell), "USD")
	expect(t, faults, nil)
	if len(rows) != 1 {
		t.Errorf("%v", rows)
	}
}

func TestReadShopifyIsBounded(t *testing.T) {
	line := strings.Repeat(" ", catalog.MaxLineBytes/2) + "\n"
	file := []io.Reader{strings.NewReader("Handle,Title,Variant Price\n")}
	for range catalog.MaxFileBytes/len(line) + 2 {
		file = append(file, strings.NewReader(line))
	}
	_, _, faults := catalog.ReadShopify(io.MultiReader(file...), "USD")
	expect(t, faults, []string{"the file has more than 100 MB"})
}
