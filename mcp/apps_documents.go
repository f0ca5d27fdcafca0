package mcp

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"path"
	"regexp"
	"strings"
)

//go:embed views
var viewFiles embed.FS

// view is a document that a client shows beside a tool's answer. It holds its
// script, its style and its pictures and no data.
type view struct {
	name, title, about string
	// scripts are those of its own; the cart is in all of them, because a person who
	// sees a product puts it in and buys.
	scripts       []string
	uri, document string
}

// makeViews puts the documents together from the embedded files.
func makeViews() ([]view, error) {
	needlessQuotes := regexp.MustCompile(`="([a-z0-9.#-]+)" `)
	views := []view{
		{name: "products", title: "Products", about: "Products as cards, to put into the cart.", scripts: []string{"products.js"}},
		{name: "cart", title: "Cart", about: "The cart, to change and to review."},
		{name: "checkout", title: "Checkout", about: "The review of a checkout, to confirm, and the order."},
		{name: "orders", title: "Orders", about: "The order history and an order's timeline.", scripts: []string{"orders.js"}},
	}
	page, err1 := viewPart("page.html")
	style, err2 := viewPart("style.css")
	pictures, err3 := viewPart("pictures.svg")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	style = strings.NewReplacer(": ", ":", "; ", ";", " {", "{", "{ ", "{", " }", "}", ", ", ",").Replace(style)
	pictures = needlessQuotes.ReplaceAllString(pictures, "=$1 ")
	for i := range views {
		v := &views[i]
		script := ""
		for _, name := range append([]string{"host.js", "screen.js", "pictures.js", "cart.js", "checkout.js"}, append(v.scripts, "start.js")...) {
			part, err := viewPart(name)
			if err != nil {
				return nil, err
			}
			script += part
		}
		v.document = strings.NewReplacer("{{title}}", html.EscapeString(v.title), "{{style}}", style, "{{pictures}}", pictures, "{{script}}", script).Replace(page)
		sum := sha256.Sum256([]byte(v.document))
		v.uri = viewURI + v.name + "-" + hex.EncodeToString(sum[:4])
	}
	return views, nil
}

// viewPart is an embedded file without what is only for who reads it here: the
// lines' indentation and those that are a comment. No text of the files goes over
// lines.
func viewPart(name string) (string, error) {
	data, err := viewFiles.ReadFile(path.Join("views", name))
	if err != nil {
		return "", fmt.Errorf("mcp: a part of the views is missing: %w", err)
	}
	var b strings.Builder
	for line := range strings.SplitSeq(string(data), "\n") {
		line = strings.TrimSpace(line)
		comment := strings.HasPrefix(line, "//") || strings.HasPrefix(line, "/*") && strings.HasSuffix(line, "*/") || strings.HasPrefix(line, "<!--") && strings.HasSuffix(line, "-->")
		if line != "" && !comment {
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}
