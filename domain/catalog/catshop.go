package catalog

import (
	_ "embed"
	"io"
	"strings"
)

//go:embed catshop.jsonl
var catShop string

// CatShop is the catalogue that a new shop starts with, in our own JSON Lines
// format: read it with [ReadJSONL].
func CatShop() io.Reader { return strings.NewReader(catShop) }
