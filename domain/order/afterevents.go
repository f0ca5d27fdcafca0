package order

import (
	"time"

	"till/domain/eventlog"
	"till/domain/money"
)

// OrderDispatched: the goods are on their way. A second one corrects the first.
type OrderDispatched struct {
	Carrier  string    `json:"carrier"`
	Tracking string    `json:"tracking"`
	URL      string    `json:"url,omitempty"`
	At       time.Time `json:"at"`
}

// OrderDelivered: the goods are with the buyer, who may send them back for a time.
type OrderDelivered struct {
	At           time.Time `json:"at"`
	ReturnsUntil time.Time `json:"returns_until"`
}

// OrderCancelled: the order was called off before it went off. What was paid is
// due back.
type OrderCancelled struct {
	Reason string       `json:"reason,omitempty"`
	By     string       `json:"by"`
	Refund money.Amount `json:"refund"`
	At     time.Time    `json:"at"`
}

// ReturnRequested: the buyer wants to send goods back.
type ReturnRequested struct {
	Return     string         `json:"return"`
	Lines      []ReturnedLine `json:"lines"`
	Reason     string         `json:"reason,omitempty"`
	Resolution string         `json:"resolution"`
	At         time.Time      `json:"at"`
}

// ReturnApproved: the shop takes the goods back.
type ReturnApproved struct {
	Return string    `json:"return"`
	At     time.Time `json:"at"`
}

// ReturnRejected: the shop does not take them back.
type ReturnRejected struct {
	Return string    `json:"return"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// ReturnReceived: the goods are back, and their share of the price is due back.
type ReturnReceived struct {
	Return   string       `json:"return"`
	Sellable bool         `json:"sellable"`
	Refund   money.Amount `json:"refund"`
	At       time.Time    `json:"at"`
}

// OrderRefunded: the buyer has the money back.
type OrderRefunded struct {
	Refund    string       `json:"refund"`
	Amount    money.Amount `json:"amount"`
	Reference string       `json:"reference,omitempty"`
	At        time.Time    `json:"at"`
}

// RefundRefused: the gateway will not pay it back; the shop has to in another way.
type RefundRefused struct {
	Refund string    `json:"refund"`
	Code   string    `json:"code"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

func (OrderDispatched) event() {}
func (OrderDelivered) event()  {}
func (OrderCancelled) event()  {}
func (ReturnRequested) event() {}
func (ReturnApproved) event()  {}
func (ReturnRejected) event()  {}
func (ReturnReceived) event()  {}
func (OrderRefunded) event()   {}
func (RefundRefused) event()   {}

func registerAfter(t *eventlog.Types) {
	eventlog.Register[OrderDispatched](t, "order.dispatched", 1)
	eventlog.Register[OrderDelivered](t, "order.delivered", 1)
	eventlog.Register[OrderCancelled](t, "order.cancelled", 1)
	eventlog.Register[ReturnRequested](t, "order.return_requested", 1)
	eventlog.Register[ReturnApproved](t, "order.return_approved", 1)
	eventlog.Register[ReturnRejected](t, "order.return_rejected", 1)
	eventlog.Register[ReturnReceived](t, "order.return_received", 1)
	eventlog.Register[OrderRefunded](t, "order.refunded", 1)
	eventlog.Register[RefundRefused](t, "order.refund_refused", 1)
}

// evolveAfter returns a placed order after an event.
func evolveAfter(s State, e Event) State {
	switch e := e.(type) {
	case OrderDispatched:
		at := e.At
		if s.Shipment != nil {
			at = s.Shipment.At
		}
		s.Shipment = &Shipment{e.Carrier, e.Tracking, e.URL, at}
	case OrderDelivered:
		s.DeliveredAt, s.ReturnsUntil = e.At, e.ReturnsUntil
	case OrderCancelled:
		s.Cancellation = &Cancellation{e.Reason, e.By, e.At}
		s.Refunds = due(s.Refunds, ForCancel, e.Refund, e.At)
	case ReturnRequested:
		s.Returns = append(s.Returns[:len(s.Returns):len(s.Returns)], Return{
			ID: e.Return, Status: Requested, Lines: e.Lines, Reason: e.Reason, Resolution: e.Resolution, At: e.At,
		})
	case ReturnApproved:
		return s.with(e.Return, func(r *Return) { r.Status, r.AnsweredAt = Approved, e.At })
	case ReturnRejected:
		return s.with(e.Return, func(r *Return) { r.Status, r.Refusal, r.AnsweredAt = Rejected, e.Reason, e.At })
	case ReturnReceived:
		s = s.with(e.Return, func(r *Return) { r.Status, r.Sellable, r.ReceivedAt = Received, e.Sellable, e.At })
		s.Refunds = due(s.Refunds, e.Return, e.Refund, e.At)
	case OrderRefunded:
		return s.refund(e.Refund, func(r *Refund) { r.Status, r.Reference, r.At = Refunded, e.Reference, e.At })
	case RefundRefused:
		return s.refund(e.Refund, func(r *Refund) { r.Status, r.Code, r.Reason, r.At = Refused, e.Code, e.Reason, e.At })
	}
	return s
}

func due(refunds []Refund, id string, amount money.Amount, at time.Time) []Refund {
	return append(refunds[:len(refunds):len(refunds)], Refund{ID: id, Amount: amount, Status: Due, Since: at})
}

// with is the order with one return changed.
func (s State) with(id string, change func(*Return)) State {
	returns := append([]Return(nil), s.Returns...)
	for i := range returns {
		if returns[i].ID == id {
			change(&returns[i])
		}
	}
	s.Returns = returns
	return s
}

// refund is the order with one refund changed.
func (s State) refund(id string, change func(*Refund)) State {
	refunds := append([]Refund(nil), s.Refunds...)
	for i := range refunds {
		if refunds[i].ID == id {
			change(&refunds[i])
		}
	}
	s.Refunds = refunds
	return s
}
