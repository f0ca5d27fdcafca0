package aftersale_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"till/domain/aftersale"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/order"
	"till/domain/stock"
)

// Two machines on one log: one cancels, one sends. Exactly one of them wins, and
// what the winner did is all that follows.
func TestCancelAgainstDispatch(t *testing.T) {
	for round := range 20 {
		log, charges := memlog.New("e"), new(memlog.Bucket)
		s := start(t, log, charges)
		for _, sku := range []string{"MOUSE", "BED"} {
			if _, err := s.buys.Stocks.Do(t.Context(), sku, stock.Count{OnHand: 10}, eventlog.Meta{}); err != nil {
				t.Fatal(err)
			}
		}
		id := s.bought("pm_card_visa")
		here, there := start(t, log, charges), start(t, log, charges)
		var cancelled, sent error
		var wg sync.WaitGroup
		wg.Go(func() {
			_, cancelled = here.Cancel(context.Background(), id, "", order.ByBuyer, eventlog.Meta{Command: "a"})
		})
		wg.Go(func() {
			_, sent = there.Dispatch(context.Background(), id, order.Dispatch{Carrier: "c", Tracking: "1"}, eventlog.Meta{Command: "b"})
		})
		wg.Wait()
		o := start(t, log, charges).order(id)
		var unfit *order.Unfit
		if (cancelled == nil) == (sent == nil) || !errors.As(errors.Join(cancelled, sent), &unfit) {
			t.Fatalf("round %d: cancelled %v, sent %v", round, cancelled, sent)
		}
		if onHand := s.onHand("MOUSE"); (o.Cancellation != nil) != (cancelled == nil) || (o.Shipment != nil) != (sent == nil) || (onHand == 10) != (cancelled == nil) {
			t.Fatalf("round %d: %d mice, %+v", round, onHand, o)
		}
	}
}

// Many callers on two machines cancel one order: one refund, one restock.
func TestManyCancelOneOrder(t *testing.T) {
	log, charges := memlog.New("e"), new(memlog.Bucket)
	s := start(t, log, charges)
	for _, sku := range []string{"MOUSE", "BED"} {
		if _, err := s.buys.Stocks.Do(t.Context(), sku, stock.Count{OnHand: 10}, eventlog.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	id := s.bought("pm_card_visa")
	machines := []*shop{start(t, log, charges), start(t, log, charges)}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			m := machines[i%2]
			res, err := m.Cancel(context.Background(), id, "", order.ByBuyer, eventlog.Meta{Command: fmt.Sprint("key:", i), Fingerprint: "f"})
			if err != nil || res.Order.Stage() != order.StageCancelled {
				t.Errorf("%d: %+v, %v", i, res, err)
			}
		})
	}
	wg.Wait()
	o := s.settled(id)
	if len(o.Refunds) != 1 || o.PaidBack() != o.Total || s.onHand("MOUSE") != 10 || s.onHand("BED") != 10 || s.uses() != 0 || s.spent().Minor != 0 {
		t.Errorf("the order is %+v, %d mice, %d uses, %s spent", o, s.onHand("MOUSE"), s.uses(), s.spent())
	}
	if keys, _ := charges.Keys(t.Context()); len(keys) != 2 {
		t.Errorf("the gateway was asked under %v", keys)
	}
}

// What the gateway does not say stays open, and is asked again under the same key;
// the pieces are for sale meanwhile, and the limits hold until the money is back.
func TestASilentGateway(t *testing.T) {
	s := newShop(t)
	id := s.bought("pm_card_visa")
	s.gateway.err = errors.New("connection reset")
	res, err := s.Cancel(t.Context(), id, "", order.ByBuyer, buyer)
	if err != nil || !errors.Is(res.Late, aftersale.ErrPending) || res.Order.Stage() != order.StageCancelled {
		t.Fatalf("cancelled: %+v, %v", res, err)
	}
	if done, err := s.Settle(t.Context(), id, eventlog.Meta{}); done || err != nil {
		t.Errorf("settled %v, %v", done, err)
	}
	if s.onHand("MOUSE") != 10 || s.spent().Minor != 3897 || s.uses() != 1 {
		t.Errorf("%d mice, %s spent, %d uses", s.onHand("MOUSE"), s.spent(), s.uses())
	}
	s.gateway.err = nil
	if o := s.settled(id); o.PaidBack() != o.Total || s.spent().Minor != 0 || s.uses() != 0 {
		t.Errorf("the order is %+v", o)
	}
	if _, paid := s.gateway.paid[id+"-refund-cancel"]; !paid || len(s.gateway.paid) != 1 {
		t.Errorf("paid back under %v", s.gateway.paid)
	}
}

// TestARefusedRefundIsPaidOtherwise, and only then is what the cancelled order had
// used up given back: the code's use, and what its agent may spend.
func TestARefusedRefundIsPaidOtherwise(t *testing.T) {
	s := newShop(t)
	id := s.bought("tok_refund_fail")
	res, err := s.Cancel(t.Context(), id, "", order.ByBuyer, buyer)
	if err != nil || res.Late != nil || res.Order.Refunds[0].Status != order.Refused {
		t.Fatalf("cancelled: %+v, %v", res, err)
	}
	if s.spent().Minor != 3897 || s.uses() != 1 {
		t.Errorf("%s spent, %d uses, and nothing is paid back", s.spent(), s.uses())
	}
	for range 2 { // said again it changes nothing
		res, err = s.PaidOtherwise(t.Context(), id, order.ForCancel, "bank transfer 7", eventlog.Meta{})
		if err != nil || res.Order.PaidBack() != res.Order.Total {
			t.Fatalf("paid otherwise: %+v, %v", res, err)
		}
		if s.spent().Minor != 0 || s.uses() != 0 {
			t.Errorf("%s spent, %d uses", s.spent(), s.uses())
		}
	}
}

// The time for returns is that of the policy in force when the goods arrived.
func TestThePolicyOfTheDay(t *testing.T) {
	s := newShop(t)
	s.ReturnDays = 14
	id := s.bought("pm_card_visa")
	if _, err := s.Dispatch(t.Context(), id, order.Dispatch{Carrier: "c", Tracking: "1"}, eventlog.Meta{}); err != nil {
		t.Fatal(err)
	}
	res, err := s.Deliver(t.Context(), id, 0, eventlog.Meta{})
	if err != nil || !res.Order.ReturnsUntil.Equal(s.now.AddDate(0, 0, 14)) {
		t.Fatalf("%+v, %v", res, err)
	}
	s.ReturnDays, s.now = 1, s.now.Add(13*24*time.Hour)
	ret, _, err := s.RequestReturn(t.Context(), id, aftersale.ReturnRequest{}, buyer)
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(30 * 24 * time.Hour)
	// A retry of what was asked for in time is answered with it, however late.
	again, res, err := s.RequestReturn(t.Context(), id, aftersale.ReturnRequest{}, buyer)
	if err != nil || again != ret || !res.Replayed {
		t.Errorf("again: %s, %+v, %v", again, res, err)
	}
}
