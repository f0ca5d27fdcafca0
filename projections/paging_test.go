package projections_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/stock"
	"till/projections"
)

// market is a shop whose catalogue changes all the time.
type market struct {
	*shop
	random   *rand.Rand
	products []catalog.Product
	gone     map[string]bool // withdrawn now
	// restless are the products that were not on offer, or not in stock, at some
	// time since the list began.
	restless map[string]bool
	last     eventlog.Position
	orders   int
	room     int // so that a list comes to an end
}

var (
	kinds  = []string{"bed", "mouse", "ball", "tunnel", "collar"}
	moods  = []string{"soft", "quiet", "bright", "large", "folding", "round", "plain"}
	tints  = []string{"grey", "red", "blue", "green"}
	depots = []string{"beds", "toys", "travel"}
)

func (m *market) any(of []string) string { return of[m.random.IntN(len(of))] }

func newMarket(t testing.TB, products int, seed uint64) *market {
	m := &market{shop: newShop(t), random: rand.New(rand.NewPCG(seed, 7)), gone: map[string]bool{}, restless: map[string]bool{}, room: products + products/2}
	for range products {
		m.add()
	}
	for range 10 {
		m.order()
	}
	m.catchUp()
	return m
}

// request does not wait for the views.
func request[S, C, E any](m *market, h *decider.Handler[S, C, E], id string, c C) {
	m.t.Helper()
	out, err := h.Do(m.t.Context(), id, c, m.meta())
	if err != nil {
		m.t.Fatalf("%T on %s: %v", c, id, err)
	}
	m.last = max(m.last, out.Position)
}

func (m *market) catchUp() {
	m.t.Helper()
	if err := m.views.Wait(m.t.Context(), m.last); err != nil {
		m.t.Fatal(err)
	}
}

func (m *market) add() {
	n := len(m.products)
	p := catalog.Product{
		ID: fmt.Sprint(n), Handle: fmt.Sprint("thing-", n), Title: fmt.Sprintf("%s %s", m.any(moods), m.any(kinds)), Category: m.any(depots),
		Description: fmt.Sprintf("A %s %s for a %s cat.", m.any(moods), m.any(kinds), m.any(moods)),
		Options:     []string{"colour"},
		Variants: []catalog.Variant{
			{SKU: fmt.Sprintf("S-%d-A", n), Values: []string{"grey"}, Price: m.price()},
			{SKU: fmt.Sprintf("S-%d-B", n), Values: []string{m.any(tints[1:])}, Price: money.Of(9900, "USD")},
		},
	}
	m.products = append(m.products, p)
	m.restless[p.ID] = true
	request(m, m.shop.products, p.ID, catalog.Command(catalog.Offer{Product: p}))
	request(m, m.process.Stocks, p.Variants[0].SKU, stock.Command(stock.Open{OnHand: m.random.IntN(3)}))
}

// order buys some of the first products: of the first the most.
func (m *market) order() {
	m.orders++
	titles := make([]string, 1+m.random.IntN(20))
	for i := range titles {
		titles[i] = "Something"
	}
	m.last = max(m.last, m.placeLines(m.t.(*testing.T), "alice", fmt.Sprint("CS-", m.orders), m.now, titles...))
}

func (m *market) price() money.Amount { return money.Of(int64(100+m.random.IntN(60)*25), "USD") }

// change is something that happens in a shop. Words change only if they may: what
// is ranked by them moves then.
func (m *market) change(words, sales bool) {
	i := m.random.IntN(len(m.products))
	p := m.products[i]
	offer := func() {
		m.products[i] = p
		delete(m.gone, p.ID)
		request(m, m.shop.products, p.ID, catalog.Command(catalog.Offer{Product: p}))
	}
	switch kind := m.random.IntN(8); {
	case kind == 0 && len(m.products) < m.room:
		m.add()
	case kind == 1:
		m.gone[p.ID], m.restless[p.ID] = true, true
		request(m, m.shop.products, p.ID, catalog.Command(catalog.Withdraw{}))
	case kind == 2 && words:
		p.Title = fmt.Sprintf("%s %s", m.any(moods), m.any(kinds))
		offer()
	case kind == 3 && words:
		p.Category = m.any(depots)
		m.restless[p.ID] = true // it may have left the category
		offer()
	case kind == 4 || kind == 5:
		n := m.random.IntN(3)
		m.restless[p.ID] = true // it may have been sold out
		request(m, m.process.Stocks, p.Variants[0].SKU, stock.Command(stock.Count{OnHand: n}))
	case kind == 6 && sales:
		m.order()
	default:
		if p.Variants[0].Price = m.price(); m.gone[p.ID] {
			m.restless[p.ID] = true
		}
		offer()
	}
}

// pages reads the whole list while the shop changes, and holds it to the promise:
// nothing twice, and nothing missing that could be bought all the while.
func (m *market) pages(q projections.ProductQuery, changes int, words bool) {
	m.t.Helper()
	m.catchUp()
	matches := map[string]bool{}
	all := q
	all.Limit = 50
	m.read(func(r *projections.Reader) {
		for {
			page := must(r.Products(m.t.Context(), all))
			for _, l := range page.Products {
				if matches[l.ID] {
					m.t.Fatalf("%+v shows %s twice at one moment", q, l.ID)
				}
				matches[l.ID] = true
			}
			if all.Cursor = page.Next; page.Next == "" {
				if len(matches) != page.Total {
					m.t.Fatalf("%+v shows %d of %d", q, len(matches), page.Total)
				}
				return
			}
		}
	})
	clear(m.restless)
	seen := map[string]int{}
	for n := 0; ; n++ {
		var next string
		m.read(func(r *projections.Reader) {
			page := must(r.Products(m.t.Context(), q))
			for _, l := range page.Products {
				if seen[l.ID]++; l.Withdrawn || q.InStock && !l.InStock() {
					m.t.Errorf("%+v shows %s, which cannot be bought", q, l.ID)
				}
			}
			next = page.Next
		})
		if q.Cursor = next; next == "" {
			break
		}
		for range m.random.IntN(changes + 1) {
			m.change(words, q.Sort != projections.BestSelling)
		}
		m.catchUp()
	}
	for id, n := range seen {
		if n > 1 {
			m.t.Errorf("%+v shows %s %d times", q, id, n)
		}
	}
	for id := range matches {
		if seen[id] == 0 && !m.restless[id] {
			m.t.Errorf("%+v leaves out %s", q, id)
		}
	}
}

var everySort = []projections.Sort{"", projections.ByTitle, projections.PriceUp, projections.PriceDown, projections.Newest, projections.BestSelling}

// A list of thousands of products pages through while products come, go, and are
// repriced, renamed, sold and restocked.
func TestThousandsOfProductsPageThrough(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	m := newMarket(t, manyProducts, seed)
	m.pages(projections.ProductQuery{Sort: projections.PriceUp, Limit: 50}, 4, true)
	m.pages(projections.ProductQuery{Limit: 50}, 4, true)
	m.pages(projections.ProductQuery{Text: "soft bed", Limit: 50}, 4, false)
}

// The same for small pages, with everything that narrows a list, and with more
// changes than products.
func TestChangingListsPageThrough(t *testing.T) {
	for range manyMarkets {
		seed := uint64(time.Now().UnixNano())
		m := newMarket(t, 40, seed)
		for _, sort := range everySort {
			for _, q := range []projections.ProductQuery{
				{}, {InStock: true}, {Category: "toys"}, {MinPrice: 1}, {Text: "bed"}, {Text: "soft mouse"},
				{Text: "folding tunnel xqzzy"}, {Attributes: []projections.Attribute{{Name: "Colour", Value: "GREY"}}, InStock: true},
				{Text: "cheap bed in stock", Phrases: true, Currency: "USD"},
			} {
				q.Sort, q.Limit = sort, 1+m.random.IntN(5)
				// Words are given all at once or not at all, so that what is named by
				// them stays named by them.
				m.pages(q, 8, q.Text == "")
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A cursor is good for its own list only, and as it was given out.
func TestCursorsOfProducts(t *testing.T) {
	s := catShop(t)
	q := projections.ProductQuery{Text: "cheapest bed", Phrases: true, Currency: "USD", Limit: 2}
	var next string
	s.read(func(r *projections.Reader) { next = must(r.Products(t.Context(), q)).Next })
	refused := func(q projections.ProductQuery) {
		t.Helper()
		s.read(func(r *projections.Reader) {
			if page, err := r.Products(t.Context(), q); !errors.Is(err, projections.ErrCursor) {
				t.Errorf("%+v is answered with %v, %v", q, handles(page.Products), err)
			}
		})
	}
	q.Cursor = next
	for name, change := range map[string]func(*projections.ProductQuery){
		"words": func(q *projections.ProductQuery) { q.Text = "cheapest bowl" }, "sort": func(q *projections.ProductQuery) { q.Sort = projections.Newest },
		"price": func(q *projections.ProductQuery) { q.MaxPrice = 5000 }, "stock": func(q *projections.ProductQuery) { q.InStock = true },
		"category":   func(q *projections.ProductQuery) { q.Category = "beds" },
		"attributes": func(q *projections.ProductQuery) { q.Attributes = []projections.Attribute{{Name: "size", Value: "L"}} },
	} {
		t.Run(name, func(*testing.T) {
			other := q
			change(&other)
			refused(other)
		})
	}
	for i := range next {
		other := q
		letter := "A"
		if next[i] == 'A' {
			letter = "B"
		}
		other.Cursor = next[:i] + letter + next[i+1:]
		refused(other)
		other.Cursor = next[:i]
		if i > 0 {
			refused(other)
		}
	}
	q.Limit = 5 // a page may have another length
	s.read(func(r *projections.Reader) {
		if page := must(r.Products(t.Context(), q)); len(page.Products) != 5 || strings.Contains(strings.Join(handles(page.Products), ","), "travel-mat") {
			t.Errorf("the second page shows %v", handles(page.Products))
		}
	})
}
