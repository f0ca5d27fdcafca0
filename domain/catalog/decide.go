package catalog

import (
	"errors"

	"till/domain/decider"
	"till/domain/eventlog"
)

// State is a product as its events left it.
type State struct {
	Product
	// Withdrawn: no longer on offer, kept for old orders and carts.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// Command is something to do with a product.
type Command interface{ command() }

// Offer puts the product on offer as described, whether or not it was before.
type Offer struct{ Product Product }

// Withdraw takes the product off the offer.
type Withdraw struct{}

func (Offer) command()    {}
func (Withdraw) command() {}

// Event is something that happened to a product.
type Event interface{ event() }

// ProductAdded: the product came on offer for the first time.
type ProductAdded struct {
	Product Product `json:"product"`
}

// ProductChanged: the product is on offer as described from now on.
type ProductChanged struct {
	Product Product `json:"product"`
}

// ProductWithdrawn: the product is no longer on offer.
type ProductWithdrawn struct{}

func (ProductAdded) event()     {}
func (ProductChanged) event()   {}
func (ProductWithdrawn) event() {}

// ErrUnknown: there is no such product.
var ErrUnknown = errors.New("catalog: unknown product")

// Category is the category of product streams; their id is the product's.
const Category = "product"

// Decider returns the product as a decider.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Register makes the events known under their wire names.
func Register(t *eventlog.Types) {
	eventlog.Register[ProductAdded](t, "product.added", 1)
	eventlog.Register[ProductChanged](t, "product.changed", 1)
	eventlog.Register[ProductWithdrawn](t, "product.withdrawn", 1)
}

// Decide returns what the command changes.
func Decide(s State, cmd Command) ([]Event, error) {
	switch c := cmd.(type) {
	case Offer:
		if faults := c.Product.Check(); len(faults) > 0 {
			return nil, errors.Join(faults...)
		}
		if s.ID == "" {
			return []Event{ProductAdded(c)}, nil
		}
		if s.Withdrawn || !s.Product.Equal(c.Product) {
			return []Event{ProductChanged(c)}, nil
		}
	case Withdraw:
		if s.ID == "" {
			return nil, ErrUnknown
		}
		if !s.Withdrawn {
			return []Event{ProductWithdrawn{}}, nil
		}
	}
	return nil, nil
}

// Evolve returns the product after an event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case ProductAdded:
		return State{Product: e.Product}
	case ProductChanged:
		return State{Product: e.Product}
	case ProductWithdrawn:
		s.Withdrawn = true
	}
	return s
}
