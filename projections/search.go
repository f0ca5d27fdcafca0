package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"till/domain/eventlog"
)

// Products lists or searches products. A cursor that is not one is ErrCursor.
func (r *Reader) Products(ctx context.Context, q ProductQuery) (ProductPage, error) {
	s, err := r.shelf(ctx)
	if err != nil {
		return ProductPage{}, err
	}
	key := fmt.Sprint(q.scope(), " ", q.Limit, " ", q.Facets, " ", q.Currency, " ", q.Cursor)
	a, known := s.answers.get(key)
	if !known {
		if a, err = r.answer(ctx, s, q); err != nil {
			return ProductPage{}, err
		}
	}
	page := a.page
	for _, id := range a.ids {
		listing, err := r.listing(id)
		if errors.Is(err, ErrQuarantined) {
			continue // the others can be bought all the same
		}
		if err != nil {
			return ProductPage{}, err
		}
		page.Products = append(page.Products, listing)
	}
	if !known && !a.sales {
		s.answers.put(key, a)
	}
	return page, nil
}

// answer works out which products a page shows, and all else that it says.
func (r *Reader) answer(ctx context.Context, s *shelf, q ProductQuery) (answer, error) {
	l := &list{q: q, shelf: s, begun: s.moved}
	if err := l.resume(r.at); err != nil {
		return answer{}, err
	}
	l.follow()
	l.filter = filterOf(l.q)
	if err := r.look(ctx, l); err != nil {
		return answer{}, err
	}
	a := answer{sales: l.q.Sort == BestSelling}
	if a.sales {
		var err error
		if l.sold, err = r.sold(ctx); err != nil {
			return answer{}, err
		}
	}
	top, more := l.choose()
	for _, e := range top {
		a.ids = append(a.ids, e.item.id)
	}
	if more {
		l.page.Next = l.goOn(top[len(top)-1])
	}
	a.page = l.page
	return a, nil
}

// list is one reading of a list.
type list struct {
	q     ProductQuery
	shelf *shelf
	page  ProductPage

	filter *filter
	plan   plan
	words  []string
	// found is what has any of the words, if there are words.
	found []found
	sold  map[string]int64

	// Of a list that goes on: the moment at which it began, whose order it keeps,
	// what was asked, the phrases that were taken literally then, a bit each, the words as they
	// were corrected, and what the last page ended with.
	begun   eventlog.Position
	asked   string
	literal uint64
	fixed   []string
	numbers []int
	after   *entry
}

// entry is a product with the keys by which it is sorted.
type entry struct {
	item  *item
	first int64 // the smaller comes first
	place
}

// follow does what the text asks for in words, and leaves the rest of it.
func (l *list) follow() {
	if !l.q.Phrases {
		return
	}
	all := phrases(l.q.Text, l.q.Currency)
	var followed []Phrase
	for i, p := range all {
		if l.after == nil && l.isTitle(p) {
			l.literal |= 1 << i
		}
		if l.literal>>i&1 == 0 {
			followed = append(followed, p)
		}
	}
	if len(followed) == 0 {
		return
	}
	priced := l.q.MinPrice > 0 || l.q.MaxPrice > 0
	l.q.Text = without(l.q.Text, followed)
	for _, p := range followed {
		switch {
		case p.sort != "" && l.q.Sort == "":
			l.q.Sort = p.sort
		case (p.min > 0 || p.max > 0) && !priced:
			l.q.MinPrice = max(l.q.MinPrice, p.min)
			if p.max > 0 && (l.q.MaxPrice == 0 || p.max < l.q.MaxPrice) {
				l.q.MaxPrice = p.max // of two bounds the lower one holds
			}
		case p.inStock && !l.q.InStock:
			l.q.InStock = true
		case p.Means == "":
		default:
			continue // an argument says it already, or something else
		}
		l.page.Understood = append(l.page.Understood, p)
	}
}

// isTitle is whether the phrase is rather a part of a title that is asked for: one
// that holds it and all the other words, or nothing but words of the text.
func (l *list) isTitle(p Phrase) bool {
	asked, phrase := split(l.q.Text), split(p.Said)
	if len(phrase) == 0 {
		return false
	}
	return l.shelf.titled(func(title string) bool {
		if !strings.Contains(title, phrase[0]) {
			return false
		}
		words := split(title)
		within := func(a, b []string) bool {
			return !slices.ContainsFunc(a, func(w string) bool { return !slices.Contains(b, w) })
		}
		return within(phrase, words) && (within(asked, words) || within(words, asked))
	})
}

// look finds what has the words of the text, and plans how to rank it.
func (r *Reader) look(ctx context.Context, l *list) error {
	l.words = split(l.q.Text)
	if len(l.words) == 0 {
		return nil
	}
	vocabulary, err := r.vocabulary(ctx)
	if err != nil {
		return err
	}
	ranked := l.q.Sort == "" || l.q.Sort == ByRelevance
	terms, fixed, counts := vocabulary.understand(l.words, l.fixed, l.q.Begun)
	l.fixed = fixed
	said := slices.Clone(l.words)
	for i, w := range fixed {
		if w != "" {
			said[i], l.page.Corrected = w, "yes"
		}
	}
	if l.page.Corrected != "" {
		l.page.Corrected = strings.Join(said, " ")
	}
	if l.after != nil {
		var ok bool
		if l.plan, ok = planOf(l.numbers, len(l.words)); !ok {
			return ErrCursor
		}
		l.found, err = r.matching(ctx, terms, l.plan.least == len(l.words))
		return err
	}
	// Most searches find something that has all the words, which the index tells
	// at once. Only what is sorted otherwise may do without the common ones.
	var passing []found
	for _, whole := range []bool{true, false} {
		if whole && (!ranked || len(terms) == 1) {
			continue
		}
		if l.found, err = r.matching(ctx, terms, whole); err != nil {
			return err
		}
		if passing = l.passing(); len(passing) > 0 {
			break
		}
	}
	l.plan = planFor(passing, counts, len(l.shelf.items), ranked)
	return nil
}

// passing is what was found and passes the filters.
func (l *list) passing() []found {
	all := make([]found, 0, len(l.found))
	for _, f := range l.found {
		if i := l.shelf.items[f.doc]; i != nil && !i.withdrawn && l.filter.judge(i).passes() {
			all = append(all, f)
		}
	}
	return all
}

// each calls fn with every product on offer that the words are about.
func (l *list) each(fn func(*item, found)) {
	if len(l.words) == 0 {
		for _, i := range l.shelf.items {
			if i != nil && !i.withdrawn {
				fn(i, found{})
			}
		}
		return
	}
	for _, f := range l.found {
		if i := l.shelf.items[f.doc]; i != nil && !i.withdrawn {
			fn(i, f)
		}
	}
}

// choose counts what matches and returns the first of it that the page has room
// for.
func (l *list) choose() (top []entry, more bool) {
	limit := bound(l.q.Limit)
	top = make([]entry, 0, limit+2)
	t, lacks := newTally(), lacking{}
	counts := l.q.Facets && l.after == nil
	l.each(func(i *item, f found) {
		v := l.filter.judge(i)
		whole := l.whole(f)
		if whole {
			lacks.add(l.filter, v)
		}
		if len(l.words) > 0 && !l.plan.takes(f) {
			return
		}
		if counts {
			t.add(l.filter, i, v)
		}
		if !v.passes() {
			return
		}
		l.page.Total++
		l.page.Partly = l.page.Partly || !whole
		e := l.entryOf(i, f)
		if l.after != nil && l.compare(e, *l.after) <= 0 {
			return
		}
		if len(top) > limit && l.compare(e, top[limit]) >= 0 {
			return
		}
		at, _ := slices.BinarySearchFunc(top, e, l.compare)
		top = slices.Insert(top, at, e)
		top = top[:min(len(top), limit+1)]
	})
	l.page.Partly = l.page.Partly && l.plan.least < len(l.words) && l.plan.labels == 0
	if l.after == nil && (l.page.Total == 0 || l.page.Partly) {
		l.page.Without = lacks.list()
	}
	if counts && l.page.Total > 0 {
		l.page.Facets = t.facets()
	}
	if len(top) > limit {
		return top[:limit], true
	}
	return top, false
}

// whole is whether all the words were found.
func (l *list) whole(f found) bool {
	for w := range l.words {
		if f.at(w) == 0 {
			return false
		}
	}
	return true
}
