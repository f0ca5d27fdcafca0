package mcp

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"

	"till/projections"
)

// productPages is the path below which each product has a page.
const productPages = "/products"

//go:embed productpage.html
var productPageText string

//go:embed productpage.css
var productPageStyle string

// ProductPages shows products to anybody with a browser, at /products/{handle}:
// the addresses that search and fetch give as sources must lead somewhere. The
// shop has these pages only together with those tools. They show what every
// token may read, carry no script and take nothing from elsewhere.
func (s *Server) ProductPages() (http.Handler, error) {
	page, err := template.New("product").Parse(productPageText)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(productPageStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readTime)
		defer cancel()
		status, shown := http.StatusOK, shownProduct{Style: template.CSS(productPageStyle)}
		err := s.Views.Read(ctx, 0, func(v *projections.Reader) error {
			shown.Product, shown.document = nil, nil // a reading may be begun twice
			l, _, ok, err := v.Product(ctx, r.PathValue("handle"))
			if ok {
				shown.Product, shown.document = productOf(l, ""), s.document(l, "")
			}
			return err
		})
		switch {
		case errors.Is(err, context.Canceled):
			return
		case err != nil:
			s.Logger.Error("product page failed", "error", err.Error())
			status, shown.Problem = http.StatusServiceUnavailable, "The shop cannot show this now. Try again in a moment."
		case shown.Product == nil:
			status, shown.Problem = http.StatusNotFound, "There is no such product in this shop."
		}
		var body bytes.Buffer
		if err := page.Execute(&body, shown); err != nil {
			s.Logger.Error("product page failed", "error", err.Error())
			http.Error(w, "The shop cannot show this page.", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "public, max-age=60")
		if status != http.StatusOK {
			h.Set("Cache-Control", "no-store")
		}
		w.WriteHeader(status)
		_, _ = w.Write(body.Bytes()) // whoever left needs no page
	}), nil
}

// shownProduct is what the page shows: a product, or why there is none.
type shownProduct struct {
	Style   template.CSS
	Product *product
	*document
	Problem string
}
