package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"till/cmd"
)

// record is all that stands on a shop's log, read with the program's own
// command and counted up by rules of its own: none of the shop's code is in it.
type record struct {
	head    int
	streams map[string][]written
	// claims are the carts that an order holds, orders the purchases.
	claims map[string]string
	orders map[string]*purchase
	stocks map[string]*shelf
	// limits are the agents with limits by their people, and what counts for each.
	limits map[string]*limited
	// codes are the discount codes, and who uses them.
	codes map[string]*promised
	// tokens counts what was issued by hash, revoked the ends of grants.
	tokens, revoked map[string]int
	// editions are the catalogues that each product was brought in with.
	editions map[string]map[int]bool
}

// written is an event as the log has it.
type written struct {
	Position, Number           int
	Stream                     struct{ Category, ID string }
	Type, Command, Fingerprint string
	Data                       struct {
		Order, User, Client, Reservation, Access, Payment, Key, SKU string
		Method, Reason, Return, For, Reference                      string
		Quantity, Attempt                                           int
		Sellable                                                    bool
		OnHand                                                      int             `json:"on_hand"`
		Lines, Product                                              json.RawMessage // of several kinds
		Items                                                       []json.RawMessage
		Refresh                                                     any // a hash, or whether a client takes such tokens
		Refund                                                      any // which one, or how much
		Total, Amount                                               struct{ Amount int }
		Terms                                                       struct {
			Limit     int
			PerPerson int `json:"per_person"`
		}
		Discount struct {
			Code   string
			Amount struct{ Amount int }
		}
	}
}

// purchase is what the log says of one order.
type purchase struct {
	user, client   string
	code           string // of its discount
	method         string // of payment, of the last attempt
	status         string
	attempt, total int
	lines          map[string]int
	placed, taken  int
	payment        string
	since          afterwards
}

func (p *purchase) pieces() (n int) {
	for _, q := range p.lines {
		n += q
	}
	return n
}

// read reads the log of a folder, beside its shop or without, and reports each
// event that does not follow from those before it.
func read(t testing.TB, dir string) *record {
	t.Helper()
	var out, errs strings.Builder
	if code := cmd.Main([]string{"events", "--json", "--data", dir}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("till events exits %d: %s", code, &errs)
	}
	r := &record{
		streams: map[string][]written{}, claims: map[string]string{}, orders: map[string]*purchase{}, stocks: map[string]*shelf{},
		limits: map[string]*limited{}, codes: map[string]*promised{}, tokens: map[string]int{}, revoked: map[string]int{}, editions: map[string]map[int]bool{},
	}
	done, faults := map[string]written{}, 0
	for in := json.NewDecoder(strings.NewReader(out.String())); in.More(); {
		var e written
		if err := in.Decode(&e); err != nil {
			t.Fatal(err)
		}
		name := e.Stream.Category + "/" + e.Stream.ID
		wrong := func(format string, args ...any) {
			t.Helper()
			t.Errorf("event %d, %s no. %d of %s: %s", e.Position, e.Type, e.Number, name, fmt.Sprintf(format, args...))
			if faults++; faults == 20 {
				t.Fatal("there may be more")
			}
		}
		if e.Position != r.head+1 {
			wrong("it follows event %d", r.head)
		}
		if e.Number != len(r.streams[name])+1 {
			wrong("%d events of its stream stand before it", len(r.streams[name]))
		}
		// One command makes one event of a kind on a stream; one that can be sent
		// again makes one event in all.
		intent := e.Command + "\x00" + name + "\x00" + e.Type
		if e.Type == "order.refunded" || e.Type == "order.refund_refused" {
			intent += fmt.Sprint("\x00", e.Data.Refund) // one command may end all that are due
		}
		if e.Fingerprint != "" {
			intent = e.Command
		}
		if before, twice := done[intent]; twice {
			wrong("command %s has made event %d already", e.Command, before.Position)
		}
		done[intent] = e
		if why := r.follow(e); why != "" {
			wrong("%s", why)
		}
		r.head = e.Position
		r.streams[name] = append(r.streams[name], e)
	}
	return r
}

// follow takes an event in and says what is wrong with it.
func (r *record) follow(e written) string {
	id, d := e.Stream.ID, e.Data
	switch e.Stream.Category {
	case "order":
		return r.ordered(e)
	case "stock":
		return r.moved(e)
	case "spending":
		return r.counted(e)
	case "promotion":
		return r.redeemed(e)
	case "cart":
		switch e.Type {
		case "cart.checkout_claimed":
			if by := r.claims[id]; by != "" {
				return "order " + by + " holds the cart"
			}
			r.claims[id] = d.Order
		case "cart.checkout_released":
			if r.claims[id] != d.Order {
				return "it was held by order " + r.claims[id]
			}
			delete(r.claims, id)
		case "cart.checked_out":
			o := r.orders[d.Order]
			if o == nil || o.status != "order.placed" || o.user != id {
				return "order " + d.Order + " is not a placed one of this person"
			}
			if o.taken++; o.taken > 1 {
				return "the lines of order " + d.Order + " have left the cart before"
			}
			if r.claims[id] == d.Order {
				delete(r.claims, id)
			}
		}
	case "grant":
		if r.revoked[id] > 0 {
			return "the grant has been revoked"
		}
		switch e.Type {
		case "grant.tokens_issued":
			r.tokens[d.Access]++
			r.tokens[fmt.Sprint(d.Refresh)]++
		case "grant.revoked":
			r.revoked[id]++
		}
	case "product":
		var n int
		var product struct{ Title string }
		if err := json.Unmarshal(d.Product, &product); err != nil {
			return "it names no product"
		}
		if _, err := fmt.Sscanf(product.Title, "Thing no. %d", &n); err == nil {
			if r.editions[id] == nil {
				r.editions[id] = map[int]bool{}
			}
			if r.editions[id][n] {
				return "this edition was brought before"
			}
			r.editions[id][n] = true
		}
	}
	return ""
}

// ordered follows a purchase: one attempt after the other, and nothing once it
// is placed.
func (r *record) ordered(e written) string {
	o, d := r.orders[e.Stream.ID], e.Data
	if o == nil {
		o = &purchase{user: d.User, client: d.Client, code: d.Discount.Code, method: d.Method, attempt: 1, lines: map[string]int{}, since: afterwards{
			returns: map[string]*comeback{}, refunds: map[string]*payback{}, restocked: map[string]int{},
		}}
		r.orders[e.Stream.ID] = o
		var lines []struct {
			SKU      string
			Quantity int
			Price    struct{ Amount int }
		}
		if err := json.Unmarshal(d.Lines, &lines); err != nil || e.Type != "order.checkout_started" {
			return "the order does not begin with its lines"
		}
		cost := 0
		for _, l := range lines {
			o.lines[l.SKU] += l.Quantity
			cost += l.Quantity * l.Price.Amount
		}
		o.status = e.Type
		if less := d.Discount.Amount.Amount; cost-less != d.Total.Amount || less < 0 {
			return fmt.Sprintf("the lines cost %d, the discount is %d and the total %d", cost, less, d.Total.Amount)
		}
		return ""
	}
	if why, later := o.goesOn(e); later {
		return why
	}
	var before []string
	switch e.Type {
	case "order.checkout_joined":
		return "" // changes nothing
	case "order.checkout_retried":
		before = []string{"order.payment_declined", "order.checkout_failed"}
		o.attempt++
		o.client, o.method = d.Client, d.Method
	case "order.payment_requested":
		before = []string{"order.checkout_started", "order.checkout_retried"}
		if want := fmt.Sprintf("%s-%d", e.Stream.ID, o.attempt); d.Key != want {
			return "the payment's key is " + d.Key + " and not " + want
		}
		if l := r.limits[o.user]; l != nil && l.client == o.client {
			if counts := l.counts[fmt.Sprintf("%s/%d", e.Stream.ID, o.attempt)]; counts != d.Amount.Amount {
				return fmt.Sprintf("%d count against the agent's limits, %d are asked for", counts, d.Amount.Amount)
			}
		}
		if !r.uses(e.Stream.ID, o) {
			return "it is to be paid and does not use its code " + o.code
		}
		// What makes one order of two quotes of one cart.
		if by := r.claims[o.user]; by != e.Stream.ID {
			return "it is to be paid and does not hold the cart, which is held by order " + by
		}
	case "order.payment_pending":
		before = []string{"order.payment_requested"}
	case "order.payment_declined", "order.placed":
		before = []string{"order.payment_requested", "order.payment_pending"}
	case "order.checkout_failed":
		before = []string{"order.checkout_started", "order.checkout_retried"}
	}
	if !slices.Contains(before, o.status) || d.Attempt != o.attempt {
		return fmt.Sprintf("attempt %d stood at %s, no. %d", o.attempt, o.status, d.Attempt)
	}
	o.status = e.Type
	if e.Type == "order.placed" {
		o.placed++
		o.payment, o.total = d.Payment, d.Total.Amount
	}
	return ""
}

// open is what a shop must still bring to an end; nil once nothing is left.
func (r *record) open() (left []string) {
	for id, o := range r.orders {
		switch {
		case o.status == "order.placed" && o.taken == 0:
			left = append(left, "the lines of order "+id+" are still in the cart")
		case o.status != "order.placed" && o.status != "order.payment_declined" && o.status != "order.checkout_failed":
			left = append(left, "order "+id+" stands at "+o.status)
		}
		left = append(left, o.owing(id)...)
	}
	for user, l := range r.limits {
		for by := range l.counts {
			if o := r.orders[orderOf(by)]; o.status != "order.placed" {
				left = append(left, "order "+by+" counts against the limits of "+user)
			}
		}
	}
	left = append(left, r.dangling()...)
	for id, by := range r.claims {
		left = append(left, "order "+by+" holds the cart of "+id)
	}
	for sku, s := range r.stocks {
		for by, n := range s.reserved {
			left = append(left, fmt.Sprintf("%d of %s are reserved for %s", n, sku, by))
		}
	}
	slices.Sort(left)
	return left
}

// settled checks a record of which nothing is open: what left the stock is what
// stands in orders, each order is paid once, and counts where there are limits.
func (r *record) settled(t testing.TB) {
	t.Helper()
	for user, l := range r.limits {
		spent, counts := 0, 0
		for _, o := range r.orders {
			if o.placed > 0 && !o.undone() && o.user == user && o.client == l.client {
				spent += o.total
			}
		}
		for _, n := range l.counts {
			counts += n
		}
		if spent != counts {
			t.Errorf("%s's agent has spent %d, and %d count", user, spent, counts)
		}
	}
	r.kept(t)
	r.cameBack(t)
	sold, paid := map[string]int{}, map[string]string{}
	for id, o := range r.orders {
		if o.placed == 0 {
			continue
		}
		for sku, n := range o.lines {
			sold[sku] += n
		}
		if other := paid[o.payment]; other != "" || o.payment == "" {
			t.Errorf("orders %s and %s are paid by one payment %q", id, other, o.payment)
		}
		paid[o.payment] = id
	}
	left := map[string]int{}
	for sku, s := range r.stocks {
		if s.sold > 0 {
			left[sku] = s.sold
		}
	}
	if !maps.Equal(sold, left) {
		t.Errorf("%v left the stock, %v stand in orders", left, sold)
	}
}
