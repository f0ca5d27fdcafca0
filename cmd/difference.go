package cmd

import (
	"fmt"
	"strings"

	"till/domain/history"
	"till/projections"
)

// maxFields bounds how many fields of one row are written out.
const maxFields = 40

// differenceText is a row that differs, for people: what it is, and its fields
// from before to after. Hashes of tokens are left out.
func differenceText(d projections.Difference) string {
	sign := "~"
	switch {
	case d.Before == nil:
		sign = "+"
	case d.After == nil:
		sign = "-"
	}
	title := d.View
	if d.Table != d.View {
		title += "." + d.Table
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", sign, title, short(d.Key, 80))
	told := 0
	for _, c := range history.Diff(row(d.Before), row(d.After)) {
		if c.Path == "id" {
			continue // the key
		}
		if told++; told > maxFields {
			b.WriteString("\n    … and more")
			break
		}
		if d.After == nil {
			c.Before, c.After = "", c.Before
		}
		b.WriteString("\n    " + c.String())
	}
	return b.String()
}

// row is a row as a state; a nil map would be one without fields.
func row(fields map[string]any) any {
	if fields == nil {
		return nil
	}
	return fields
}
