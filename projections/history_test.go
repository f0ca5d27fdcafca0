package projections_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/order"
	"till/domain/stock"
)

// A history is a log that the shop's own deciders fill at random: 70 of 100
// events are of carts, 15 of stock, 10 of orders, 5 of grants.
type history struct {
	t     testing.TB
	log   *memlog.Log
	types *eventlog.Types
	dice  *rand.Rand
	at    time.Time
	n     int // events so far

	users, skus int
	carts       map[string]*track[cart.State]
	stocks      map[string]*track[stock.State]
	orders      map[string]*track[order.State]
	grants      map[string]*track[grant.State]
	open        []string // orders that are not placed
}

type track[S any] struct {
	state S
	decider.Version
}

func newHistory(t testing.TB, events, users, skus int) *history {
	h := &history{
		t: t, log: memlog.New("epoch-1"), types: allTypes(), dice: rand.New(rand.NewPCG(1, 2)), at: began, users: users, skus: skus,
		carts: map[string]*track[cart.State]{}, stocks: map[string]*track[stock.State]{},
		orders: map[string]*track[order.State]{}, grants: map[string]*track[grant.State]{},
	}
	for i := range skus {
		p := catalog.Product{ID: fmt.Sprint(i), Handle: fmt.Sprintf("thing-%d", i), Title: fmt.Sprintf("Thing %d", i), Category: "things",
			Description: "A thing as good as any other, and better than most.", Variants: []catalog.Variant{{SKU: sku(i), Price: money.Of(int64(100+i), "USD")}}}
		send(h, map[string]*track[catalog.State]{}, catalog.Decider(), p.ID, catalog.Command(catalog.Offer{Product: p}), "")
		send(h, h.stocks, stock.Decider(), sku(i), stock.Command(stock.Open{OnHand: 1_000_000}), "")
	}
	for h.n < events {
		h.step()
	}
	return h
}

func sku(i int) string  { return fmt.Sprintf("SKU-%04d", i) }
func user(i int) string { return fmt.Sprintf("usr_%016x", uint64(i)*0x9E3779B97F4A7C15) }

// send decides a command and appends what it decided.
func send[S, C, E any](h *history, all map[string]*track[S], d decider.Decider[S, C, E], id string, c C, fingerprint string) {
	tr := all[id]
	if tr == nil {
		tr = &track[S]{}
		all[id] = tr
	}
	events, err := d.Decide(tr.state, c)
	if err != nil {
		return // a rule forbids it: a history has none of that
	}
	for _, e := range events {
		name, version, data, err := h.types.Encode(e)
		if err != nil {
			h.t.Fatal(err)
		}
		stream := eventlog.Stream{Category: d.Category, ID: id}
		at, err := h.log.Append(h.t.Context(), eventlog.Change{Stream: stream, Expected: tr.Position, Events: []eventlog.Envelope{{
			Stream: stream, Number: tr.Number + 1, Type: name, Version: version, Data: data,
			Meta: eventlog.Meta{Command: fmt.Sprintf("cmd_%016x_%d", h.dice.Uint64(), h.n), Fingerprint: fingerprint, Time: h.at,
				Actor: eventlog.Actor{Kind: eventlog.Agent, User: id, Client: "cli_0123456789", Grant: "grt_0123456789"}},
		}}})
		if err != nil {
			h.t.Fatal(err)
		}
		tr.state = d.Evolve(tr.state, e)
		tr.Version = decider.Version{Number: tr.Number + 1, Position: at}
		h.n++
	}
}

// step adds about one event.
func (h *history) step() {
	h.at = h.at.Add(time.Second)
	who := user(h.dice.IntN(h.users))
	what := sku(h.dice.IntN(h.skus))
	switch dice := h.dice.IntN(100); {
	case dice < 70:
		h.shop(who, what)
	case dice < 85:
		held := h.stocks[what].state.Reserved
		if len(held) > 20 || len(held) > 0 && h.dice.IntN(2) == 0 {
			for r := range held {
				if h.dice.IntN(4) == 0 {
					send(h, h.stocks, stock.Decider(), what, stock.Command(stock.Release{Reservation: r, Reason: "expired"}), "")
				} else {
					send(h, h.stocks, stock.Decider(), what, stock.Command(stock.Commit{Reservation: r}), "")
				}
				break
			}
		} else {
			send(h, h.stocks, stock.Decider(), what, stock.Command(stock.Reserve{Reservation: fmt.Sprintf("CS-%010d/1", h.n), Quantity: 1, Until: h.at.Add(time.Hour)}), "")
		}
	case dice < 95:
		h.order(who)
	default:
		h.token(who)
	}
}

func (h *history) shop(who, what string) {
	c := h.carts[who]
	item := cart.Item{SKU: what, Product: what[4:], Handle: "thing-" + what[4:], Title: "Thing " + what[4:], Price: money.Of(499, "USD")}
	var cmd cart.Command = cart.Add{Item: item, Quantity: 1 + h.dice.IntN(3)}
	if c != nil && len(c.state.Lines) > 3 {
		line := c.state.Lines[h.dice.IntN(len(c.state.Lines))]
		switch h.dice.IntN(6) {
		case 0, 1:
			cmd = cart.SetQuantity{SKU: line.SKU, Quantity: 1 + line.Quantity%20}
		case 2, 3:
			cmd = cart.Remove{SKU: line.SKU}
		case 4:
			cmd = cart.Clear{}
		}
	}
	send(h, h.carts, cart.Decider(), who, cmd, "")
}

func (h *history) order(who string) {
	c := h.carts[who]
	if len(h.open) > 50 || c == nil || len(c.state.Lines) == 0 {
		if len(h.open) == 0 {
			return
		}
		id := h.open[0]
		o := h.orders[id]
		switch o.state.Status {
		case order.Started:
			send(h, h.orders, order.Decider(), id, order.Command(order.RequestPayment{Attempt: 1}), "")
		case order.Paying:
			send(h, h.orders, order.Decider(), id, order.Command(order.Place{Attempt: 1, Payment: "pay_" + id, At: h.at}), "")
		default:
			h.open = h.open[1:]
		}
		return
	}
	id := fmt.Sprintf("CS-%010d", h.n)
	send(h, h.orders, order.Decider(), id, order.Command(order.Start{ID: id, User: who, Quote: "q_" + id, CartVersion: c.Number,
		Lines: c.state.Lines, Total: c.state.Total(), Method: "tok_visa", At: h.at}), "fingerprint-of-the-order")
	h.open = append(h.open, id)
	if len(h.open) > 1 {
		h.open[0], h.open[len(h.open)-1] = h.open[len(h.open)-1], h.open[0]
	}
}

func (h *history) token(who string) {
	id := fmt.Sprintf("grt_%d", h.dice.IntN(h.users))
	hash := func() grant.Hash {
		return grant.Hash(fmt.Sprintf("%016x%016x%011x", h.dice.Uint64(), h.dice.Uint64(), h.n))
	}
	pair := grant.Pair{Access: hash(), Expires: h.at.Add(time.Hour), Refresh: hash(), At: h.at}
	g := h.grants[id]
	var cmd grant.Command
	switch {
	case g == nil:
		cmd = grant.Authorize{ID: id, User: who, Client: "cli_0123456789", ClientName: "Claude", Resource: "http://127.0.0.1:8000/mcp",
			Redirect: "http://127.0.0.1:3334/callback", Scopes: grant.Shopping(), Challenge: "challenge", Code: hash(),
			CodeExpires: h.at.Add(24 * 365 * time.Hour), Until: h.at.Add(24 * 365 * time.Hour), At: h.at}
	case !g.state.Redeemed:
		cmd = grant.Redeem{Code: g.state.Code, Client: g.state.Client, Challenge: "challenge", Pair: pair}
	case h.dice.IntN(20) == 0:
		cmd = grant.Revoke{Reason: grant.ByUser, At: h.at}
	case len(g.state.Refresh) > 0:
		cmd = grant.Renew{Presented: g.state.Refresh[len(g.state.Refresh)-1].Hash, Ours: true, Client: g.state.Client, Pair: pair}
	default:
		return
	}
	send(h, h.grants, grant.Decider(), id, cmd, "")
}
