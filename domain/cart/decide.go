package cart

import (
	"encoding/json"
	"slices"

	"till/domain/decider"
	"till/domain/eventlog"
)

// Command is something to do with a cart.
type Command interface{ command() }

// Add puts pieces of an item in, on top of those that are there.
type Add struct {
	Item     Item
	Quantity int
}

// SetQuantity sets how many of the SKU there are; 0 takes it out.
type SetQuantity struct {
	SKU      string
	Quantity int
}

// Remove takes the SKU out.
type Remove struct{ SKU string }

// Clear takes everything out.
type Clear struct{}

// ApplyCode puts a discount code on the cart in place of the one that is there.
// That there is such a code is for the caller to know.
type ApplyCode struct{ Code string }

// RemoveCode takes the discount code off.
type RemoveCode struct{}

// Claim lets an order buy the lines of a revision, and no other until it ends.
type Claim struct {
	Order    string
	Revision uint64
}

// Unclaim ends the order's claim: it came to nothing.
type Unclaim struct{ Order string }

// CheckOut takes out exactly what the order holds, and the code that it used. What
// was added since the order's quote stays.
type CheckOut struct {
	Order string
	Lines []Bought
	// Code is empty for an order without a discount.
	Code string
}

// Bought is how many pieces of a SKU an order took.
type Bought struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

func (Add) command()         {}
func (SetQuantity) command() {}
func (Remove) command()      {}
func (Clear) command()       {}
func (CheckOut) command()    {}
func (ApplyCode) command()   {}
func (RemoveCode) command()  {}
func (Claim) command()       {}
func (Unclaim) command()     {}

// Event is something that happened to a cart.
type Event interface{ event() }

// ItemAdded: so many more pieces of an item, at this price from now on.
type ItemAdded struct {
	Item
	Quantity int `json:"quantity"`
}

// QuantityChanged: a line holds another number of pieces.
type QuantityChanged struct {
	SKU  string `json:"sku"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// ItemRemoved: a line is gone.
type ItemRemoved struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// DiscountApplied: the person means to use this code.
type DiscountApplied struct {
	Code string `json:"code"`
}

// DiscountRemoved: no code is to be used.
type DiscountRemoved struct {
	Code string `json:"code"`
}

// Cleared: all lines are gone, and the code with them.
type Cleared struct {
	Lines int `json:"lines"`
}

// CheckoutClaimed: an order is buying the cart.
type CheckoutClaimed struct {
	Order string `json:"order"`
}

// CheckoutReleased: the order that was buying the cart came to nothing.
type CheckoutReleased struct {
	Order string `json:"order"`
}

// CheckedOut: an order took these pieces.
type CheckedOut struct {
	Order string   `json:"order"`
	Lines []Bought `json:"lines"`
	// Code is the discount code that the order used; version 1 knew none.
	Code string `json:"code,omitempty"`
}

func (ItemAdded) event()       {}
func (QuantityChanged) event() {}
func (ItemRemoved) event()     {}
func (Cleared) event()         {}
func (CheckedOut) event()      {}
func (DiscountApplied) event() {}
func (DiscountRemoved) event() {}

func (CheckoutClaimed) event()  {}
func (CheckoutReleased) event() {}

// Category is the category of cart streams; their id is the user's.
const Category = "cart"

// Decider returns the cart as a decider.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Register makes the events known under their wire names.
func Register(t *eventlog.Types) {
	eventlog.Register[ItemAdded](t, "cart.item_added", 1)
	eventlog.Register[Filled](t, "cart.filled", 1)
	eventlog.Register[QuantityChanged](t, "cart.quantity_changed", 1)
	eventlog.Register[ItemRemoved](t, "cart.item_removed", 1)
	eventlog.Register[Cleared](t, "cart.cleared", 1)
	eventlog.Register[CheckedOut](t, "cart.checked_out", 2, withoutCode)
	eventlog.Register[DiscountApplied](t, "cart.discount_applied", 1)
	eventlog.Register[DiscountRemoved](t, "cart.discount_removed", 1)
	eventlog.Register[CheckoutClaimed](t, "cart.checkout_claimed", 1)
	eventlog.Register[CheckoutReleased](t, "cart.checkout_released", 1)
}

// withoutCode reads version 1 of an event that only lacks the code, which may be
// lacking. The new number keeps a program that knows no codes from leaving it on
// the cart.
func withoutCode(data json.RawMessage) (json.RawMessage, error) { return data, nil }

// Decide returns what the command changes.
func Decide(s State, cmd Command) ([]Event, error) {
	switch c := cmd.(type) {
	case Add:
		line, known := s.Find(c.Item.SKU)
		switch {
		case c.Quantity < 1 || line.Quantity+c.Quantity > MaxQuantity:
			return nil, &Quantity{c.Quantity, line.Quantity}
		case !known && len(s.Lines) >= MaxLines:
			return nil, ErrTooManyLines
		case len(s.Lines) > 0 && s.Lines[0].Price.Currency != c.Item.Price.Currency:
			return nil, ErrCurrency
		}
		return []Event{ItemAdded{c.Item, c.Quantity}}, nil
	case Fill:
		return fill(s, c.Items), nil
	case SetQuantity:
		line, known := s.Find(c.SKU)
		switch {
		case !known:
			return nil, ErrNotInCart
		case c.Quantity < 0 || c.Quantity > MaxQuantity:
			return nil, &Quantity{Asked: c.Quantity}
		case c.Quantity == 0:
			return []Event{ItemRemoved{c.SKU, line.Quantity}}, nil
		case c.Quantity != line.Quantity:
			return []Event{QuantityChanged{c.SKU, line.Quantity, c.Quantity}}, nil
		}
	case Remove:
		line, known := s.Find(c.SKU)
		if !known {
			return nil, ErrNotInCart
		}
		return []Event{ItemRemoved{c.SKU, line.Quantity}}, nil
	case Clear:
		if len(s.Lines) > 0 {
			return []Event{Cleared{len(s.Lines)}}, nil
		}
		return removeCode(s), nil
	case ApplyCode:
		if s.Code != c.Code {
			return []Event{DiscountApplied(c)}, nil
		}
	case RemoveCode:
		return removeCode(s), nil
	case Claim:
		switch {
		case s.Claim == c.Order:
			return nil, nil
		case s.Claim != "":
			return nil, &Claimed{s.Claim}
		case s.Revision != c.Revision:
			return nil, ErrChanged
		}
		return []Event{CheckoutClaimed{c.Order}}, nil
	case Unclaim:
		if s.Claim == c.Order {
			return []Event{CheckoutReleased(c)}, nil
		}
	case CheckOut:
		return []Event{CheckedOut(c)}, nil
	}
	return nil, nil
}

func removeCode(s State) []Event {
	if s.Code == "" {
		return nil
	}
	return []Event{DiscountRemoved{s.Code}}
}

// put adds the pieces of an item to the lines, at its price.
func put(lines []Line, e ItemAdded) []Line {
	i := slices.IndexFunc(lines, func(l Line) bool { return l.SKU == e.SKU })
	if i < 0 {
		return append(lines, Line(e))
	}
	lines[i] = Line{e.Item, lines[i].Quantity + e.Quantity}
	return lines
}

// Evolve returns the cart after an event.
func Evolve(s State, e Event) State {
	lines := slices.Clone(s.Lines)
	last, code := "", s.Code
	switch e := e.(type) {
	case CheckoutClaimed:
		s.Claim = e.Order
		return s
	case CheckoutReleased:
		s.Claim = ""
		return s
	case ItemAdded:
		lines = put(lines, e)
	case Filled:
		for _, item := range e.Items {
			lines = put(lines, item)
		}
	case QuantityChanged:
		if i := s.index(e.SKU); i >= 0 {
			lines[i].Quantity = e.To
		}
	case ItemRemoved:
		lines = slices.DeleteFunc(lines, func(l Line) bool { return l.SKU == e.SKU })
	case DiscountApplied:
		code = e.Code
	case DiscountRemoved:
		code = ""
	case Cleared:
		lines, code = nil, ""
	case CheckedOut:
		for _, b := range e.Lines {
			if i := slices.IndexFunc(lines, func(l Line) bool { return l.SKU == b.SKU }); i >= 0 {
				lines[i].Quantity -= b.Quantity
			}
		}
		lines = slices.DeleteFunc(lines, func(l Line) bool { return l.Quantity < 1 })
		last = e.Order
		if s.Claim == e.Order {
			s.Claim = ""
		}
		// One that came in its place meanwhile stays for what stays.
		if code == e.Code || len(lines) == 0 {
			code = ""
		}
	}
	if len(lines) == 0 {
		lines = nil
	}
	return State{Lines: lines, LastOrder: last, Revision: s.Revision + 1, Claim: s.Claim, Code: code}
}
