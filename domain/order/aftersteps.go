package order

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"till/domain/cart"
)

// Dispatch says that the goods are on their way; said again before they arrive it
// corrects carrier and number.
type Dispatch struct {
	Carrier, Tracking, URL string
	At                     time.Time
}

// Deliver says that the goods have arrived, and until when they may come back.
type Deliver struct{ At, ReturnsUntil time.Time }

// Cancel calls the whole order off. The first reason stands.
type Cancel struct {
	Reason, By string
	At         time.Time
}

// RequestReturn asks the shop to take pieces back.
type RequestReturn struct {
	Return string
	Pieces []Pieces
	Reason string
	At     time.Time
}

// ApproveReturn, RejectReturn and ReceiveReturn are the shop's answers.
type (
	ApproveReturn struct {
		Return string
		At     time.Time
	}
	RejectReturn struct {
		Return, Reason string
		At             time.Time
	}
	ReceiveReturn struct {
		Return string
		// Sellable is whether the goods go into the stock again.
		Sellable bool
		At       time.Time
	}
)

// PayBack says that a refund is paid: at the gateway, or otherwise after that
// refused.
type PayBack struct {
	Refund, Reference string
	At                time.Time
}

// RefuseRefund says that the gateway refused a refund for good.
type RefuseRefund struct {
	Refund, Code, Reason string
	At                   time.Time
}

func (Dispatch) command()      {}
func (Deliver) command()       {}
func (Cancel) command()        {}
func (RequestReturn) command() {}
func (ApproveReturn) command() {}
func (RejectReturn) command()  {}
func (ReceiveReturn) command() {}
func (PayBack) command()       {}
func (RefuseRefund) command()  {}

// MaxReturns bounds the returns of one order, rejected ones included.
const MaxReturns = 20

// Unfit is the refusal of a step that the order's stage does not allow.
type Unfit struct {
	// Step is "cancel", "dispatch", "deliver" or "return".
	Step  string
	Stage Stage
}

func (e *Unfit) Error() string {
	return fmt.Sprintf("order: to %s is not possible, the order is %s", e.Step, e.Stage)
}

// WindowClosed is the refusal of a return that comes too late.
type WindowClosed struct{ Until time.Time }

func (e *WindowClosed) Error() string {
	return "order: returns were possible until " + e.Until.UTC().Format("2006-01-02 15:04 MST")
}

// TooMany is the refusal to take back more pieces than are with the buyer.
type TooMany struct {
	SKU         string
	Asked, Left int
}

func (e *TooMany) Error() string {
	return fmt.Sprintf("order: %d of %s can go back, not %d", e.Left, e.SKU, e.Asked)
}

// Answered is the refusal of an answer to a return that has another one.
type Answered struct {
	Return string
	Status ReturnStatus
}

func (e *Answered) Error() string {
	return fmt.Sprintf("order: the return %s is %s", e.Return, e.Status)
}

var (
	// ErrNoReturn: the order has no such return.
	ErrNoReturn = errors.New("order: there is no such return")
	// ErrNoRefund: the order has no such refund to be paid.
	ErrNoRefund = errors.New("order: there is no such refund to be paid")
	// ErrNotInOrder: a piece of what the order does not hold.
	ErrNotInOrder = errors.New("order: the order does not hold that")
	// ErrNothing: a return of no piece.
	ErrNothing = errors.New("order: nothing is to go back")
	// ErrTooManyReturns: MaxReturns are reached.
	ErrTooManyReturns = fmt.Errorf("order: at most %d returns of one order", MaxReturns)
	// ErrExceedsPaid: more would be paid back than was paid.
	ErrExceedsPaid = errors.New("order: more would be paid back than was paid")
)

// decideAfter returns what a step changes that follows on the purchase.
func decideAfter(s State, cmd Command) ([]Event, error) {
	if s.Status == "" {
		return nil, ErrUnknown
	}
	switch c := cmd.(type) {
	case Dispatch:
		switch {
		case s.Shipment != nil && s.Shipment.Carrier == c.Carrier && s.Shipment.Tracking == c.Tracking && s.Shipment.URL == c.URL:
			return nil, nil
		case s.Status != Placed || s.Cancellation != nil || !s.DeliveredAt.IsZero():
			return nil, &Unfit{"dispatch", s.Stage()}
		}
		return []Event{OrderDispatched(c)}, nil
	case Deliver:
		switch {
		case s.Shipment == nil:
			return nil, &Unfit{"deliver", s.Stage()}
		case !s.DeliveredAt.IsZero():
			return nil, nil
		}
		return []Event{OrderDelivered(c)}, nil
	case Cancel:
		switch {
		case s.Cancellation != nil:
			return nil, nil
		case !s.CanCancel():
			return nil, &Unfit{"cancel", s.Stage()}
		}
		return []Event{OrderCancelled{c.Reason, c.By, s.Total, c.At}}, nil
	case RequestReturn:
		return requestReturn(s, c)
	case PayBack:
		r, ok := s.FindRefund(c.Refund)
		switch {
		case !ok:
			return nil, ErrNoRefund
		case r.Status == Refunded:
			return nil, nil
		}
		return []Event{OrderRefunded{r.ID, r.Amount, c.Reference, c.At}}, nil
	case RefuseRefund:
		r, ok := s.FindRefund(c.Refund)
		switch {
		case !ok || r.Status == Refunded:
			return nil, ErrNoRefund
		case r.Status == Refused:
			return nil, nil
		}
		return []Event{RefundRefused(c)}, nil
	}
	return answerReturn(s, cmd)
}

func requestReturn(s State, c RequestReturn) ([]Event, error) {
	if _, again := s.FindReturn(c.Return); again {
		return nil, nil
	}
	switch {
	case s.Status != Placed || s.Cancellation != nil || s.Shipment == nil:
		return nil, &Unfit{"return", s.Stage()}
	case s.Late(c.At):
		return nil, &WindowClosed{s.ReturnsUntil}
	case len(s.Returns) >= MaxReturns:
		return nil, ErrTooManyReturns
	}
	asked := map[string]int{}
	for _, p := range c.Pieces {
		if p.Quantity < 1 {
			return nil, ErrNothing
		}
		if !slices.ContainsFunc(s.Lines, func(l cart.Line) bool { return l.SKU == p.SKU }) {
			return nil, fmt.Errorf("%w: %s", ErrNotInOrder, p.SKU)
		}
		asked[p.SKU] += p.Quantity
	}
	e := ReturnRequested{Return: c.Return, Reason: c.Reason, Resolution: ForRefund, At: c.At}
	for i, l := range s.Lines {
		n := asked[l.SKU]
		if n == 0 {
			continue
		}
		if left := l.Quantity - s.returning(l.SKU); n > left {
			return nil, &TooMany{l.SKU, n, left}
		}
		e.Lines = append(e.Lines, ReturnedLine{Pieces{l.SKU, n}, s.worth(i, n)})
	}
	if len(e.Lines) == 0 {
		return nil, ErrNothing
	}
	return []Event{e}, nil
}

func answerReturn(s State, cmd Command) ([]Event, error) {
	var id string
	var to ReturnStatus
	var from []ReturnStatus
	var e Event
	switch c := cmd.(type) {
	case ApproveReturn:
		id, to, from, e = c.Return, Approved, []ReturnStatus{Requested}, ReturnApproved(c)
	case RejectReturn:
		id, to, from, e = c.Return, Rejected, []ReturnStatus{Requested, Approved}, ReturnRejected(c)
	case ReceiveReturn:
		r, _ := s.FindReturn(c.Return)
		id, to, from = c.Return, Received, []ReturnStatus{Approved}
		e = ReturnReceived{c.Return, c.Sellable, r.Amount(), c.At}
	default:
		return nil, nil
	}
	r, ok := s.FindReturn(id)
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %s", ErrNoReturn, id)
	case r.Status == to:
		return nil, nil
	case !slices.Contains(from, r.Status):
		return nil, &Answered{r.ID, r.Status}
	case to == Received && s.owed()+r.Amount().Minor > s.Total.Minor:
		return nil, fmt.Errorf("%w: %s", ErrExceedsPaid, s.Total)
	}
	return []Event{e}, nil
}
