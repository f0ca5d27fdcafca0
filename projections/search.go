package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Products lists or searches products. A cursor that is not one is ErrCursor.
func (r *Reader) Products(ctx context.Context, q ProductQuery) (ProductPage, error) {
	var page ProductPage
	words := split(q.Text)
	if len(words) == 0 {
		return page, r.list(ctx, q, "", &page)
	}
	vocabulary, err := r.vocabulary(ctx)
	if err != nil {
		return page, err
	}
	s := vocabulary.understand(words)
	page.Corrected = s.corrected
	if err := r.list(ctx, q, s.all, &page); err != nil || page.Total > 0 || s.any == "" {
		return page, err
	}
	// Nothing has all the words: what has most of them comes first.
	return page, r.list(ctx, q, s.any, &page)
}

// The weights of a word in the title, in tags, category and options, and in the
// description.
const score = "bm25(search, 10.0, 4.0, 1.0)"

// list fills the page with the products that match (all when match is empty).
func (r *Reader) list(ctx context.Context, q ProductQuery, match string, page *ProductPage) error {
	from, where, args := "listings l", []string{"l.withdrawn = 0"}, []any{}
	and := func(condition string, arg ...any) {
		where, args = append(where, condition), append(args, arg...)
	}
	if match != "" {
		from = "search JOIN listings l ON l.doc = search.rowid"
		and("search MATCH ?", match)
	}
	if c := strings.ToLower(strings.TrimSpace(q.Category)); c != "" {
		and("lower(l.category) = ?", c)
	}
	if q.MinPrice > 0 {
		and("l.low >= ?", q.MinPrice)
	}
	if q.MaxPrice > 0 {
		and("l.low <= ?", q.MaxPrice)
	}
	if q.InStock {
		and("EXISTS (SELECT 1 FROM variants v JOIN stock s ON s.id = v.sku WHERE v.product = l.product AND s.available > 0)")
	}
	first := "l.category"
	switch {
	case q.Sort == ByTitle:
		first = "0"
	case q.Sort == PriceUp:
		first = "l.low"
	case q.Sort == PriceDown:
		first = "-l.low"
	case match != "":
		first = score
	}
	matching := " FROM " + from + " WHERE " + strings.Join(where, " AND ")
	if _, err := r.row("SELECT count(*)"+matching, args, &page.Total); err != nil {
		return r.store.look(err)
	}

	limit := bound(q.Limit)
	scope := fmt.Sprintf("%q %q %d %d %t %s", q.Text, q.Category, q.MinPrice, q.MaxPrice, q.InStock, q.Sort)
	query := "SELECT k1, k2, k3 FROM (SELECT " + first + " AS k1, l.sorted AS k2, l.product AS k3" + matching + ")"
	var k1 any
	var k2, k3 string
	if q.Cursor != "" {
		if err := uncursor(q.Cursor, "products", scope, &k1, &k2, &k3); err != nil {
			return err
		}
		if !isKey(k1, first) {
			return ErrCursor
		}
		query += " WHERE (k1, k2, k3) > (?, ?, ?)"
		args = append(args, k1, k2, k3)
	}
	query += " ORDER BY k1, k2, k3 LIMIT ?"
	var ids []string
	more := false
	err := r.rows(ctx, query, append(args, limit+1), func(scan func(...any) error) error {
		if len(ids) == limit {
			more = true
			return nil
		}
		err := scan(&k1, &k2, &k3)
		ids = append(ids, k3)
		return err
	})
	if err != nil {
		return r.store.look(err)
	}
	for _, id := range ids {
		l, err := r.listing(id)
		if errors.Is(err, ErrQuarantined) {
			continue // the others can be bought all the same
		}
		if err != nil {
			return err
		}
		page.Products = append(page.Products, l)
	}
	if more {
		page.Next = cursor("products", scope, k1, k2, k3)
	}
	return nil
}

// isKey is whether a cursor's first key can be one of this order: SQLite
// compares any text as larger than any number.
func isKey(k any, first string) bool {
	switch k.(type) {
	case string:
		return first == "l.category"
	case float64:
		return first != "l.category"
	}
	return false
}
