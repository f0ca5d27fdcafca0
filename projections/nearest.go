package projections

import (
	"cmp"
	"context"
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
	wanted := pieces(strings.Join(split(text), " "))
	var all []candidate
	err := r.conn.rows(ctx, `SELECT l.product, l.sorted, coalesce((SELECT group_concat(name, ' ') FROM names WHERE product = l.product), '')
		FROM listings l WHERE withdrawn = 0 ORDER BY l.doc LIMIT ?`, []any{maxCompared}, func(scan func(...any) error) error {
		var id, title, names string
		if err := scan(&id, &title, &names); err != nil {
			return err
		}
		best := alike(wanted, pieces(strings.Join(split(title), " ")))
		for _, name := range strings.Fields(names) {
			best = max(best, alike(wanted, pieces(strings.Join(split(name), " "))))
		}
		if best > 0 {
			all = append(all, candidate{id, best})
		}
		return nil
	})
	if err != nil {
		return nil, r.store.look(err)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.alike, a.alike) })
	var found []Listing
	for _, c := range all[:min(n, len(all))] {
		l, err := r.listing(c.id)
		if err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	return found, nil
}

// pieces are the runs of two letters in a text, and its whole words.
func pieces(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
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
