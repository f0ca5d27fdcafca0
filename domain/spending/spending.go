// Package spending is what one agent may spend of one person's money: the rules
// that the person set, what the agent has spent of late, and the purchases that
// the person said yes or no to. It prices nothing and places no order.
package spending

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"till/domain/cart"
	"till/domain/money"
	"till/domain/order"
)

// Category is the category of spending streams; their id is that of [ID].
const Category = "spending"

// ID names the stream of an agent that acts for a person. It belongs to user and
// client, not to a grant: who connects an agent anew does not begin a new day.
func ID(user, client string) string { return user + "." + Agent(client) }

// Agent is the part of the id that names the client, which may be as long as an
// address and is hashed.
func Agent(client string) string {
	sum := sha256.Sum256([]byte(client))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Bounds.
const (
	// Day is the time over which a limit per day counts. It slides, so that it is
	// the same wherever the person lives and midnight does not double it.
	Day = 24 * time.Hour
	// RequestLife is how long a person may answer a request.
	RequestLife = 24 * time.Hour
	// ApprovalLife is how long a yes is good.
	ApprovalLife = time.Hour
	// MaxOrders bounds the orders of an agent under rules within a Day.
	MaxOrders = 1000
	// MaxRequests bounds the requests that are kept; the oldest give way.
	MaxRequests = 10
)

// Rules are what a person allows. A missing one allows anything.
type Rules struct {
	// PerOrder and PerDay are the most that one order and all orders of a [Day]
	// may cost.
	PerOrder *money.Amount `json:"per_order,omitempty"`
	PerDay   *money.Amount `json:"per_day,omitempty"`
	// AskAbove: an order that costs more needs the person's yes to that very
	// purchase. 0 asks always.
	AskAbove *money.Amount `json:"ask_above,omitempty"`
}

// Any is whether there is a rule at all.
func (r Rules) Any() bool { return r.PerOrder != nil || r.PerDay != nil || r.AskAbove != nil }

// ErrRules: an amount below zero or no money, or rules in two currencies.
var ErrRules = errors.New("spending: impossible rules")

// Check returns ErrRules for rules that cannot be kept.
func (r Rules) Check() error {
	currency := ""
	for _, a := range []*money.Amount{r.PerOrder, r.PerDay, r.AskAbove} {
		switch {
		case a == nil:
		case a.Check() != nil || a.Minor < 0 || currency != "" && a.Currency != currency:
			return fmt.Errorf("%w: %s", ErrRules, a)
		default:
			currency = a.Currency
		}
	}
	return nil
}

// State is what an agent may spend and has spent.
type State struct {
	User   string `json:"user,omitempty"`
	Client string `json:"client,omitempty"`
	Rules  Rules  `json:"rules,omitzero"`
	// Spent are the purchases of the last [Day], those under way included.
	Spent []Spent `json:"spent,omitempty"`
	// Requests are the purchases that the person was asked about, oldest first.
	Requests []Request `json:"requests,omitempty"`
}

// Spent is what an attempt at a purchase costs.
type Spent struct {
	// Reservation is the attempt: the order's id, "/" and its number.
	Reservation string       `json:"reservation"`
	Purchase    string       `json:"purchase"`
	Amount      money.Amount `json:"amount"`
	At          time.Time    `json:"at"`
}

// Request is a purchase that needs the person's yes.
type Request struct {
	// Purchase names exactly these lines at these prices in this state of the cart.
	Purchase string       `json:"purchase"`
	Order    string       `json:"order"`
	Lines    []cart.Line  `json:"lines"`
	Total    money.Amount `json:"total"`
	At       time.Time    `json:"at"`
	// Approved is until when a yes is good, Denied when the person said no; both
	// are zero as long as there is no answer.
	Approved time.Time `json:"approved,omitzero"`
	Denied   time.Time `json:"denied,omitzero"`
	// Bought is when the agent went on to buy it, zero if that came to nothing.
	Bought time.Time `json:"bought,omitzero"`
}

// Open is whether the person may answer.
func (r Request) Open(now time.Time) bool { return now.Before(r.At.Add(RequestLife)) }

// Waits is whether the person should answer.
func (r Request) Waits(now time.Time) bool {
	return r.Open(now) && r.Denied.IsZero() && r.Bought.IsZero() && !now.Before(r.Approved)
}

// PurchaseState is how many characters of a purchase's name say which state of the
// cart it is of; the rest says which lines at which prices.
const PurchaseState = 11

func contents(purchase string) string {
	if len(purchase) <= PurchaseState {
		return purchase
	}
	return purchase[PurchaseState:]
}

// Find returns the request for the purchase.
func (s State) Find(purchase string) (Request, bool) {
	if i := s.index(purchase); i >= 0 {
		return s.Requests[i], true
	}
	return Request{}, false
}

func (s State) index(purchase string) int {
	return slices.IndexFunc(s.Requests, func(r Request) bool { return r.Purchase == purchase })
}

// Within is what the agent has spent in the currency within the last [Day], but
// for the order, and how many orders that were.
func (s State) Within(now time.Time, currency, but string) (sum money.Amount, orders int) {
	sum.Currency = currency
	for _, spent := range s.Spent {
		if id, _ := order.OfReservation(spent.Reservation); id == but || !spent.recent(now) {
			continue
		}
		orders++
		if spent.Amount.Currency == currency {
			sum.Minor += spent.Amount.Minor
		}
	}
	return sum, orders
}

func (s Spent) recent(now time.Time) bool { return now.Before(s.At.Add(Day)) }
