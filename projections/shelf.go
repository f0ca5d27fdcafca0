package projections

import (
	"context"
	"slices"
	"strings"
	"sync"
	"unique"

	"till/domain/eventlog"
)

// shelf is what all products are listed, filtered and counted by, in memory: a
// list counts over everything that matches, and asking the file for that took
// most of its time. It is of one moment and never changes; the next one shares
// with it all products that stayed as they were.
type shelf struct {
	at    eventlog.Position
	items []*item // by number, nil where there is none
	// answers are kept as long as the shelf is: the same lists are asked for again
	// and again, the first page of everything most of all.
	answers *answers
	// moved is when a product last changed its place. A list that begins now keeps
	// the places of that moment; unlike at, it is the same whenever it is asked.
	moved eventlog.Position
}

// answers are pages that were worked out, by what was asked.
type answers struct {
	mu sync.Mutex
	by map[string]answer
}

// answer is a page without its products, whose ids stand beside it. sales is
// whether it also depends on what is sold, of which the shelf knows nothing.
type answer struct {
	page  ProductPage
	ids   []string
	sales bool
}

// maxAnswers bounds how many answers are kept, each of a few kilobytes.
const maxAnswers = 500

func newShelf(at eventlog.Position, items []*item) *shelf {
	return &shelf{at: at, items: items, answers: &answers{by: map[string]answer{}}}
}

func (a *answers) get(key string) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, ok := a.by[key]
	return one, ok
}

func (a *answers) put(key string, one answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.by) >= maxAnswers {
		for other := range a.by {
			delete(a.by, other)
			break
		}
	}
	a.by[key] = one
}

// item is one product on the shelf.
type item struct {
	doc       int64
	id        string
	withdrawn bool
	place
	variants []choice
	// former places, the earliest first.
	former []former
}

// choice is a variant: what it is like, and whether it can be bought.
type choice struct {
	traits []unique.Handle[Attribute]
	free   bool
}

// Attribute is an option of a product with one of its values, such as colour and
// grey.
type Attribute struct{ Name, Value string }

// placeAt is where the product stood in the lists at a moment.
func (i *item) placeAt(at eventlog.Position) place {
	for _, f := range i.former {
		if f.until > at {
			return f.place
		}
	}
	return i.place
}

// titled is whether the words stand in the title, in any order.
func (s *shelf) titled(fits func(title string) bool) bool {
	return slices.ContainsFunc(s.items, func(i *item) bool { return i != nil && !i.withdrawn && fits(i.sorted) })
}

// shelf returns the shelf of the reader's moment: the last one that was asked for,
// with the products read anew that have changed since.
func (r *Reader) shelf(ctx context.Context) (*shelf, error) {
	if err := r.begin(); err != nil {
		return nil, r.store.look(err)
	}
	kept := r.store.shelf.Load()
	if kept != nil {
		changed, ok, err := r.changed(kept.at)
		if err != nil {
			return nil, err
		}
		switch {
		case ok && len(changed) == 0 && r.at < kept.at+journalled:
			return kept, nil // also of an earlier moment, when nothing happened in between
		case ok && r.at >= kept.at && len(changed) <= len(kept.items)/10+1:
			next := newShelf(r.at, slices.Clone(kept.items))
			next.moved = kept.moved
			for id := range changed {
				if err := r.stock(ctx, next, id); err != nil {
					return nil, err
				}
			}
			r.store.keep(next)
			return next, nil
		}
	}
	whole := newShelf(r.at, nil)
	if err := r.stock(ctx, whole, ""); err != nil {
		return nil, err
	}
	r.store.keep(whole)
	return whole, nil
}

// keep keeps the newest shelf.
func (s *store) keep(next *shelf) {
	for {
		kept := s.shelf.Load()
		if kept != nil && kept.at >= next.at || s.shelf.CompareAndSwap(kept, next) {
			return
		}
	}
}

// changed returns the products that are different at the two moments; ok is false
// when that is not remembered.
func (r *Reader) changed(at eventlog.Position) (ids map[string]bool, ok bool, err error) {
	from, to := min(at, r.at), max(at, r.at)
	ids, ok = r.store.products.journal.between(from, to)
	if !ok {
		return nil, false, nil
	}
	skus, ok := r.store.stock.journal.between(from, to)
	if !ok {
		return nil, false, nil
	}
	for sku := range skus {
		err := r.rows(context.Background(), "SELECT product FROM names WHERE name = ? AND rank = 2 AND sku = ?", []any{strings.ToLower(sku), sku},
			func(scan func(...any) error) error {
				var id string
				err := scan(&id)
				if ids == nil {
					ids = map[string]bool{}
				}
				ids[id] = true
				return err
			})
		if err != nil {
			return nil, false, r.store.look(err)
		}
	}
	return ids, true, nil
}

// stock puts one product, or all when the id is empty, onto the shelf as the file
// has them.
func (r *Reader) stock(ctx context.Context, s *shelf, id string) error {
	only, args := "", []any(nil)
	if id != "" {
		only, args = " WHERE l.product = ?", []any{id}
		ctx = context.WithoutCancel(ctx) // a few rows by their key
	}
	// The same few categories, names and values stand on thousands of products.
	same := func(text string) string { return unique.Make(text).Value() }
	err := r.rows(ctx, "SELECT doc, product, category, sorted, low, withdrawn FROM listings l"+only, args, func(scan func(...any) error) error {
		i := &item{}
		if err := scan(&i.doc, &i.id, &i.category, &i.sorted, &i.low, &i.withdrawn); err != nil {
			return err
		}
		i.category = same(i.category)
		for int64(len(s.items)) <= i.doc {
			s.items = append(s.items, nil)
		}
		s.items[i.doc] = i
		return nil
	})
	if err != nil {
		return r.store.look(err)
	}
	var last string
	var traits []unique.Handle[Attribute]
	err = r.rows(ctx, `SELECT l.doc, v.traits, coalesce(s.available, 0) > 0 FROM listings l JOIN variants v ON v.product = l.product
		LEFT JOIN stock s ON s.id = v.sku`+only, args, func(scan func(...any) error) error {
		var doc int64
		var text string
		var c choice
		if err := scan(&doc, &text, &c.free); err != nil {
			return err
		}
		if text != last {
			last, traits = text, nil
			for line := range strings.SplitSeq(text, "\n") {
				if name, value, ok := strings.Cut(line, "\t"); ok {
					traits = append(traits, unique.Make(Attribute{name, value}))
				}
			}
		}
		if text != "" {
			c.traits = traits
		}
		s.items[doc].variants = append(s.items[doc].variants, c)
		return nil
	})
	if err != nil {
		return r.store.look(err)
	}
	err = r.rows(ctx, `SELECT l.doc, m.until, m.category, m.sorted, m.low FROM listings l JOIN moves m ON m.product = l.product`+only+
		" ORDER BY m.product, m.until", args, func(scan func(...any) error) error {
		var doc int64
		var f former
		err := scan(&doc, &f.until, &f.category, &f.sorted, &f.low)
		if err == nil {
			s.items[doc].former = append(s.items[doc].former, f)
			s.moved = max(s.moved, f.until)
		}
		return err
	})
	return r.store.look(err)
}
