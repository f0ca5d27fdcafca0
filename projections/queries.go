package projections

import (
	"time"

	"till/domain/catalog"
	"till/domain/money"
	"till/domain/order"
)

// Listing is a product with what is left of it.
type Listing struct {
	catalog.Product
	// Withdrawn products are found by name, never listed.
	Withdrawn bool
	// Available is how many pieces of each variant can be bought, in the order
	// of the variants.
	Available []int
	// From and To are the lowest and the highest price among the variants.
	From, To money.Amount
}

// InStock is whether any variant can be bought.
func (l Listing) InStock() bool {
	for _, n := range l.Available {
		if n > 0 {
			return true
		}
	}
	return false
}

// Sort is an order of products.
type Sort string

// The orders. Newest is by when a product came into the shop, BestSelling by the
// pieces in all placed orders. Without a text, ByRelevance is by category and
// title.
const (
	ByRelevance Sort = "relevance"
	ByTitle     Sort = "title"
	PriceUp     Sort = "price_asc"
	PriceDown   Sort = "price_desc"
	Newest      Sort = "newest"
	BestSelling Sort = "bestselling"
)

// ProductQuery asks for products. The zero query lists all that are on offer,
// by category and title.
type ProductQuery struct {
	// Text is searched in titles, descriptions, tags, options and categories:
	// misspelt words as the nearest known ones, an unknown last word as the
	// beginning of one; with Begun also a known one.
	Text     string
	Begun    bool
	Category string
	// MinPrice and MaxPrice bound the lowest price of a product, in minor
	// units; 0 is no bound.
	MinPrice, MaxPrice int64
	// InStock asks for what can be bought now.
	InStock bool
	// Attributes are what one variant must have: of several values of one name
	// any, of each name one; together with InStock it is that variant which must
	// be in stock.
	Attributes []Attribute
	Sort       Sort
	// Phrases says that the text may hold a superlative, a price or "in stock",
	// in words; what is understood replaces no filter or order that is set.
	// Currency is that of the prices.
	Phrases  bool
	Currency string
	// Facets asks for them; only a first page has them.
	Facets bool
	// Limit is 1 to 50; 0 is 10.
	Limit int
	// Cursor goes on where a page ended; it belongs to one query.
	Cursor string
}

// ProductPage is one page of products.
type ProductPage struct {
	Products []Listing
	// Total counts all matches, not only this page's.
	Total int
	// Next is the cursor of the following page, empty at the end.
	Next string
	// Corrected is the text that was really searched, when words were misspelt.
	Corrected string
	// Understood are the phrases of the text that were not searched for but
	// followed.
	Understood []Phrase
	// Partly: nothing has all the words; what has the most of them is shown.
	Partly bool
	Facets *Facets
	// Without says of each filter what there would be without it, if no product
	// has all the words and passes all the filters.
	Without []Without
}

// CategoryCount is a category and how many products it offers.
type CategoryCount struct {
	Category string
	Products int
}

// OrderQuery asks for a person's orders, newest first.
type OrderQuery struct {
	User string
	// Limit is 1 to 50; 0 is 10.
	Limit  int
	Cursor string
	// From and To bound when they were placed, both included, to the second; the
	// zero time is no bound.
	From, To time.Time
	// Stage is where they stand; "" is anywhere.
	Stage order.Stage
	// Product is words, each of which begins a word of one line: of its title,
	// variant, handle, SKU or id.
	Product string
}

// OrderPage is one page of orders.
type OrderPage struct {
	Orders []order.State
	// Total counts all of the person's placed orders that were asked for.
	Total int
	// Sums are what all of them cost, by currency.
	Sums []OrderSum
	Next string
}

// OrderSum is what orders of one currency cost.
type OrderSum struct {
	Orders int
	// Total is what was paid for them, PaidBack what of that was refunded.
	Total, PaidBack money.Amount
}
