package projections

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
)

// maxCompared bounds how many products are compared with a text by their names.
const maxCompared = 5_000

// Nearest returns the up to n products on offer whose names are most like the
// text.
func (r *Reader) Nearest(ctx context.Context, text string, n int) ([]Listing, error) {
	n = min(max(n, 0), 50)
	type candidate struct {
		id    string
		alike float64
	}
	wanted := pieces(text)
	var all []candidate
	err := r.rows(ctx, `SELECT l.product, l.sorted, coalesce((SELECT group_concat(name, ' ') FROM names WHERE product = l.product), '')
		FROM listings l WHERE withdrawn = 0 ORDER BY l.doc LIMIT ?`, []any{maxCompared}, func(scan func(...any) error) error {
		var id, title, names string
		if err := scan(&id, &title, &names); err != nil {
			return err
		}
		best := alike(wanted, pieces(title))
		for _, name := range strings.Fields(names) {
			best = max(best, alike(wanted, pieces(name)))
		}
		all = append(all, candidate{id, best})
		return nil
	})
	if err != nil {
		return nil, r.store.look(err)
	}
	// What is not like any name may still say what it is for.
	found, err := r.Products(ctx, ProductQuery{Text: text, Limit: max(n, 1)})
	if err != nil {
		return nil, err
	}
	if len(split(text)) > 0 {
		for i, l := range found.Products {
			if j := slices.IndexFunc(all, func(c candidate) bool { return c.id == l.ID }); j >= 0 {
				all[j].alike += 0.3 - 0.01*float64(i)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.alike, a.alike) })
	var nearest []Listing
	for _, c := range all[:min(n, len(all))] {
		if c.alike < hardlyAlike {
			break
		}
		l, err := r.listing(c.id)
		if errors.Is(err, ErrQuarantined) {
			continue
		}
		if err != nil {
			return nil, err
		}
		nearest = append(nearest, l)
	}
	return nearest, nil
}

// hardlyAlike is where two names have no more in common than chance gives them.
const hardlyAlike = 0.1

// pieces are the runs of two letters in a text, and its whole words.
func pieces(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range split(text) {
		letters := []rune(" " + w + " ")
		for i := range len(letters) - 1 {
			set[string(letters[i:i+2])] = true
		}
		set[w] = true
	}
	return set
}

// alike is how much of two texts' pieces is common, from 0 to 1 (Dice).
func alike(a, b map[string]bool) float64 {
	common := 0
	for p := range a {
		if b[p] {
			common++
		}
	}
	return 2 * float64(common) / float64(max(1, len(a)+len(b)))
}
