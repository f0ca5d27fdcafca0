package projections

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"till/domain/eventlog"
)

// A list keeps the order in which it began. A product stands where it stood when
// the first page was read, whatever has become of its price, title or category
// since: so none is shown twice and none is left out that was on offer all the
// while and passed the filters. What comes on offer later is shown if its place is
// still to come. Two orders hold only for products that do not change in what they
// go by: relevance for those whose words stay the same, and the one by sales for
// those that nobody buys in between.

// entryOf is the product with the keys of the order that is asked for.
func (l *list) entryOf(i *item, f found) entry {
	e := entry{item: i, place: i.placeAt(l.begun)}
	switch l.q.Sort {
	case PriceUp:
		e.first = e.low
	case PriceDown:
		e.first = -e.low
	case Newest:
		e.first = -i.doc
	case BestSelling:
		e.first = -l.sold[i.id]
	case ByTitle:
	default:
		if len(l.words) > 0 {
			e.first = -l.plan.score(f, e.sorted)
		}
	}
	return e
}

func (l *list) compare(a, b entry) int {
	if a.first != b.first {
		return cmp.Compare(a.first, b.first)
	}
	if len(l.words) == 0 && (l.q.Sort == "" || l.q.Sort == ByRelevance) && a.category != b.category {
		return cmp.Compare(a.category, b.category)
	}
	if c := strings.Compare(a.sorted, b.sorted); c != 0 {
		return c
	}
	return cmp.Compare(a.item.id, b.item.id)
}

// sold is how many pieces of each product all placed orders hold.
func (r *Reader) sold(ctx context.Context) (map[string]int64, error) {
	sold := map[string]int64{}
	err := r.rows(ctx, "SELECT product, pieces FROM sales", nil, func(scan func(...any) error) error {
		var id string
		var n int64
		err := scan(&id, &n)
		sold[id] = n
		return err
	})
	return sold, r.store.look(err)
}

// scope is all that makes the query what it is.
func (q ProductQuery) scope() string {
	return fmt.Sprintf("%q %q %d %d %t %q %s %t %t", q.Text, strings.ToLower(q.Category), q.MinPrice, q.MaxPrice, q.InStock, q.Attributes, q.Sort, q.Phrases, q.Begun)
}

// goOn is the cursor of what comes after the entry.
func (l *list) goOn(e entry) string {
	fixed := []string{}
	for _, w := range l.fixed {
		if w != "" {
			fixed = l.fixed
		}
	}
	return cursor("products", l.asked, uint64(l.begun), l.literal, append([]int{}, l.plan.numbers()...), fixed, e.first, e.item.doc)
}

// resume reads the query's cursor, if it has one.
func (l *list) resume(now eventlog.Position) error {
	l.asked = l.q.scope()
	if l.q.Cursor == "" {
		return nil
	}
	var begun uint64
	var first, doc int64
	if err := uncursor(l.q.Cursor, "products", l.asked, &begun, &l.literal, &l.numbers, &l.fixed, &first, &doc); err != nil {
		return err
	}
	l.begun = eventlog.Position(begun)
	if l.begun > now || doc < 0 || doc >= int64(len(l.shelf.items)) || l.shelf.items[doc] == nil {
		return ErrCursor
	}
	last := l.shelf.items[doc]
	l.after = &entry{last, first, last.placeAt(l.begun)}
	return nil
}
