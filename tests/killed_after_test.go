package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
)

// afterwards is what the log says of an order since it was placed.
type afterwards struct {
	dispatched, delivered, cancelled int
	returns                          map[string]*comeback
	refunds                          map[string]*payback
	// restocked counts the pieces put back, by what for and SKU.
	restocked map[string]int
}

// comeback is one return: the last event of it, its pieces and what is theirs of
// the price.
type comeback struct {
	status   string
	lines    map[string]int
	worth    int
	sellable bool
}

// payback is one refund: the event that ended it, if it is ended.
type payback struct {
	amount           int
	ended, reference string
}

// goesOn follows what becomes of a placed order; known is whether the event is of
// that kind at all.
func (o *purchase) goesOn(e written) (why string, known bool) {
	d, s := e.Data, &o.since
	r := s.returns[d.Return]
	amount := 0
	if price, ok := d.Refund.(map[string]any); ok {
		n, _ := price["amount"].(float64)
		amount = int(n)
	}
	switch e.Type {
	case "order.dispatched":
		s.dispatched++
		return unless(o.placed == 1 && s.cancelled == 0 && s.dispatched == 1, "it is not placed, cancelled, or dispatched before"), true
	case "order.delivered":
		s.delivered++
		return unless(s.dispatched == 1 && s.delivered == 1, "it is not on its way"), true
	case "order.cancelled":
		s.cancelled++
		if o.placed != 1 || s.dispatched > 0 || s.cancelled > 1 || amount != o.total {
			return fmt.Sprintf("placed %d times, dispatched %d times, cancelled %d times; %d of %d are due back", o.placed, s.dispatched, s.cancelled, amount, o.total), true
		}
		return o.due("cancel", amount), true
	case "order.return_requested":
		if r != nil || s.dispatched != 1 {
			return "the order never went off, or this return was asked for before", true
		}
		return o.asksBack(e), true
	case "order.return_approved", "order.return_rejected":
		if r == nil || r.status != "order.return_requested" {
			return "there is no such return that waits for an answer", true
		}
		r.status = e.Type
	case "order.return_received":
		if r == nil || r.status != "order.return_approved" || amount != r.worth {
			return fmt.Sprintf("there is no such return that was approved, or %d are not its worth", amount), true
		}
		r.status, r.sellable = e.Type, d.Sellable
		return o.due(d.Return, amount), true
	case "order.refunded", "order.refund_refused":
		id, _ := d.Refund.(string)
		p := s.refunds[id]
		if p == nil || p.ended != "" {
			return fmt.Sprintf("no refund %q is due: %+v", id, p), true
		}
		p.ended, p.reference = e.Type, d.Reference
		// This card takes nothing back, every other does.
		if refused := o.method == "tok_refund_fail"; refused != (e.Type == "order.refund_refused") || !refused && d.Amount.Amount != p.amount {
			return fmt.Sprintf("it was paid with %s, and %d are due", o.method, p.amount), true
		}
	default:
		return "", false
	}
	return "", true
}

func unless(fine bool, why string) string {
	if fine {
		return ""
	}
	return why
}

// due takes in a refund: each once, and all of them never more than was paid.
func (o *purchase) due(id string, amount int) string {
	if o.since.refunds[id] != nil {
		return "the refund " + id + " was due before"
	}
	o.since.refunds[id] = &payback{amount: amount}
	sum := 0
	for _, p := range o.since.refunds {
		sum += p.amount
	}
	return unless(sum <= o.total && amount >= 0, fmt.Sprintf("%d are paid back of %d", sum, o.total))
}

// asksBack takes in a return, of pieces that no other one holds.
func (o *purchase) asksBack(e written) string {
	var lines []struct {
		SKU      string
		Quantity int
		Amount   struct{ Amount int }
	}
	if err := json.Unmarshal(e.Data.Lines, &lines); err != nil || len(lines) == 0 {
		return "the return has no lines"
	}
	r := &comeback{status: e.Type, lines: map[string]int{}}
	for _, l := range lines {
		r.lines[l.SKU] += l.Quantity
		r.worth += l.Amount.Amount
	}
	o.since.returns[e.Data.Return] = r
	for sku := range r.lines {
		if back := o.back(sku, "order.return_rejected"); back > o.lines[sku] {
			return fmt.Sprintf("%d of %s are to come back of %d", back, sku, o.lines[sku])
		}
	}
	return ""
}

// back counts the pieces of a SKU in returns that do not stand so.
func (o *purchase) back(sku, not string) (n int) {
	for _, r := range o.since.returns {
		if r.status != not {
			n += r.lines[sku]
		}
	}
	return n
}

// undone is whether the order is cancelled and the buyer has the money back: then
// it counts nowhere any more.
func (o *purchase) undone() bool {
	p := o.since.refunds["cancel"]
	return p != nil && p.ended == "order.refunded"
}

// paysBack is whether for this reason what the order had used up may be given back:
// it is cancelled and that is not ended yet.
func (o *purchase) paysBack(reason string) bool {
	p := o.since.refunds["cancel"]
	return reason == "cancelled" && o.since.cancelled == 1 && p != nil && p.ended == ""
}

// owing are the order's refunds that are due.
func (o *purchase) owing(id string) (left []string) {
	for refund, p := range o.since.refunds {
		if p.ended == "" {
			left = append(left, fmt.Sprintf("the refund %s of order %s is due", refund, id))
		}
	}
	return left
}

// shelves are the pieces that must have been put back, by what for and SKU.
func (o *purchase) shelves() map[string]int {
	must := map[string]int{}
	if o.since.cancelled > 0 {
		for sku, n := range o.lines {
			must["cancel "+sku] = n
		}
	}
	for id, r := range o.since.returns {
		if r.status == "order.return_received" && r.sellable {
			for sku, n := range r.lines {
				must[id+" "+sku] = n
			}
		}
	}
	return must
}

// restocked follows pieces that can be sold again: those of a cancelled order or of
// a return that came back good, once.
func (r *record) restocked(e written) string {
	o, what := r.orders[e.Data.Order], e.Data.For+" "+e.Stream.ID
	if o == nil {
		return "of no order"
	}
	if before, must := o.since.restocked[what], o.shelves()[what]; before > 0 || e.Data.Quantity != must {
		return fmt.Sprintf("%d pieces, of order %s for %q %d have to go back and %d went back before", e.Data.Quantity, e.Data.Order, what, must, before)
	}
	o.since.restocked[what] = e.Data.Quantity
	return ""
}

// cameBack checks a record of which nothing is open: all that was cancelled or came
// back good can be sold again, and whoever has nothing left of an order got back
// all that was paid for it.
func (r *record) cameBack(t testing.TB) {
	t.Helper()
	count := map[string]int{}
	for id, o := range r.orders {
		if must := o.shelves(); !maps.Equal(must, o.since.restocked) {
			t.Errorf("of order %s %v was put back, it must be %v", id, o.since.restocked, must)
		}
		paid, all := 0, o.since.cancelled == 0 && len(o.since.returns) > 0
		for _, p := range o.since.refunds {
			paid += p.amount
			count[p.ended]++
		}
		for _, ret := range o.since.returns {
			count[ret.status]++
		}
		for sku, n := range o.lines {
			received := 0
			for _, ret := range o.since.returns {
				if ret.status == "order.return_received" {
					received += ret.lines[sku]
				}
			}
			all = all && received == n
		}
		if (all || o.since.cancelled > 0) && paid != o.total {
			t.Errorf("nothing is left of order %s, and %d of %d are paid back", id, paid, o.total)
		}
		count["order.cancelled"] += o.since.cancelled
		count["order.dispatched"] += o.since.dispatched
	}
	t.Logf("after the orders: %v", count)
}
