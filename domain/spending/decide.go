package spending

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/money"
	"till/domain/order"
)

// Command is something to do with what an agent may spend.
type Command interface{ command() }

// SetRules says what the agent may spend from now on. Only the person may.
type SetRules struct {
	User, Client string
	Rules        Rules
	At           time.Time
}

// Reserve counts an attempt at a purchase, if the rules let it be made.
type Reserve struct {
	Reservation, Purchase string
	Amount                money.Amount
	At                    time.Time
}

// Release says that the attempt came to nothing, or that its order was called off.
type Release struct{ Reservation, Reason string }

// Cancelled is the reason of a release after the order was cancelled. A yes that
// was used for it is used: the cart that it was for is gone.
const Cancelled = "cancelled"

// Ask asks the person about a purchase.
type Ask struct {
	Purchase, Order string
	Lines           []cart.Line
	Total           money.Amount
	At              time.Time
}

// Approve and Deny are the person's answers. While the request stands, the last
// one counts.
type (
	Approve struct {
		Purchase string
		At       time.Time
	}
	Deny struct {
		Purchase string
		At       time.Time
	}
)

func (SetRules) command() {}
func (Reserve) command()  {}
func (Release) command()  {}
func (Ask) command()      {}
func (Approve) command()  {}
func (Deny) command()     {}

// ErrNoRequest: nobody asked for that purchase, or so long ago that it cannot be
// answered any more.
var ErrNoRequest = errors.New("spending: no such request")

// Decider returns what an agent may spend as a decider.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Decide returns what the command changes.
func Decide(s State, cmd Command) ([]Event, error) {
	switch c := cmd.(type) {
	case SetRules:
		if err := c.Rules.Check(); err != nil {
			return nil, err
		}
		if reflect.DeepEqual(s.Rules, c.Rules) {
			return nil, nil
		}
		return []Event{RulesSet(c)}, nil
	case Reserve:
		id, attempt := order.OfReservation(c.Reservation)
		// A late step of an earlier attempt must not take the place of a later one.
		if !s.Rules.Any() || slices.ContainsFunc(s.Spent, func(one Spent) bool {
			other, n := order.OfReservation(one.Reservation)
			return other == id && n >= attempt
		}) {
			return nil, nil
		}
		if err := s.Check(id, c.Purchase, c.Amount, c.At); err != nil {
			return nil, err
		}
		return []Event{Reserved(c)}, nil
	case Release:
		for _, one := range s.Spent {
			if one.Reservation == c.Reservation {
				return []Event{Released{c.Reservation, one.Amount, c.Reason}}, nil
			}
		}
		return nil, nil
	case Ask:
		if r, ok := s.Find(c.Purchase); ok && (r.Waits(c.At) || c.At.Before(r.Approved)) {
			return nil, nil
		}
		if err := s.denied(c.Purchase, c.At); err != nil {
			return nil, err
		}
		return []Event{ApprovalRequested(c)}, nil
	case Approve:
		r, ok := s.Find(c.Purchase)
		switch {
		case !ok || !r.Open(c.At):
			return nil, ErrNoRequest
		case c.At.Before(r.Approved):
			return nil, nil
		}
		return []Event{Approved{r.Purchase, r.Order, r.Total, c.At.Add(ApprovalLife), c.At}}, nil
	case Deny:
		r, ok := s.Find(c.Purchase)
		switch {
		case !ok || !r.Open(c.At) && !c.At.Before(r.Approved): // a yes can be taken back as long as it lasts
			return nil, ErrNoRequest
		case !r.Denied.IsZero():
			return nil, nil
		}
		return []Event{Denied{r.Purchase, r.Order, r.Total, c.At}}, nil
	}
	panic("spending: a command without a rule")
}

// Evolve returns the state after an event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case RulesSet:
		s.User, s.Client, s.Rules = e.User, e.Client, e.Rules
	case Reserved:
		id, _ := order.OfReservation(e.Reservation)
		spent := []Spent{}
		for _, one := range s.Spent {
			// An order is placed once: what an earlier attempt at it left counts no more.
			if other, _ := order.OfReservation(one.Reservation); other != id && one.recent(e.At) {
				spent = append(spent, one)
			}
		}
		s.Spent = append(spent, Spent{e.Reservation, e.Purchase, e.Amount, e.At})
		s = s.bought(e.Purchase, e.At)
	case Released:
		for _, one := range s.Spent {
			if one.Reservation == e.Reservation && e.Reason != Cancelled {
				s = s.bought(one.Purchase, time.Time{})
			}
		}
		s.Spent = slices.DeleteFunc(slices.Clone(s.Spent), func(one Spent) bool { return one.Reservation == e.Reservation })
	case ApprovalRequested:
		// A person has one cart: what was asked for it as it was before and has no
		// answer can be bought no more.
		requests := slices.DeleteFunc(slices.Clone(s.Requests), func(r Request) bool {
			return r.Purchase == e.Purchase || !r.Open(e.At) && !e.At.Before(r.Approved) || r.Waits(e.At)
		})
		requests = append(requests, Request{Purchase: e.Purchase, Order: e.Order, Lines: e.Lines, Total: e.Total, At: e.At})
		s.Requests = requests[max(0, len(requests)-MaxRequests):]
	case Approved:
		s = s.answered(e.Purchase, e.Until, time.Time{})
	case Denied:
		s = s.answered(e.Purchase, time.Time{}, e.At)
	}
	return s
}

func (s State) bought(purchase string, at time.Time) State {
	if i := s.index(purchase); i >= 0 {
		s.Requests = slices.Clone(s.Requests)
		s.Requests[i].Bought = at
	}
	return s
}

func (s State) answered(purchase string, approved, denied time.Time) State {
	if i := s.index(purchase); i >= 0 {
		s.Requests = slices.Clone(s.Requests)
		s.Requests[i].Approved, s.Requests[i].Denied = approved, denied
	}
	return s
}
