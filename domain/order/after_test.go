package order_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"till/domain/cart"
	"till/domain/decider/story"
	"till/domain/money"
	"till/domain/order"
)

var (
	later = at.Add(48 * time.Hour)
	until = later.Add(30 * 24 * time.Hour)

	dispatched order.Event = order.OrderDispatched{Carrier: "Cat Express", Tracking: "CE1", URL: "https://example.com/CE1", At: at}
	delivered  order.Event = order.OrderDelivered{At: later, ReturnsUntil: until}
	cancelled  order.Event = order.OrderCancelled{Reason: "no longer needed", By: order.ByBuyer, Refund: money.Of(998, "USD"), At: at}
	returning  order.Event = order.ReturnRequested{Return: "RT-1", Lines: []order.ReturnedLine{{Pieces: order.Pieces{SKU: "MOUSE", Quantity: 1}, Amount: money.Of(499, "USD")}},
		Reason: "too small", Resolution: "refund", At: later}
	approved order.Event = order.ReturnApproved{Return: "RT-1", At: later}
	rejected order.Event = order.ReturnRejected{Return: "RT-1", Reason: "worn", At: later}
	received order.Event = order.ReturnReceived{Return: "RT-1", Sellable: true, Refund: money.Of(499, "USD"), At: later}

	dispatch      = order.Dispatch{Carrier: "Cat Express", Tracking: "CE1", URL: "https://example.com/CE1", At: at}
	cancel        = order.Cancel{Reason: "no longer needed", By: order.ByBuyer, At: at}
	requestReturn = order.RequestReturn{Return: "RT-1", Pieces: []order.Pieces{{SKU: "MOUSE", Quantity: 1}}, Reason: "too small", At: later}
)

func TestACancelledOrder(t *testing.T) {
	again := cancel
	again.Reason = "another reason"
	s := story.Given(t, order.Decider(), started, requested, placed).
		When(cancel).Then(cancelled).
		When(again).Then().
		When(order.RefuseRefund{Refund: "cancel", Code: "card_closed", Reason: "The card is closed.", At: at}).
		Then(order.RefundRefused{Refund: "cancel", Code: "card_closed", Reason: "The card is closed.", At: at}).
		When(order.PayBack{Refund: "cancel", Reference: "bank transfer", At: later}).
		Then(order.OrderRefunded{Refund: "cancel", Amount: money.Of(998, "USD"), Reference: "bank transfer", At: later}).
		When(order.PayBack{Refund: "cancel", Reference: "bank transfer", At: later}).Then().
		When(start).Then().State()
	if s.Stage() != order.StageCancelled || s.Status != order.Placed || s.PaidBack() != s.Total || s.RefundKey("cancel") != "CS-1-refund-cancel" {
		t.Errorf("the order is %+v", s)
	}
}

func TestTheWayToTheBuyerAndBack(t *testing.T) {
	corrected := dispatch
	corrected.Tracking = "CE2"
	s := story.Given(t, order.Decider(), started, requested, placed).
		When(dispatch).Then(dispatched).
		When(dispatch).Then().
		When(corrected).Then(order.OrderDispatched(corrected)).
		When(order.Deliver{At: later, ReturnsUntil: until}).Then(delivered).
		When(order.Deliver{At: until}).Then().
		When(requestReturn).Then(returning).
		When(requestReturn).Then().
		When(order.ApproveReturn{Return: "RT-1", At: later}).Then(approved).
		When(order.ApproveReturn{Return: "RT-1", At: later}).Then().
		When(order.ReceiveReturn{Return: "RT-1", Sellable: true, At: later}).Then(received).
		When(order.ReceiveReturn{Return: "RT-1", At: later}).Then().
		State()
	if s.Stage() != order.StageDelivered || s.Shipment.Tracking != "CE2" || len(s.Returnable()) != 1 || s.Returnable()[0].Quantity != 1 {
		t.Errorf("the order is %+v", s)
	}
}

func TestStages(t *testing.T) {
	two := returning.(order.ReturnRequested)
	two.Lines = []order.ReturnedLine{{Pieces: order.Pieces{SKU: "MOUSE", Quantity: 2}, Amount: money.Of(998, "USD")}}
	base := []order.Event{started, requested, placed}
	for want, more := range map[order.Stage][]order.Event{
		order.StagePlaced: nil, order.StageDispatched: {dispatched}, order.StageDelivered: {dispatched, delivered},
		order.StageCancelled: {cancelled}, order.StageReturning: {dispatched, delivered, returning, approved},
		order.StageReturned: {dispatched, delivered, two, approved, received},
	} {
		if got := order.Decider().Fold(append(base[:3:3], more...)...).Stage(); got != want {
			t.Errorf("%s is told as %s", want, got)
		}
	}
	if got := order.Decider().Fold(started, requested).Stage(); got != "paying" {
		t.Errorf("a purchase under way is %s", got)
	}
}

func TestWhatIsNotPossibleAfterAnOrder(t *testing.T) {
	fit := func(step string, stage order.Stage) func(error) bool {
		return func(err error) bool {
			var u *order.Unfit
			return errors.As(err, &u) && u.Step == step && u.Stage == stage
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	three := requestReturn
	three.Pieces = []order.Pieces{{SKU: "MOUSE", Quantity: 1}, {SKU: "MOUSE", Quantity: 2}}
	other := requestReturn
	other.Return, other.Pieces = "RT-2", []order.Pieces{{SKU: "BED", Quantity: 1}}
	none := requestReturn
	none.Return, none.Pieces = "RT-2", nil
	late := requestReturn
	late.At = until.Add(time.Second)
	for name, c := range map[string]struct {
		after []order.Event
		cmd   order.Command
		is    func(error) bool
	}{
		"cancelling what is on its way":        {[]order.Event{dispatched}, cancel, fit("cancel", "dispatched")},
		"cancelling what has arrived":          {[]order.Event{dispatched, delivered}, cancel, fit("cancel", "delivered")},
		"dispatching what was cancelled":       {[]order.Event{cancelled}, dispatch, fit("dispatch", "cancelled")},
		"dispatching anew what has arrived":    {[]order.Event{dispatched, delivered}, order.Dispatch{Carrier: "other"}, fit("dispatch", "delivered")},
		"delivering what was not sent":         {nil, order.Deliver{At: later}, fit("deliver", "placed")},
		"returning what was not sent":          {nil, requestReturn, fit("return", "placed")},
		"returning what was cancelled":         {[]order.Event{cancelled}, requestReturn, fit("return", "cancelled")},
		"returning too late":                   {[]order.Event{dispatched, delivered}, late, func(err error) bool { var w *order.WindowClosed; return errors.As(err, &w) && w.Until.Equal(until) }},
		"returning more than there was":        {[]order.Event{dispatched}, three, func(err error) bool { var m *order.TooMany; return errors.As(err, &m) && m.Asked == 3 && m.Left == 2 }},
		"returning what was not bought":        {[]order.Event{dispatched}, other, is(order.ErrNotInOrder)},
		"returning nothing":                    {[]order.Event{dispatched}, none, is(order.ErrNothing)},
		"approving an unknown return":          {[]order.Event{dispatched}, order.ApproveReturn{Return: "RT-9"}, is(order.ErrNoReturn)},
		"approving what was rejected":          {[]order.Event{dispatched, returning, rejected}, order.ApproveReturn{Return: "RT-1"}, answeredAs("rejected")},
		"receiving what was not approved":      {[]order.Event{dispatched, returning}, order.ReceiveReturn{Return: "RT-1"}, answeredAs("requested")},
		"rejecting what is back":               {[]order.Event{dispatched, returning, approved, received}, order.RejectReturn{Return: "RT-1"}, answeredAs("received")},
		"paying back what is not due":          {nil, order.PayBack{Refund: "cancel"}, is(order.ErrNoRefund)},
		"refusing a refund that is paid":       {[]order.Event{cancelled, order.OrderRefunded{Refund: "cancel"}}, order.RefuseRefund{Refund: "cancel"}, is(order.ErrNoRefund)},
		"receiving what was paid back already": {[]order.Event{dispatched, returning, approved, cancelled}, order.ReceiveReturn{Return: "RT-1"}, is(order.ErrExceedsPaid)},
	} {
		t.Run(name, func(t *testing.T) {
			s := order.Decider().Fold(append([]order.Event{started, requested, placed}, c.after...)...)
			events, err := order.Decide(s, c.cmd)
			if !c.is(err) || len(events) > 0 {
				t.Errorf("%v and %v", events, err)
			}
		})
	}
	for _, unfinished := range [][]order.Event{nil, {started}, {started, requested}, {started, failed}} {
		if _, err := order.Decide(order.Decider().Fold(unfinished...), cancel); err == nil {
			t.Errorf("%v can be cancelled", unfinished)
		}
	}
}

func answeredAs(status order.ReturnStatus) func(error) bool {
	return func(err error) bool {
		var a *order.Answered
		return errors.As(err, &a) && a.Status == status
	}
}

// A rejected return holds nothing: its pieces can be asked for again.
func TestARejectedReturnHoldsNothing(t *testing.T) {
	all := order.RequestReturn{Return: "RT-2", Pieces: []order.Pieces{{SKU: "MOUSE", Quantity: 2}}, At: later}
	s := story.Given(t, order.Decider(), started, requested, placed, dispatched, returning, rejected).When(all).State()
	if r, ok := s.FindReturn("RT-2"); !ok || r.Amount() != money.Of(998, "USD") {
		t.Errorf("the return is %+v", r)
	}
}

// However an order of whatever prices, with whatever discount or fee, goes back in
// parts: what is paid back for all of it is what was paid, no part is negative, and
// never is more owed than was paid.
func TestWhatGoesBackIsWhatWasPaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := order.CheckoutStarted{ID: "CS-1", User: "usr_1", Quote: "q", Method: "pm", At: at}
		var subtotal int64
		for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
			l := cart.Line{Item: cart.Item{SKU: fmt.Sprint("S", i), Price: money.Of(rapid.Int64Range(0, 5000).Draw(t, "price"), "USD")}, Quantity: rapid.IntRange(1, 9).Draw(t, "quantity")}
			first.Lines, subtotal = append(first.Lines, l), subtotal+l.Subtotal().Minor
		}
		first.Total = money.Of(rapid.Int64Range(0, subtotal+1000).Draw(t, "total"), "USD")
		if rapid.Bool().Draw(t, "discount") {
			d := &order.Discount{Code: "C"}
			for _, l := range first.Lines {
				part := rapid.Int64Range(0, l.Subtotal().Minor).Draw(t, "off")
				d.Amount, d.Lines = money.Of(d.Amount.Minor+part, "USD"), append(d.Lines, order.LineDiscount{SKU: l.SKU, Amount: money.Of(part, "USD")})
			}
			first.Discount, first.Total = d, money.Of(subtotal-d.Amount.Minor, "USD")
		}
		s := order.Decider().Fold(first, requested, placed, dispatched)
		for n := 0; len(s.Returnable()) > 0; n++ {
			left := s.Returnable()
			var pieces []order.Pieces
			for _, p := range left {
				most := p.Quantity
				if n < order.MaxReturns-1 { // the last one takes all
					p.Quantity = rapid.IntRange(0, most).Draw(t, "pieces")
				}
				if p.Quantity > 0 {
					pieces = append(pieces, p)
				}
			}
			if len(pieces) == 0 {
				pieces = left[:1]
			}
			id := fmt.Sprint("RT-", n)
			steps := []order.Command{order.RequestReturn{Return: id, Pieces: pieces, At: later}}
			if n < order.MaxReturns-1 && rapid.Bool().Draw(t, "rejected") {
				steps = append(steps, order.RejectReturn{Return: id, At: later})
			} else {
				steps = append(steps, order.ApproveReturn{Return: id, At: later}, order.ReceiveReturn{Return: id, At: later}, order.PayBack{Refund: id, At: later})
			}
			for _, step := range steps {
				events, err := order.Decide(s, step)
				if err != nil || len(events) != 1 {
					t.Fatalf("%#v: %v, %v", step, events, err)
				}
				story.Redone(t, order.Decider(), order.Redo, s, events...)
				s = order.Evolve(s, events[0])
			}
			for _, l := range s.Returns[n].Lines {
				if l.Amount.Minor < 0 {
					t.Fatalf("a negative part: %+v", l)
				}
			}
			if s.PaidBack().Minor > s.Total.Minor {
				t.Fatalf("%s of %s are paid back", s.PaidBack(), s.Total)
			}
			if first.Discount != nil {
				paidPerLine(t, s)
			}
			if n == order.MaxReturns-1 && len(s.Returnable()) > 0 {
				return // the pieces that were rejected last stay
			}
		}
		if s.PaidBack() != s.Total || s.Stage() != order.StageReturned {
			t.Fatalf("%s of %s are paid back, the order is %s", s.PaidBack(), s.Total, s.Stage())
		}
	})
}

// paidPerLine checks that a line whose pieces are all back was worth what was paid
// for it: its discount is no other line's.
func paidPerLine(t *rapid.T, s order.State) {
	for i, l := range s.Lines {
		n, sum := 0, int64(0)
		for _, r := range s.Returns {
			for _, back := range r.Lines {
				if back.SKU == l.SKU && r.Status == order.Received {
					n, sum = n+back.Quantity, sum+back.Amount.Minor
				}
			}
		}
		if paid := l.Subtotal().Minor - s.Discount.Lines[i].Amount.Minor; n == l.Quantity && sum != paid && s.Total.Minor > 0 {
			t.Fatalf("for %s %d was paid and %d is paid back", l.SKU, paid, sum)
		}
	}
}

// Whatever is done to a placed order in whatever order: never cancelled and
// dispatched, never more owed than paid or more back than bought, and what was
// done has nothing left to do.
func TestAnyOrderOfWhatFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := order.Decider().Fold(started, requested, placed)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := rapid.SampledFrom([]string{"RT-1", "RT-2", "RT-3", "cancel"}).Draw(t, "id")
			cmd := rapid.SampledFrom([]order.Command{
				dispatch, cancel, order.Deliver{At: later, ReturnsUntil: until},
				order.RequestReturn{Return: id, Pieces: []order.Pieces{{SKU: "MOUSE", Quantity: rapid.IntRange(0, 3).Draw(t, "n")}}, At: later},
				order.ApproveReturn{Return: id, At: later}, order.RejectReturn{Return: id, At: later}, order.ReceiveReturn{Return: id, At: later},
				order.PayBack{Refund: id, At: later}, order.RefuseRefund{Refund: id, At: later},
			}).Draw(t, "step")
			events, err := order.Decide(s, cmd)
			if err != nil && len(events) > 0 {
				t.Fatalf("refused (%v) and decided %v", err, events)
			}
			story.Redone(t, order.Decider(), order.Redo, s, events...)
			for _, e := range events {
				s = order.Evolve(s, e)
			}
			if again, err := order.Decide(s, cmd); err == nil && len(again) > 0 {
				t.Fatalf("%#v decided %v a second time", cmd, again)
			}
			var owed int64
			for _, r := range s.Refunds {
				owed += r.Amount.Minor
			}
			back := 0
			for _, r := range s.Returns {
				for _, l := range r.Lines {
					if r.Status != order.Rejected {
						back += l.Quantity
					}
				}
			}
			if owed > s.Total.Minor || back > 2 || s.Cancellation != nil && s.Shipment != nil || s.Status != order.Placed {
				t.Fatalf("the order is %+v", s)
			}
		}
	})
}
