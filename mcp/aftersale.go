package mcp

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"till/domain/aftersale"
	"till/domain/cart"
	"till/domain/order"
	"till/projections"
)

func cancelOrderTool() tool {
	return tool{
		name: "cancel_order", title: "Cancel an order",
		about: "Use this when the person no longer wants an order that is not dispatched yet. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\"}. Calls the whole order off and pays it back; get the person's yes first. Returns the order.",
		args: []argument{
			orderArgument,
			{name: "reason", kind: text, most: 300, about: "Why, in the person's words."},
			keyOfWrite,
		},
		output: orderAnswer{}, destroys: true, repeats: true, open: true, time: checkoutTime, run: cancelOrder,
	}
}

func requestReturnTool() tool {
	return tool{
		name: "request_return", title: "Send items back",
		about: "Use this when the person wants to send items back. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\", \"items\": \"MOUSE-CATNIP×2\", \"reason\": \"too small\"}. Asks the shop to take them back. Returns the order with the return_id and the refund to come.",
		args: []argument{
			orderArgument,
			{name: "items", kind: text, most: 1000, about: "SKUs with pieces and commas; default all.", example: "MOUSE-CATNIP×2, BED-S-GREY×1", also: []string{"lines", "skus"}},
			{name: "reason", kind: text, most: 300, about: "Why, in the person's words."},
			keyOfWrite,
		},
		// The same pieces asked for twice are one return, with or without a key.
		output: orderAnswer{}, repeats: true, time: writeTime, run: requestReturn,
	}
}

func cancelOrder(ctx context.Context, c *call) (answer, error) {
	o, err := c.owned(ctx)
	if err != nil {
		return answer{}, err
	}
	res, err := c.Aftersale.Cancel(ctx, o.ID, c.text("reason"), order.ByBuyer, c.meta())
	if err != nil {
		return answer{}, aboutOrder(o.ID, err)
	}
	o = c.reached(ctx, res)
	paid, _ := o.FindRefund(order.ForCancel)
	a := wholeOrder(o, c.Now())
	a.Replayed = res.Replayed
	was := "Cancelled"
	if res.Replayed {
		was = "This was cancelled already"
	}
	return answer{fmt.Sprintf("%s: order %s. %s", was, o.ID, refundWords(paid)), a}, nil
}

func requestReturn(ctx context.Context, c *call) (answer, error) {
	o, err := c.owned(ctx)
	if err != nil {
		return answer{}, err
	}
	pieces, err := piecesOf(o, c.text("items"))
	if err != nil {
		return answer{}, err
	}
	id, res, err := c.Aftersale.RequestReturn(ctx, o.ID, aftersale.ReturnRequest{Pieces: pieces, Reason: c.text("reason")}, c.meta())
	if err != nil {
		return answer{}, aboutOrder(o.ID, err)
	}
	o = c.reached(ctx, res)
	r, _ := o.FindReturn(id)
	a := wholeOrder(o, c.Now())
	a.Replayed, a.ReturnID = res.Replayed, r.ID
	asked := "Asked for"
	if res.Replayed {
		asked = "This was asked for already, as"
	}
	return answer{fmt.Sprintf("%s return %s of order %s: %s. %s are paid back once the shop has the goods.",
		asked, r.ID, o.ID, strings.Join(itemsOf(o, r.Lines), ", "), r.Amount()), a}, nil
}

// owned is the caller's order that is meant. Anybody else's is as missing as one
// that does not exist.
func (c *call) owned(ctx context.Context) (o order.State, err error) {
	err = c.read(ctx, func(r *projections.Reader) error {
		o, err = c.order(ctx, r, c.text("order_id"))
		return err
	})
	return o, err
}

// reached is the order after a step. What stands, stands, whether or not the views
// can show it and whether or not all that follows is done: the shop does the rest.
func (c *call) reached(ctx context.Context, res aftersale.Result) order.State {
	_ = c.Views.Wait(ctx, res.At)
	c.at = res.At
	if res.Late != nil && !errors.Is(res.Late, aftersale.ErrPending) {
		c.Logger.Error("what follows from a step on an order is left to the shop", "order", res.Order.ID, "request", c.request, "error", res.Late.Error())
	}
	return res.Order
}

// aboutOrder names the order in the problem that a step on it met.
func aboutOrder(id string, err error) error {
	p, internal := explain(err, "")
	if internal {
		return err
	}
	p.OrderID = id
	return p
}

// How pieces are counted: "MOUSE×2", "2 x MOUSE".
const (
	timesAfter  = `^(.+?)\s*[×xX*:]\s*(\d{1,3})$`
	timesBefore = `^(\d{1,3})\s*[×xX*]\s*(.+)$`
)

// piecesOf reads which pieces of the order are meant; none is all of them, and so
// is the word, since that is how the argument speaks of it.
func piecesOf(o order.State, items string) (pieces []order.Pieces, err error) {
	if strings.EqualFold(strings.TrimSpace(items), "all") {
		return nil, nil
	}
	after, before := regexp.MustCompile(timesAfter), regexp.MustCompile(timesBefore)
	for _, item := range strings.FieldsFunc(items, func(r rune) bool { return r == ',' || r == ';' }) {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		line, known := lineIn(o, item)
		n := line.Quantity
		if m := after.FindStringSubmatch(item); !known && m != nil {
			line, known = lineIn(o, m[1])
			n, _ = strconv.Atoi(m[2])
		}
		if m := before.FindStringSubmatch(item); !known && m != nil {
			line, known = lineIn(o, m[2])
			n, _ = strconv.Atoi(m[1])
		}
		if !known {
			return nil, notInOrder(o, item, "such as "+o.Lines[0].SKU+"×1", "get_order")
		}
		if n < 1 {
			return nil, invalid("items", "items must name at least 1 piece of %s, such as %s×1.", line.SKU, line.SKU)
		}
		pieces = append(pieces, order.Pieces{SKU: line.SKU, Quantity: n})
	}
	if len(pieces) == 0 {
		return nil, nothingNamed(o, items)
	}
	return pieces, nil
}

// nothingNamed is why items that hold no name are not taken for all: a slip must not
// send a whole order back. Items that were left out are all, which is no error.
func nothingNamed(o order.State, items string) error {
	if strings.TrimSpace(items) == "" {
		return nil
	}
	return invalid("items", "items names nothing, and nothing was changed. Send SKUs of order %s, such as %s, or leave items out for all of it.", o.ID, o.Lines[0].SKU)
}

// lineIn is the line of the order that the word names. A product of which the order
// holds several variants names none.
func lineIn(o order.State, word string) (found cart.Line, ok bool) {
	for _, l := range o.Lines {
		if strings.EqualFold(l.SKU, word) {
			return l, true
		}
	}
	n := 0
	for _, l := range o.Lines {
		if strings.EqualFold(l.Handle, word) || strings.EqualFold(l.Product, word) || strings.EqualFold(l.Title, word) {
			found, n = l, n+1
		}
	}
	return found, n == 1
}

// notInOrder is an item that the order does not hold, with those that it does.
func notInOrder(o order.State, item, how string, next ...string) *problem {
	p := &problem{Code: "not_in_order", Field: "items", OrderID: o.ID, NextTools: next,
		Message: fmt.Sprintf("Order %s does not hold %s; nothing was changed. Send SKUs of the order as items, %s.", o.ID, quote(item), how)}
	for _, l := range o.Lines[:min(len(o.Lines), 10)] {
		p.Suggestions = append(p.Suggestions, suggestion{l.SKU, fmt.Sprintf("%d × %s", l.Quantity, nameOf(l.Item))})
	}
	return p
}
