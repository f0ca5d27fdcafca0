package catalog

import (
	"strconv"
	"strings"
)

// shopColumns says where the columns of one Shopify file stand.
type shopColumns struct {
	at    map[string]int
	width int
}

// Shopify renamed its columns in 2025 ("Variant SKU" became "SKU", "Body
// (HTML)" became "Description"); exports from before are still about, and so
// are the older two product types. The first spelling is our own key.
var shopSpellings = [][]string{
	{"handle", "url handle"},
	{"title"},
	{"description", "body (html)", "body html", "body"},
	{"vendor"},
	{"type", "custom product type"},
	{"category", "product category", "standard product type"},
	{"tags"},
	{"published", "published on online store"},
	{"status"},
	{"gift card"},
	{"sku", "variant sku"},
	{"price", "variant price"},
	{"quantity", "inventory quantity", "variant inventory qty"},
	{"tracker", "inventory tracker", "variant inventory tracker"},
	{"oversell", "continue selling when out of stock", "variant inventory policy"},
	{"option1 name"}, {"option1 value"},
	{"option2 name"}, {"option2 value"},
	{"option3 name"}, {"option3 value"},
}

// columnsOf finds the columns by name, in any order and case.
func columnsOf(header []string) shopColumns {
	c := shopColumns{map[string]int{}, len(header)}
	for i, name := range header {
		name = strings.ToLower(strings.Join(strings.Fields(name), " "))
		for _, spellings := range shopSpellings {
			for _, s := range spellings {
				if _, known := c.at[spellings[0]]; s == name && !known {
					c.at[spellings[0]] = i
				}
			}
		}
	}
	return c
}

func (c shopColumns) has(column string) bool {
	_, ok := c.at[column]
	return ok
}

// of is the record's value in a column, trimmed; empty where the file has no
// such column or the record is short.
func (c shopColumns) of(record []string, column string) string {
	i, ok := c.at[column]
	if !ok || i >= len(record) {
		return ""
	}
	return strings.TrimSpace(record[i])
}

// option is the record's value of "option1 name" and the like, n from 1.
func (c shopColumns) option(record []string, n int, part string) string {
	return c.of(record, "option"+strconv.Itoa(n)+" "+part)
}

// missing names the columns without which nothing can be read.
func (c shopColumns) missing() []string {
	var names []string
	if !c.has("title") {
		names = append(names, "Title")
	}
	if !c.has("handle") {
		names = append(names, "Handle (or URL handle)")
	}
	if !c.has("price") {
		names = append(names, "Variant Price (or Price)")
	}
	return names
}
