package order

import (
	"slices"
	"time"

	"till/domain/money"
)

// Stage is where a purchase stands as people are told. Status ends with Placed,
// which is for good: whoever asks to buy the same again has bought it, whatever
// became of the order since.
type Stage string

// The stages of a placed order; before that the stage is the status.
const (
	StagePlaced     Stage = "placed"
	StageDispatched Stage = "dispatched"
	StageDelivered  Stage = "delivered"
	StageCancelled  Stage = "cancelled"
	// StageReturning: a return waits for an answer or for the goods.
	StageReturning Stage = "return_requested"
	// StageReturned: all pieces came back.
	StageReturned Stage = "returned"
)

// Standing ends the sentence "the order is …".
func (s Stage) Standing() string {
	switch s {
	case Stage(Paying):
		return "being paid"
	case Stage(Pending):
		return "waiting for its payment"
	case Stage(Declined):
		return "not placed, since its payment was declined"
	case Stage(Failed):
		return "not placed"
	case StageReturning:
		return "being returned"
	}
	return string(s)
}

// Stages are those of placed orders.
func Stages() []Stage {
	return []Stage{StagePlaced, StageDispatched, StageDelivered, StageReturning, StageReturned, StageCancelled}
}

// Stage is where the purchase stands.
func (s State) Stage() Stage {
	switch {
	case s.Status != Placed:
		return Stage(s.Status)
	case s.Cancellation != nil:
		return StageCancelled
	case slices.ContainsFunc(s.Returns, Return.Open):
		return StageReturning
	case s.Shipment == nil:
		return StagePlaced
	case s.cameBack():
		return StageReturned
	case !s.DeliveredAt.IsZero():
		return StageDelivered
	}
	return StageDispatched
}

// cameBack is whether no piece is left with the buyer.
func (s State) cameBack() bool {
	for _, l := range s.Lines {
		back := 0
		for _, r := range s.Returns {
			if r.Status == Received {
				back += r.quantity(l.SKU)
			}
		}
		if back < l.Quantity {
			return false
		}
	}
	return true
}

// Shipment is how an order went off.
type Shipment struct {
	Carrier  string    `json:"carrier"`
	Tracking string    `json:"tracking"`
	URL      string    `json:"url,omitempty"`
	At       time.Time `json:"at"`
}

// Cancellation is why an order was called off.
type Cancellation struct {
	Reason string `json:"reason,omitempty"`
	// By is who did it: ByBuyer or ByShop.
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Who cancels an order.
const (
	ByBuyer = "buyer"
	ByShop  = "shop"
)

// Pieces are so many pieces of an order's line.
type Pieces struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// ReturnedLine are pieces that go back, and what of the price paid is theirs.
type ReturnedLine struct {
	Pieces
	Amount money.Amount `json:"amount"`
}

// ReturnStatus is how far a return has come.
type ReturnStatus string

// The statuses of a return.
const (
	Requested ReturnStatus = "requested"
	Approved  ReturnStatus = "approved"
	Rejected  ReturnStatus = "rejected"
	// Received: the goods are back, and their share of the price is refunded.
	Received ReturnStatus = "received"
)

// Return is goods that the buyer sends back.
type Return struct {
	ID     string         `json:"id"`
	Status ReturnStatus   `json:"status"`
	Lines  []ReturnedLine `json:"lines"`
	Reason string         `json:"reason,omitempty"`
	// Resolution is what the buyer gets: "refund".
	Resolution string    `json:"resolution"`
	At         time.Time `json:"at"`
	// Refusal is why it was rejected.
	Refusal    string    `json:"refusal,omitempty"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	// Sellable is whether what came back went into the stock again.
	Sellable   bool      `json:"sellable,omitempty"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// ForRefund is the one resolution of a return so far.
const ForRefund = "refund"

// Open is whether the return is under way.
func (r Return) Open() bool { return r.Status == Requested || r.Status == Approved }

// Amount is what is paid back for the return.
func (r Return) Amount() (sum money.Amount) {
	for _, l := range r.Lines {
		sum = money.Of(sum.Minor+l.Amount.Minor, l.Amount.Currency)
	}
	return sum
}

func (r Return) quantity(sku string) (n int) {
	for _, l := range r.Lines {
		if l.SKU == sku {
			n += l.Quantity
		}
	}
	return n
}

// RefundStatus is how far a refund has come.
type RefundStatus string

// The statuses of a refund.
const (
	// Due: the gateway is to be asked, or has not said yet; always under the same key.
	Due      RefundStatus = "due"
	Refunded RefundStatus = "refunded"
	// Refused: the gateway said no for good. The shop pays in another way.
	Refused RefundStatus = "refused"
)

// ForCancel is the id of the refund of a cancelled order; that of a return has
// the return's id.
const ForCancel = "cancel"

// Refund is money that the buyer gets back.
type Refund struct {
	ID     string       `json:"id"`
	Amount money.Amount `json:"amount"`
	Status RefundStatus `json:"status"`
	// Since is when it came to be due, At when it was paid or refused.
	Since time.Time `json:"since"`
	At    time.Time `json:"at,omitzero"`
	// Reference names it at the gateway, or says how else it was paid.
	Reference string `json:"reference,omitempty"`
	Code      string `json:"code,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// RefundKey is the refund's idempotency key at the gateway: asked twice under one
// key, a gateway pays once.
func (s State) RefundKey(refund string) string { return s.ID + "-refund-" + refund }

// FindReturn returns the return of that id.
func (s State) FindReturn(id string) (Return, bool) {
	if i := slices.IndexFunc(s.Returns, func(r Return) bool { return r.ID == id }); i >= 0 {
		return s.Returns[i], true
	}
	return Return{}, false
}

// FindRefund returns the refund of that id.
func (s State) FindRefund(id string) (Refund, bool) {
	if i := slices.IndexFunc(s.Refunds, func(r Refund) bool { return r.ID == id }); i >= 0 {
		return s.Refunds[i], true
	}
	return Refund{}, false
}

// PaidBack is what the buyer has got back.
func (s State) PaidBack() money.Amount {
	sum := money.Of(0, s.Total.Currency)
	for _, r := range s.Refunds {
		if r.Status == Refunded {
			sum.Minor += r.Amount.Minor
		}
	}
	return sum
}

// owed is what the buyer has got back or is to get.
func (s State) owed() (minor int64) {
	for _, r := range s.Refunds {
		minor += r.Amount.Minor
	}
	return minor
}

// CanCancel is whether the order may still be called off.
func (s State) CanCancel() bool {
	return s.Status == Placed && s.Cancellation == nil && s.Shipment == nil
}

// CanReturn is whether a return may be asked for at that time.
func (s State) CanReturn(now time.Time) bool {
	return s.Shipment != nil && !s.Late(now) && len(s.Returns) < MaxReturns && len(s.Returnable()) > 0
}

// Late is whether the time for returns is over.
func (s State) Late(now time.Time) bool { return !s.ReturnsUntil.IsZero() && now.After(s.ReturnsUntil) }

// Returnable are the pieces that went off and that no return holds, one that was
// rejected aside.
func (s State) Returnable() (left []Pieces) {
	if s.Shipment == nil {
		return nil
	}
	for _, l := range s.Lines {
		if n := l.Quantity - s.returning(l.SKU); n > 0 {
			left = append(left, Pieces{l.SKU, n})
		}
	}
	return left
}

// returning is how many pieces of a SKU went back or are to.
func (s State) returning(sku string) (n int) {
	for _, r := range s.Returns {
		if r.Status != Rejected {
			n += r.quantity(sku)
		}
	}
	return n
}
