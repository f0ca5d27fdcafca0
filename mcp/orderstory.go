package mcp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"till/domain/order"
)

// orderStory is what became of a purchase, beside what it holds.
type orderStory struct {
	Tracking *tracking `json:"tracking,omitempty"`
	Timeline []step    `json:"timeline"`
	// Returns are those of the order, the first first.
	Returns   []returned `json:"returns,omitempty"`
	Refunds   []refund   `json:"refunds,omitempty"`
	CanCancel bool       `json:"can_cancel"`
	CanReturn bool       `json:"can_return"`
	// ReturnsUntil is the end of the time for returns, if it has begun to run.
	ReturnsUntil string `json:"returns_until,omitempty"`
}

// tracking is where a parcel can be looked for.
type tracking struct {
	Carrier string `json:"carrier"`
	Number  string `json:"number"`
	URL     string `json:"url,omitempty"`
}

// returned is a return in short.
type returned struct {
	ReturnID string   `json:"return_id"`
	Status   string   `json:"status"`
	Items    []string `json:"items"`
	Refund   price    `json:"refund"`
	Reason   string   `json:"reason,omitempty"`
	Refusal  string   `json:"refusal,omitempty"`
}

// refund is money that goes back.
type refund struct {
	For    string `json:"for"`
	Status string `json:"status"`
	Amount price  `json:"amount"`
	Reason string `json:"reason,omitempty"`
}

// storyMost bounds how many steps, returns and refunds are told, the latest ones.
const storyMost = 12

// textTold bounds what people wrote, in bytes.
const textTold = 160

func storyOf(o order.State, now time.Time) orderStory {
	s := orderStory{CanCancel: o.CanCancel(), CanReturn: o.CanReturn(now), ReturnsUntil: stamp(o.ReturnsUntil), Timeline: []step{}}
	if d := o.Shipment; d != nil {
		s.Tracking = &tracking{clip(d.Carrier, textTold), clip(d.Tracking, textTold), clip(d.URL, 400)}
	}
	happened := happenedTo(o)
	for _, h := range happened[max(0, len(happened)-storyMost):] {
		s.Timeline = append(s.Timeline, step{stamp(h.at), h.what})
	}
	for _, r := range o.Returns[max(0, len(o.Returns)-storyMost):] {
		s.Returns = append(s.Returns, returned{r.ID, string(r.Status), itemsOf(o, r.Lines), priced(r.Amount()), clip(r.Reason, textTold), clip(r.Refusal, textTold)})
	}
	for _, r := range o.Refunds[max(0, len(o.Refunds)-storyMost):] {
		s.Refunds = append(s.Refunds, refundOf(r))
	}
	return s
}

func refundOf(r order.Refund) refund {
	return refund{r.ID, string(r.Status), priced(r.Amount), clip(r.Reason, textTold)}
}

// refundWords says how a refund stands.
func refundWords(r order.Refund) string {
	switch {
	case r.Amount.Minor == 0:
		return "Nothing had been charged for it."
	case r.Status == order.Refunded:
		return r.Amount.String() + " are paid back."
	case r.Status == order.Refused:
		return fmt.Sprintf("The payment service refused to pay the %s back (%s); the shop pays them in another way.", r.Amount, strings.TrimSuffix(r.Reason, "."))
	}
	return fmt.Sprintf("The refund of %s is under way; the payment service has not confirmed it yet, and the shop keeps asking.", r.Amount)
}

type event struct {
	at   time.Time
	what string
}

// happenedTo is what happened to a placed order, in order of time.
func happenedTo(o order.State) (all []event) {
	if o.Status != order.Placed {
		return nil
	}
	add := func(at time.Time, format string, args ...any) {
		if !at.IsZero() {
			all = append(all, event{at, fmt.Sprintf(format, args...)})
		}
	}
	add(o.PlacedAt, "Placed and paid: %s.", o.Total)
	if c := o.Cancellation; c != nil {
		add(c.At, "Cancelled by the %s%s.", c.By, because(c.Reason))
	}
	if d := o.Shipment; d != nil {
		add(d.At, "Dispatched with %s, tracking number %s.", clip(d.Carrier, textTold), clip(d.Tracking, textTold))
	}
	add(o.DeliveredAt, "Delivered.")
	for _, r := range o.Returns {
		add(r.At, "Return %s asked for: %s%s.", r.ID, strings.Join(itemsOf(o, r.Lines), ", "), because(r.Reason))
		switch {
		case r.Status == order.Rejected:
			add(r.AnsweredAt, "Return %s rejected%s.", r.ID, because(r.Refusal))
		default:
			add(r.AnsweredAt, "Return %s approved.", r.ID)
		}
		add(r.ReceivedAt, "The goods of return %s are back.", r.ID)
	}
	for _, r := range o.Refunds {
		switch r.Status {
		case order.Refunded:
			add(r.At, "%s paid back.", r.Amount)
		case order.Refused:
			add(r.At, "The refund of %s was refused by the payment service; the shop pays it in another way.", r.Amount)
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.at.Unix(), b.at.Unix()) })
	return all
}

// because adds a reason that somebody gave.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(clip(reason, textTold), ".")
}

// itemsOf names pieces of an order, a few of them.
func itemsOf(o order.State, lines []order.ReturnedLine) []string {
	items := []string{}
	for i, l := range lines {
		if i == linesShort {
			return append(items, fmt.Sprintf("%d more", len(lines)-i))
		}
		name := l.SKU
		if line, ok := lineIn(o, l.SKU); ok {
			name = nameOf(line.Item)
		}
		items = append(items, fmt.Sprintf("%d × %s", l.Quantity, clip(name, 60)))
	}
	return items
}
