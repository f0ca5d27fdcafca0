package order

import (
	"encoding/json"
	"slices"
	"time"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
)

// Command is a step of the checkout process, or one that follows on it.
type Command interface{ command() }

// Start begins the purchase, or tries again one that came to nothing. On one
// that is under way or placed it changes nothing.
type Start struct {
	ID, User, Quote string
	CartVersion     uint64
	Lines           []cart.Line
	Total           money.Amount
	Method          string
	At              time.Time
	// After is the attempt that came to nothing and is tried again, 0 at first.
	// It makes two callers who both saw the decline start one attempt.
	After int
	// Client is the agent that buys, empty where it is none: its limits count.
	Client string
	// Discount is what a code takes off, nil for none; Total is what is left.
	Discount *Discount
}

// RequestPayment says that from now on the gateway may be asked: from here the
// purchase only goes forward by the gateway's word.
type RequestPayment struct{ Attempt int }

// AwaitPayment records that the gateway could not say.
type AwaitPayment struct{ Attempt int }

// Place makes it an order: the commit point.
type Place struct {
	Attempt int
	Payment string
	At      time.Time
}

// Decline ends the attempt: the gateway refused.
type Decline struct {
	Attempt      int
	Code, Reason string
}

// Fail ends the attempt before any payment was asked for.
type Fail struct {
	Attempt      int
	Code, Reason string
}

// Join remembers a call that found the purchase begun by another: repeated, it
// is answered with this order, whatever the cart holds by then.
type Join struct{ By string }

func (Join) command()           {}
func (Start) command()          {}
func (RequestPayment) command() {}
func (AwaitPayment) command()   {}
func (Place) command()          {}
func (Decline) command()        {}
func (Fail) command()           {}

// Event is something that happened to a purchase.
type Event interface{ event() }

// CheckoutStarted: somebody said "buy" to a quote; names and prices are copied.
type CheckoutStarted struct {
	ID          string       `json:"order"`
	User        string       `json:"user"`
	Quote       string       `json:"quote"`
	CartVersion uint64       `json:"cart_version"`
	Lines       []cart.Line  `json:"lines"`
	Total       money.Amount `json:"total"`
	Method      string       `json:"method"`
	At          time.Time    `json:"at"`
	// Client is the agent that buys; version 1 did not say.
	Client string `json:"client,omitempty"`
	// Discount is what a code takes off; versions 1 and 2 knew none. Total is what
	// is left and paid.
	Discount *Discount `json:"discount,omitempty"`
}

// CheckoutRetried: a purchase that came to nothing is tried again.
type CheckoutRetried struct {
	Attempt int       `json:"attempt"`
	Method  string    `json:"method"`
	At      time.Time `json:"at"`
	// Client is the agent that tries again; version 1 did not say.
	Client string `json:"client,omitempty"`
}

// PaymentRequested: the gateway may be asked from now on.
type PaymentRequested struct {
	Attempt int          `json:"attempt"`
	Key     string       `json:"key"`
	Amount  money.Amount `json:"amount"`
	Method  string       `json:"method"`
}

// PaymentPending: the gateway could not say whether it charged.
type PaymentPending struct {
	Attempt int `json:"attempt"`
}

// PaymentDeclined: the gateway refused; nothing was charged.
type PaymentDeclined struct {
	Attempt int    `json:"attempt"`
	Code    string `json:"code"`
	Reason  string `json:"reason"`
}

// CheckoutFailed: it ended before the payment; nothing was charged.
type CheckoutFailed struct {
	Attempt int    `json:"attempt"`
	Code    string `json:"code"`
	Reason  string `json:"reason"`
}

// OrderPlaced: the payment is authorized and the goods are promised.
type OrderPlaced struct {
	Attempt int          `json:"attempt"`
	Payment string       `json:"payment"`
	Total   money.Amount `json:"total"`
	At      time.Time    `json:"at"`
}

// CheckoutJoined: another call asked for the same purchase.
type CheckoutJoined struct {
	// By is the call's command.
	By string `json:"by"`
}

func (CheckoutJoined) event()   {}
func (CheckoutStarted) event()  {}
func (CheckoutRetried) event()  {}
func (PaymentRequested) event() {}
func (PaymentPending) event()   {}
func (PaymentDeclined) event()  {}
func (CheckoutFailed) event()   {}
func (OrderPlaced) event()      {}

// Category is the category of order streams; their id is the order's.
const Category = "order"

// Decider returns the order as a decider.
func Decider() decider.Decider[State, Command, Event] {
	return decider.Decider[State, Command, Event]{Category: Category, Decide: Decide, Evolve: Evolve}
}

// Register makes the events known under their wire names.
func Register(t *eventlog.Types) {
	eventlog.Register[CheckoutStarted](t, "order.checkout_started", 3, asItWas, asItWas)
	eventlog.Register[CheckoutJoined](t, "order.checkout_joined", 1)
	eventlog.Register[CheckoutRetried](t, "order.checkout_retried", 2, asItWas)
	eventlog.Register[PaymentRequested](t, "order.payment_requested", 1)
	eventlog.Register[PaymentPending](t, "order.payment_pending", 1)
	eventlog.Register[PaymentDeclined](t, "order.payment_declined", 1)
	eventlog.Register[CheckoutFailed](t, "order.checkout_failed", 1)
	eventlog.Register[OrderPlaced](t, "order.placed", 1)
	registerAfter(t)
}

// asItWas reads a version that only lacks something that may be lacking. The new
// number keeps a program that does not know the part from leaving it out.
func asItWas(data json.RawMessage) (json.RawMessage, error) { return data, nil }

// Decide returns what the step changes. A step that has been taken yields
// nothing; one that no longer fits is ErrMoved.
func Decide(s State, cmd Command) ([]Event, error) {
	switch c := cmd.(type) {
	case Start:
		return start(s, c)
	case Join:
		if s.Status == "" {
			return nil, ErrUnknown
		}
		if len(s.Joined) < maxJoined && !slices.Contains(s.Joined, c.By) {
			return []Event{CheckoutJoined(c)}, nil
		}
	case RequestPayment:
		switch {
		case s.Attempt != c.Attempt || !s.Open():
			return nil, ErrMoved
		case s.Status == Started:
			return []Event{PaymentRequested{s.Attempt, s.PaymentKey(), s.Total, s.Method}}, nil
		}
	case AwaitPayment:
		switch {
		case s.Attempt != c.Attempt || (s.Status != Paying && s.Status != Pending):
			return nil, ErrMoved
		case s.Status == Paying:
			return []Event{PaymentPending(c)}, nil
		}
	case Place:
		switch {
		case s.Status == Placed && s.Attempt == c.Attempt:
			return nil, nil
		case s.Attempt != c.Attempt || (s.Status != Paying && s.Status != Pending):
			return nil, ErrMoved
		}
		return []Event{OrderPlaced{s.Attempt, c.Payment, s.Total, c.At}}, nil
	case Decline:
		switch {
		case s.Status == Declined && s.Attempt == c.Attempt:
			return nil, nil
		case s.Attempt != c.Attempt || (s.Status != Paying && s.Status != Pending):
			return nil, ErrMoved
		}
		return []Event{PaymentDeclined(c)}, nil
	case Fail:
		switch {
		case s.Status == Failed && s.Attempt == c.Attempt:
			return nil, nil
		case s.Attempt != c.Attempt || s.Status != Started:
			return nil, ErrMoved
		}
		return []Event{CheckoutFailed(c)}, nil
	default:
		return decideAfter(s, cmd)
	}
	return nil, nil
}

func start(s State, c Start) ([]Event, error) {
	switch {
	case s.Status == "":
		if len(c.Lines) == 0 {
			return nil, cart.ErrEmpty
		}
		return []Event{CheckoutStarted{c.ID, c.User, c.Quote, c.CartVersion, c.Lines, c.Total, c.Method, c.At, c.Client, c.Discount}}, nil
	case s.User != c.User || s.Quote != c.Quote:
		return nil, ErrOther
	case (s.Status == Declined || s.Status == Failed) && s.Attempt == c.After:
		return []Event{CheckoutRetried{s.Attempt + 1, c.Method, c.At, c.Client}}, nil
	}
	return nil, nil
}

// Evolve returns the purchase after an event.
func Evolve(s State, e Event) State {
	switch e := e.(type) {
	case CheckoutStarted:
		return State{
			ID: e.ID, User: e.User, Quote: e.Quote, CartVersion: e.CartVersion, Status: Started, Attempt: 1,
			Lines: e.Lines, Total: e.Total, Method: e.Method, StartedAt: e.At, Client: e.Client, Discount: e.Discount,
		}
	case CheckoutJoined:
		s.Joined = append(slices.Clone(s.Joined), e.By)
	case CheckoutRetried:
		s.Status, s.Attempt, s.Method, s.StartedAt, s.Client = Started, e.Attempt, e.Method, e.At, e.Client
		s.Code, s.Reason = "", ""
	case PaymentRequested:
		s.Status = Paying
	case PaymentPending:
		s.Status = Pending
	case PaymentDeclined:
		s.Status, s.Code, s.Reason = Declined, e.Code, e.Reason
	case CheckoutFailed:
		s.Status, s.Code, s.Reason = Failed, e.Code, e.Reason
	case OrderPlaced:
		s.Status, s.Payment, s.PlacedAt = Placed, e.Payment, e.At
	default:
		return evolveAfter(s, e)
	}
	return s
}
