package catalog_test

import (
	"testing"

	"till/domain/catalog"
	"till/domain/decider/story"
	"till/domain/money"
)

// mouse is a product in two colours.
func mouse() catalog.Product {
	return catalog.Product{
		ID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Description: "A mouse.", Category: "toys",
		Tags: []string{"catnip"}, Options: []string{"colour"},
		Variants: []catalog.Variant{
			{SKU: "MOUSE-GRY", Values: []string{"grey"}, Price: money.Of(499, "USD")},
			{SKU: "MOUSE-BRN", Values: []string{"brown"}, Price: money.Of(549, "USD")},
		},
	}
}

// mended is the mouse after one change.
func mended(change func(*catalog.Product)) catalog.Product {
	p := mouse()
	change(&p)
	return p
}

func given(t *testing.T, history ...catalog.Event) *story.Story[catalog.State, catalog.Command, catalog.Event] {
	t.Helper()
	return story.Given(t, catalog.Decider(), history...)
}

func TestOffer(t *testing.T) {
	cheaper := mended(func(p *catalog.Product) { p.Variants[0].Price = money.Of(399, "USD") })

	given(t).
		When(catalog.Offer{Product: mouse()}).
		Then(catalog.ProductAdded{Product: mouse()})
	given(t, catalog.ProductAdded{Product: mouse()}).
		When(catalog.Offer{Product: mouse()}).
		Then()
	given(t, catalog.ProductAdded{Product: mouse()}).
		When(catalog.Offer{Product: cheaper}).
		Then(catalog.ProductChanged{Product: cheaper})
	given(t, catalog.ProductAdded{Product: mouse()}, catalog.ProductChanged{Product: cheaper}).
		When(catalog.Offer{Product: cheaper}).
		Then()
	given(t, catalog.ProductAdded{Product: mouse()}, catalog.ProductWithdrawn{}).
		When(catalog.Offer{Product: mouse()}).
		Then(catalog.ProductChanged{Product: mouse()})
}

func TestOfferKnowsTheSameProduct(t *testing.T) {
	// From a file an absent list is nil or empty; from the log it is always nil.
	bare := mended(func(p *catalog.Product) { p.Tags = nil })
	empty := mended(func(p *catalog.Product) { p.Tags = []string{} })
	given(t, catalog.ProductAdded{Product: bare}).When(catalog.Offer{Product: empty}).Then()

	for name, change := range map[string]func(*catalog.Product){
		"id":          func(p *catalog.Product) { p.ID = "3" },
		"handle":      func(p *catalog.Product) { p.Handle = "mouse" },
		"title":       func(p *catalog.Product) { p.Title = "Mouse" },
		"description": func(p *catalog.Product) { p.Description = "" },
		"category":    func(p *catalog.Product) { p.Category = "beds" },
		"tags":        func(p *catalog.Product) { p.Tags = []string{"felt"} },
		"option":      func(p *catalog.Product) { p.Options = []string{"coat"} },
		"SKU":         func(p *catalog.Product) { p.Variants[1].SKU = "MOUSE" },
		"value":       func(p *catalog.Product) { p.Variants[1].Values = []string{"black"} },
		"price":       func(p *catalog.Product) { p.Variants[1].Price.Minor++ },
		"fewer":       func(p *catalog.Product) { p.Variants = p.Variants[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			other := mended(change)
			given(t, catalog.ProductAdded{Product: mouse()}).
				When(catalog.Offer{Product: other}).
				Then(catalog.ProductChanged{Product: other})
		})
	}
}

func TestOfferRefusesWhatCannotBeSold(t *testing.T) {
	for name, change := range map[string]func(*catalog.Product){
		"no id":               func(p *catalog.Product) { p.ID = "" },
		"id with a slash":     func(p *catalog.Product) { p.ID = "a/b" },
		"upper-case handle":   func(p *catalog.Product) { p.Handle = "Mouse" },
		"no title":            func(p *catalog.Product) { p.Title = "" },
		"title of two lines":  func(p *catalog.Product) { p.Title = "Cat\nMouse" },
		"broken UTF-8":        func(p *catalog.Product) { p.Description = "\xff" },
		"hidden instructions": func(p *catalog.Product) { p.Description = "A mouse.\U000e0041" },
		"no category":         func(p *catalog.Product) { p.Category = "" },
		"empty tag":           func(p *catalog.Product) { p.Tags = []string{""} },
		"too many tags":       func(p *catalog.Product) { p.Tags = make([]string, catalog.MaxTags+1) },
		"unnamed option":      func(p *catalog.Product) { p.Options = []string{""} },
		"no variant":          func(p *catalog.Product) { p.Variants = nil },
		"SKU with a quote":    func(p *catalog.Product) { p.Variants[0].SKU = `A"B` },
		"SKU ends in a space": func(p *catalog.Product) { p.Variants[0].SKU = "A " },
		"one SKU twice":       func(p *catalog.Product) { p.Variants[1].SKU = "MOUSE-GRY" },
		"one choice twice":    func(p *catalog.Product) { p.Variants[1].Values = []string{"grey"} },
		"missing value":       func(p *catalog.Product) { p.Variants[1].Values = nil },
		"negative price":      func(p *catalog.Product) { p.Variants[0].Price.Minor = -1 },
		"price too high":      func(p *catalog.Product) { p.Variants[0].Price.Minor = catalog.MaxPrice + 1 },
		"no currency":         func(p *catalog.Product) { p.Variants[0].Price.Currency = "" },
		"two currencies":      func(p *catalog.Product) { p.Variants[0].Price.Currency = "EUR" },
	} {
		t.Run(name, func(t *testing.T) {
			given(t).When(catalog.Offer{Product: mended(change)}).Refused(catalog.ErrProduct)
			given(t, catalog.ProductAdded{Product: mouse()}).When(catalog.Offer{Product: mended(change)}).Refused(catalog.ErrProduct)
		})
	}
}

func TestWithdraw(t *testing.T) {
	given(t).
		When(catalog.Withdraw{}).
		Refused(catalog.ErrUnknown)
	s := given(t, catalog.ProductAdded{Product: mouse()}).
		When(catalog.Withdraw{}).
		Then(catalog.ProductWithdrawn{})
	if state := s.State(); !state.Withdrawn || !state.Product.Equal(mouse()) {
		t.Errorf("%+v: a withdrawn product keeps what it was, for the orders that hold it", state)
	}
	s.When(catalog.Withdraw{}).Then()
	if state := s.When(catalog.Offer{Product: mouse()}).State(); state.Withdrawn {
		t.Error("an offer puts it back")
	}
}

func TestRedo(t *testing.T) {
	renamed := mouse()
	renamed.Title = "Mouse of Catnip"
	story.Redone[catalog.State, catalog.Command, catalog.Event](t, catalog.Decider(), catalog.Redo, catalog.State{}, catalog.ProductAdded{Product: mouse()},
		catalog.ProductChanged{Product: renamed}, catalog.ProductWithdrawn{}, catalog.ProductChanged{Product: renamed})
}
