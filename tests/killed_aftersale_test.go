package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// parcel is an order that goes off: whose it is and what is in it.
type parcel struct {
	order, token string
	lines        []any
}

// onward decides what becomes of an order that a buyer has just placed: it is called
// off, it goes off, or both are tried at once.
func (b *buyer) onward(out said) {
	order := out.text("order_id")
	way := b.random.IntN(3)
	if way != 0 {
		lines, _ := out.at("lines").([]any)
		select {
		case b.parcels <- parcel{order, b.token, lines}:
		default: // the depot has enough to do
			way = 0
		}
	}
	if way == 1 {
		return
	}
	b.cancelling = args{"order_id": order, "reason": "no longer needed"}
	if b.random.IntN(2) == 0 {
		b.cancelling["idempotency_key"] = b.key()
	}
}

// unready are answers after which the same is asked again.
var unready = []string{"busy", "shop_unavailable", "rate_limited", "http_503", "http_429"}

// cancel calls the order off, with the same call until it is answered.
func (b *buyer) cancel() error {
	order := b.cancelling["order_id"].(string)
	out, err := b.tool(b.token, "cancel_order", b.cancelling)
	if err != nil {
		b.cutAfter.Add(1)
		return err
	}
	switch code := out.code(); {
	case code == "order_not_cancelable":
		b.stands("late cancellations", order, "order.dispatched", "")
	case slices.Contains(unready, code):
		time.Sleep(10 * time.Millisecond)
		return nil
	case code != "" || out.text("status") != "cancelled":
		b.wrong("cancel_order %v: %s %s", b.cancelling, code, out.Text)
	default:
		b.stands("cancellations", order, "order.cancelled", "")
		if b.random.IntN(3) == 0 {
			again, err := b.tool(b.token, "cancel_order", b.cancelling)
			if replayed, _ := again.at("replayed").(bool); err == nil && (!replayed || again.text("status") != "cancelled") {
				b.wrong("cancelled and asked for again with %v: %d %s", b.cancelling, again.status, again.Text)
			}
			b.cancelling = nil
			return err
		}
	}
	b.cancelling = nil
	return nil
}

// stands notes that the shop has said that something became of an order, of a return
// of it if that is named.
func (s *stream) stands(kind, order, event, ret string) {
	s.acknowledge(kind, func(l *record) string {
		n := 0
		for _, e := range l.streams["order/"+order] {
			if e.Type == event && e.Data.Return == ret {
				n++
			}
		}
		return unless(n == 1, fmt.Sprintf("%s %s of order %s once (there %d times)", event, ret, order, n))
	})
}

// depot sends orders off, says that they have arrived, and takes back what the buyers
// then ask to send back: one parcel after the other, each step until it is answered.
type depot struct {
	*stream
	random *rand.Rand
	dir    string
	parcel parcel
	// step is the next one; empty when there is no parcel.
	step string
	keys int
	// asking is the buyer's call, ret what it led to.
	asking   args
	ret      string
	sellable bool
}

// steps are what the depot says, with what stands on the log then and how it is
// counted.
var steps = map[string]struct{ event, kind string }{
	"dispatch": {"order.dispatched", "dispatches"}, "deliver": {"order.delivered", "deliveries"}, "approve": {"order.return_approved", "approvals"},
	"reject": {"order.return_rejected", "rejections"}, "receive": {"order.return_received", "receipts"},
}

func (d *depot) act() error {
	switch d.step {
	case "":
		select {
		case d.parcel = <-d.parcels:
			d.step = "dispatch"
		case <-time.After(10 * time.Millisecond):
		}
		return nil
	case "ask":
		return d.ask()
	}
	refused, err := stepOver(d.dir, args{
		"order": d.parcel.order, "step": d.step, "return": d.ret, "carrier": "Cat Express", "tracking": d.parcel.order, "reason": "worn", "sellable": d.sellable,
	})
	switch {
	case err != nil:
		d.cutAfter.Add(1)
		return err
	case d.step == "dispatch" && strings.Contains(refused, "is cancelled"):
		d.stands("late dispatches", d.parcel.order, "order.cancelled", "")
		d.step = ""
		return nil
	case refused != "":
		d.wrong("%s of order %s: %s", d.step, d.parcel.order, refused)
		d.step = ""
		return nil
	}
	d.stands(steps[d.step].kind, d.parcel.order, steps[d.step].event, d.ret)
	switch d.step {
	case "dispatch":
		d.step = []string{"deliver", "ask"}[min(1, d.random.IntN(4))]
		d.asks()
	case "deliver":
		d.step = "ask"
	case "approve":
		d.step = "receive"
		d.sellable = d.random.IntN(3) > 0
	default: // a part has come back, or was not to; perhaps there is more
		d.ret, d.step = "", []string{"ask", ""}[d.random.IntN(2)]
		d.asks()
	}
	return nil
}

// asks makes up the buyer's mind what to send back.
func (d *depot) asks() {
	d.ret, d.asking = "", args{"order_id": d.parcel.order, "reason": "too small"}
	if d.random.IntN(2) == 0 && len(d.parcel.lines) > 0 {
		l := said{answer: answer{Data: d.parcel.lines[d.random.IntN(len(d.parcel.lines))].(map[string]any)}}
		d.asking["items"] = fmt.Sprintf("%s×%d", l.text("sku"), 1+d.random.IntN(1+l.number("quantity"))) // or one too many
	}
	if d.random.IntN(2) == 0 {
		d.keys++
		d.asking["idempotency_key"] = fmt.Sprintf("returns-%s-%d", d.parcel.order, d.keys)
	}
}

// ask is the buyer's wish to send something back.
func (d *depot) ask() error {
	out, err := d.tool(d.parcel.token, "request_return", d.asking)
	if err != nil {
		d.cutAfter.Add(1)
		return err
	}
	switch code := out.code(); {
	case code == "":
		d.ret = out.text("return_id")
		d.stands("return requests", d.parcel.order, "order.return_requested", d.ret)
		d.step = []string{"reject", "approve"}[min(1, d.random.IntN(4))]
	case slices.Contains(unready, code):
		time.Sleep(10 * time.Millisecond)
	case code == "nothing_to_return" || code == "return_quantity_exceeded": // the last return left less
		d.step = ""
	default:
		d.wrong("request_return %v: %s %s", d.asking, code, out.Text)
		d.step = ""
	}
	return nil
}

// stepOver takes a step on an order in the shop that runs on the folder, as `till
// order` does beside one, but never in the folder itself. A refusal is no error: its
// sentence is returned.
func stepOver(dir string, step args) (refused string, err error) {
	question, err := json.Marshal(step)
	if err != nil {
		return "", err
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "till.sock"))
	}}}
	resp, err := c.Post("http://till/order-step", "application/json", bytes.NewReader(question))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errGone, err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errGone, err)
	}
	lines := bytes.Split(bytes.TrimSpace(all), []byte("\n"))
	var last struct {
		End   bool
		Error string
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || !last.End {
		return "", fmt.Errorf("%w: the step was broken off", errGone)
	}
	return last.Error, nil
}
