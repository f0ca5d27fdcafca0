package promotion

import (
	"errors"
	"slices"
	"time"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/order"
)

// Category is the category of the streams of codes; their id is the code.
const Category = "promotion"

// Command is something to do with a code.
type Command interface{ command() }

// Create makes the code. A code is made once; one that has ended is not made anew.
type Create struct {
	Code  string
	Terms Terms
	At    time.Time
}

// End ends it for good. Orders that used it keep their discount.
type End struct{ At time.Time }

// Redeem uses the code for an attempt at an order, once however often it is said.
type Redeem struct {
	Reservation, User string
	At                time.Time
}

// Reverse says that the attempt uses the code no more, and never will.
type Reverse struct {
	Reservation, Reason string
	At                  time.Time
}

func (Create) command()  {}
func (End) command()     {}
func (Redeem) command()  {}
func (Reverse) command() {}

// Event is something that happened to a code.
type Event interface{ event() }

// Created: the code can be used, on these terms.
type Created struct {
	Code  string    `json:"code"`
	Terms Terms     `json:"terms"`
	At    time.Time `json:"at"`
}

// Ended: the merchant ended the code.
type Ended struct {
	At time.Time `json:"at"`
}

// Redeemed: an attempt at an order uses the code.
type Redeemed struct {
	Reservation string    `json:"reservation"`
	User        string    `json:"user"`
	At          time.Time `json:"at"`
}

// RedemptionReversed: the attempt does not count, whether or not it had used the
// code already.
type RedemptionReversed struct {
	Reservation string    `json:"reservation"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}

func (Created) event()            {}
func (Ended) event()              {}
func (Redeemed) event()           {}
func (RedemptionReversed) event() {}

// ErrTaken: the code exists, or existed.
var ErrTaken = errors.New("promotion: the code exists already")

// late is how long a step of an attempt that came to nothing may still arrive, from
// another machine; maxPast bounds how many such attempts are remembered.
const (
	late    = 10 * time.Minute
	maxPast = 1000
)

// Decider returns the code as a decider.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Register makes the events known under their wire names.
func Register(t *eventlog.Types) {
	eventlog.Register[Created](t, "promotion.created", 1)
	eventlog.Register[Ended](t, "promotion.ended", 1)
	eventlog.Register[Redeemed](t, "promotion.redeemed", 1)
	eventlog.Register[RedemptionReversed](t, "promotion.redemption_reversed", 1)
}

// Decide returns what the command changes.
func Decide(s State, cmd Command) ([]Event, error) {
	switch c := cmd.(type) {
	case Create:
		if s.Code != "" {
			return nil, ErrTaken
		}
		if err := c.Terms.Check(); err != nil {
			return nil, err
		}
		if code, err := Normal(c.Code); err != nil || code != c.Code {
			return nil, ErrCode
		}
		return []Event{Created(c)}, nil
	case End:
		switch {
		case s.Code == "":
			return nil, ErrUnknown
		case s.Ended.IsZero():
			return []Event{Ended(c)}, nil
		}
	case Redeem:
		// A late step of an earlier attempt must not take the place of a later one,
		// nor use the code for an attempt that is over.
		if after(s.Uses, c.Reservation) || after(s.Past, c.Reservation) {
			return nil, nil
		}
		id, _ := order.OfReservation(c.Reservation)
		if err := s.Check(c.User, id, c.At); err != nil {
			return nil, err
		}
		return []Event{Redeemed(c)}, nil
	case Reverse:
		if s.Code != "" && find(s.Past, c.Reservation) < 0 {
			return []Event{RedemptionReversed(c)}, nil
		}
	}
	return nil, nil
}

// Evolve returns the code after an event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case Created:
		return State{Code: e.Code, Terms: e.Terms, Created: e.At}
	case Ended:
		s.Ended = e.At
	case Redeemed:
		// An order is placed once: what an earlier attempt at it left counts no more.
		now := useOf(e.Reservation, e.User, e.At)
		uses := make(Uses, 0, len(s.Uses)+1)
		for _, u := range s.Uses {
			if u.Order != now.Order {
				uses = append(uses, u)
			}
		}
		s.Uses = append(uses, now)
	case RedemptionReversed:
		if i := find(s.Uses, e.Reservation); i >= 0 {
			s.Uses = slices.Delete(slices.Clone(s.Uses), i, i+1)
		}
		var past Uses
		for _, u := range s.Past {
			if e.At.Before(u.At.Add(late)) {
				past = append(past, u)
			}
		}
		past = append(past, useOf(e.Reservation, "", e.At))
		s.Past = past[max(0, len(past)-maxPast):]
	}
	if len(s.Uses) == 0 {
		s.Uses = nil
	}
	return s
}
