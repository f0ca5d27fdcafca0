// Package stock counts the pieces of one SKU and keeps them apart for checkouts
// under way. It does not know prices or products.
package stock

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
)

// State is the stock of one SKU.
type State struct {
	// Known is whether the SKU was ever counted; an unknown one has no pieces.
	Known  bool `json:"known,omitempty"`
	OnHand int  `json:"on_hand"`
	// Reserved holds what is kept apart, by reservation id.
	Reserved map[string]Reservation `json:"reserved,omitempty"`
}

// Reservation keeps pieces apart for one attempt at a checkout.
type Reservation struct {
	Quantity int `json:"quantity"`
	// Until is when the shop looks whether the checkout is still under way.
	Until time.Time `json:"until"`
}

// Available is how many pieces may still be reserved; never below zero.
func (s State) Available() int {
	n := s.OnHand
	for _, r := range s.Reserved {
		n -= r.Quantity
	}
	return n
}

// Command is something to do with the stock of a SKU.
type Command interface{ command() }

// Open sets the first count; a SKU that was counted before stays as it is.
type Open struct{ OnHand int }

// Count sets how many pieces there are.
type Count struct{ OnHand int }

// Reserve keeps pieces apart, all or none.
type Reserve struct {
	Reservation string
	Quantity    int
	Until       time.Time
}

// Release gives a reservation's pieces back.
type Release struct{ Reservation, Reason string }

// Commit takes a reservation's pieces out of the stock: they are sold.
type Commit struct{ Reservation string }

// Restock puts pieces back that an order had taken: it was cancelled, or they came
// back. What is there is there, so that nothing refuses it. The stock does not
// remember which order it was; whoever sends it does so under one command, once.
type Restock struct {
	Order string
	// For is "cancel" or the id of the return.
	For      string
	Quantity int
}

func (Open) command()    {}
func (Count) command()   {}
func (Reserve) command() {}
func (Release) command() {}
func (Commit) command()  {}
func (Restock) command() {}

// Event is something that happened to the stock of a SKU.
type Event interface{ event() }

// Counted: there are so many pieces, the reserved ones included.
type Counted struct {
	OnHand int `json:"on_hand"`
}

// Reserved: pieces are kept apart for a checkout.
type Reserved struct {
	Reservation string    `json:"reservation"`
	Quantity    int       `json:"quantity"`
	Until       time.Time `json:"until"`
}

// Released: the reservation's pieces are free again.
type Released struct {
	Reservation string `json:"reservation"`
	Quantity    int    `json:"quantity"`
	Reason      string `json:"reason"`
}

// Committed: the reservation's pieces are sold.
type Committed struct {
	Reservation string `json:"reservation"`
	Quantity    int    `json:"quantity"`
}

// Restocked: pieces that were sold can be sold again.
type Restocked struct {
	Order    string `json:"order"`
	For      string `json:"for"`
	Quantity int    `json:"quantity"`
}

func (Counted) event()   {}
func (Reserved) event()  {}
func (Released) event()  {}
func (Committed) event() {}
func (Restocked) event() {}

// MaxOnHand is the largest count of one SKU.
const MaxOnHand = 10_000_000

// ErrCount: a count below zero, below what is reserved, or beyond MaxOnHand.
var ErrCount = errors.New("stock: impossible count")

// Insufficient is the refusal to reserve more pieces than there are.
type Insufficient struct{ Wanted, Available int }

func (e *Insufficient) Error() string {
	return fmt.Sprintf("stock: %d wanted, %d available", e.Wanted, e.Available)
}

// Category is the category of stock streams; their id is the SKU.
const Category = "stock"

// Decider returns the stock of a SKU as a decider.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Register makes the events known under their wire names.
func Register(t *eventlog.Types) {
	eventlog.Register[Counted](t, "stock.counted", 1)
	eventlog.Register[Reserved](t, "stock.reserved", 1)
	eventlog.Register[Released](t, "stock.released", 1)
	eventlog.Register[Committed](t, "stock.committed", 1)
	eventlog.Register[Restocked](t, "stock.restocked", 1)
}

// Decide returns what the command changes.
func Decide(s State, cmd Command) ([]Event, error) {
	switch c := cmd.(type) {
	case Open:
		if s.Known {
			return nil, nil
		}
		return count(s, c.OnHand)
	case Count:
		if s.Known && s.OnHand == c.OnHand {
			return nil, nil
		}
		return count(s, c.OnHand)
	case Reserve:
		if _, again := s.Reserved[c.Reservation]; again {
			return nil, nil
		}
		if free := s.Available(); c.Quantity < 1 || c.Quantity > free {
			return nil, &Insufficient{c.Quantity, free}
		}
		return []Event{Reserved(c)}, nil
	case Release:
		if r, ok := s.Reserved[c.Reservation]; ok {
			return []Event{Released{c.Reservation, r.Quantity, c.Reason}}, nil
		}
	case Commit:
		if r, ok := s.Reserved[c.Reservation]; ok {
			return []Event{Committed{c.Reservation, r.Quantity}}, nil
		}
	case Restock:
		if c.Quantity > 0 {
			return []Event{Restocked(c)}, nil
		}
	}
	return nil, nil
}

func count(s State, onHand int) ([]Event, error) {
	if kept := s.OnHand - s.Available(); onHand < kept || onHand > MaxOnHand {
		return nil, fmt.Errorf("%w: %d must lie between the %d that are reserved and %d", ErrCount, onHand, kept, MaxOnHand)
	}
	return []Event{Counted{onHand}}, nil
}

// Evolve returns the stock after an event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Counted:
		s.Known, s.OnHand = true, e.OnHand
	case Reserved:
		s.Reserved = maps.Clone(s.Reserved)
		if s.Reserved == nil {
			s.Reserved = map[string]Reservation{}
		}
		s.Reserved[e.Reservation] = Reservation{e.Quantity, e.Until}
	case Released:
		s.Reserved = without(s.Reserved, e.Reservation)
	case Committed:
		s.Reserved = without(s.Reserved, e.Reservation)
		s.OnHand -= e.Quantity
	case Restocked:
		s.OnHand += e.Quantity
	}
	return s
}

func without(all map[string]Reservation, id string) map[string]Reservation {
	if len(all) == 1 {
		return nil
	}
	rest := maps.Clone(all)
	delete(rest, id)
	return rest
}
