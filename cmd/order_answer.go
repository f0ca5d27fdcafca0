package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"till/domain/aftersale"
	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/order"
)

// ordersMost is how many orders are listed at most.
const ordersMost = 1000

// listing asks for placed orders.
type listing struct {
	Stage order.Stage `json:"stage,omitempty"`
	Limit int         `json:"limit"`
}

// orderSeen is an order as the shop's keeper sees it.
type orderSeen struct {
	order.State
	Stage order.Stage `json:"stage"`
	// Buyer is the login name, or the id of somebody who was forgotten.
	Buyer string         `json:"buyer"`
	Story []history.Step `json:"story,omitempty"`
}

func (o orderSeen) pieces() (n int) {
	for _, l := range o.Lines {
		n += l.Quantity
	}
	return n
}

// orderStep is a step on an order.
type orderStep struct {
	Order     string `json:"order"`
	Step      string `json:"step"`
	Return    string `json:"return,omitempty"`
	Carrier   string `json:"carrier,omitempty"`
	Tracking  string `json:"tracking,omitempty"`
	URL       string `json:"url,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Reference string `json:"reference,omitempty"`
	Sellable  bool   `json:"sellable,omitempty"`
	Days      int    `json:"days,omitempty"`
}

// about is the return or the refund that the step is about, as the shop spells it.
func (q orderStep) about() string {
	name := strings.TrimSpace(q.Return)
	if q.Step == "cancel" || strings.EqualFold(name, order.ForCancel) {
		return order.ForCancel
	}
	return strings.ToUpper(name)
}

// stepped is the order after a step.
type stepped struct {
	Order   orderSeen `json:"order"`
	Already bool      `json:"already,omitempty"`
}

var (
	askOrders    = question[listing, orderSeen]{"orders", (*App).listOrders}
	askOrder     = question[string, orderSeen]{"order", (*App).showOrder}
	askOrderStep = question[orderStep, stepped]{"order-step", (*App).stepOrder}
)

func (a *App) listOrders(ctx context.Context, q listing, out reply[orderSeen]) error {
	found, err := a.views.PlacedOrders(ctx, q.Stage, min(q.Limit, ordersMost+1))
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, o := range found {
		if err := out.item(a.seen(ctx, names, o)); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) seen(ctx context.Context, names map[string]string, o order.State) orderSeen {
	s := orderSeen{State: o, Stage: o.Stage(), Buyer: a.name(ctx, names, o.User)}
	if s.Buyer == "" {
		s.Buyer = o.User
	}
	return s
}

func (a *App) showOrder(ctx context.Context, number string, out reply[orderSeen]) error {
	id, err := a.knownOrder(ctx, number)
	if err != nil {
		return err
	}
	var told []history.Step
	var o order.State
	for e, err := range a.log.Read(ctx, eventlog.Stream{Category: order.Category, ID: id}) {
		if err != nil {
			return err
		}
		event, err := a.types.Decode(e)
		if err != nil {
			return err
		}
		if happened, ok := event.(order.Event); ok {
			o = order.Evolve(o, happened)
		}
		told = append(told, history.Timeline([]eventlog.Envelope{e}, []any{event})...)
	}
	s := a.seen(ctx, map[string]string{}, o)
	s.Story = told
	return out.item(s)
}

// knownOrder is the id of an order that there is, in whatever spelling.
func (a *App) knownOrder(ctx context.Context, number string) (string, error) {
	id, err := a.orderID(ctx, strings.TrimSpace(number))
	if err != nil {
		return "", err
	}
	if o, _, err := a.checkout.Orders.State(ctx, id); err != nil || o.ID != "" {
		return id, err
	}
	return "", fmt.Errorf("there is no order %s; till order list shows them", short(number, 60))
}

func (a *App) stepOrder(ctx context.Context, q orderStep, out reply[stepped]) error {
	if err := q.check(); err != nil {
		return err
	}
	id, err := a.knownOrder(ctx, q.Order)
	if err != nil {
		return err
	}
	res, err := a.takeStep(ctx, id, q)
	if err != nil {
		return a.refusal(ctx, id, err)
	}
	if res.Late != nil && !errors.Is(res.Late, aftersale.ErrPending) {
		a.opt.Logger.Error("what follows from a step on an order is left to the shop", "order", id, "error", res.Late.Error())
	}
	if err := a.views.Wait(ctx, res.At); err != nil {
		return err
	}
	return out.item(stepped{a.seen(ctx, map[string]string{}, res.Order), res.Replayed})
}

func (a *App) takeStep(ctx context.Context, id string, q orderStep) (aftersale.Result, error) {
	meta := eventlog.Meta{
		Command: "cli:" + rand.Text(), Actor: eventlog.Actor{Kind: eventlog.Admin}, Causation: "cli:order " + q.Step, Time: time.Now().UTC(),
	}
	ret := q.about()
	switch q.Step {
	case "dispatch":
		return a.aftersale.Dispatch(ctx, id, order.Dispatch{Carrier: q.Carrier, Tracking: q.Tracking, URL: q.URL}, meta)
	case "deliver":
		return a.aftersale.Deliver(ctx, id, q.Days, meta)
	case "cancel":
		return a.aftersale.Cancel(ctx, id, q.Reason, order.ByShop, meta)
	case "approve":
		return a.aftersale.Approve(ctx, id, ret, meta)
	case "reject":
		return a.aftersale.Reject(ctx, id, ret, q.Reason, meta)
	case "receive":
		return a.aftersale.Receive(ctx, id, ret, q.Sellable, meta)
	case "refunded":
		return a.aftersale.PaidOtherwise(ctx, id, ret, q.Reference, meta)
	}
	return aftersale.Result{}, fmt.Errorf("this till knows no step %q on an order; restart the shop, it is another version", q.Step)
}

// maxReturnDays bounds the time for returns.
const maxReturnDays = 3650

// check refuses what cannot be stored, in a sentence.
func (q *orderStep) check() error {
	for _, text := range []struct {
		flag  string
		value *string
		most  int
	}{{"--carrier", &q.Carrier, 60}, {"--tracking", &q.Tracking, 100}, {"--url", &q.URL, 400}, {"--reason", &q.Reason, 300}, {"--reference", &q.Reference, 100}} {
		*text.value = strings.TrimSpace(*text.value)
		if utf8.RuneCountInString(*text.value) > text.most || !utf8.ValidString(*text.value) || strings.ContainsFunc(*text.value, unicode.IsControl) {
			return fmt.Errorf("%s takes one line of at most %d characters", text.flag, text.most)
		}
	}
	switch {
	case q.Step == "dispatch" && (q.Carrier == "" || q.Tracking == ""):
		return errors.New("name the carrier and its number: --carrier DHL --tracking 00340434")
	case (q.Step == "cancel" || q.Step == "reject") && q.Reason == "":
		return errors.New("give the buyer a reason: --reason \"it is sold out\"")
	case q.Step == "refunded" && q.Reference == "":
		return errors.New("say how it was paid: --reference \"bank transfer 4711\"")
	case q.Days < 0 || q.Days > maxReturnDays:
		return fmt.Errorf("--return-days is a number of days from 1 to %d", maxReturnDays)
	}
	if u, err := url.Parse(q.URL); q.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return fmt.Errorf("--url must be an address such as https://example.com/track/1, not %s", short(q.URL, 60))
	}
	return nil
}

// refusal says why a step is not possible, and what is.
func (a *App) refusal(ctx context.Context, id string, err error) error {
	var unfit *order.Unfit
	var answered *order.Answered
	switch {
	case errors.As(err, &unfit):
		return fmt.Errorf("order %s is %s, so it cannot be %s; till order show %s tells what can be done", id, unfit.Stage.Standing(), participle(unfit.Step), id)
	case errors.As(err, &answered) && answered.Status == order.Requested:
		return fmt.Errorf("return %s is not approved yet; till order return approve %s %s does so", answered.Return, id, answered.Return)
	case errors.As(err, &answered):
		return fmt.Errorf("return %s is %s, which stays; till order show %s tells all of it", answered.Return, answered.Status, id)
	case errors.Is(err, order.ErrNoReturn):
		o, _, failed := a.checkout.Orders.State(ctx, id)
		if failed != nil || len(o.Returns) == 0 {
			return fmt.Errorf("order %s has no returns", id)
		}
		ids := make([]string, len(o.Returns))
		for i, r := range o.Returns {
			ids[i] = r.ID
		}
		return fmt.Errorf("order %s has no such return; it has %s", id, strings.Join(ids, ", "))
	case errors.Is(err, order.ErrNoRefund):
		return fmt.Errorf("order %s has no refund of that name that the payment service refused; till order show %s tells its refunds", id, id)
	}
	return err
}

func participle(step string) string {
	switch step {
	case "dispatch":
		return "dispatched"
	case "deliver":
		return "delivered"
	case "cancel":
		return "cancelled"
	}
	return step
}
