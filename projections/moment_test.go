package projections_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/money"
	"till/domain/order"
	"till/projections"
)

// asOf folds a person's cart from the log itself, up to a position.
func (s *shop) asOf(ctx context.Context, user string, at eventlog.Position) (state cart.State, v decider.Version, err error) {
	for e, err := range s.log.Read(ctx, eventlog.Stream{Category: cart.Category, ID: user}) {
		if err != nil || e.Position > at {
			return state, v, err
		}
		event, err := s.types.Decode(e)
		if err != nil {
			return state, v, err
		}
		state = cart.Evolve(state, event.(cart.Event))
		v = decider.Version{Number: e.Number, Position: e.Position}
	}
	return state, v, nil
}

// While carts change at full speed, every reader stays at one moment: whatever
// it reads, and in whatever order, is what the log said at its position.
func TestAReaderStaysAtOneMoment(t *testing.T) {
	s := newShop(t)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	item := cart.Item{SKU: "MOUSE", Title: "Mouse", Price: money.Of(499, "USD")}
	const users, changes, readers = 4, 150, 4
	var writing, reading sync.WaitGroup
	for u := range users {
		writing.Go(func() {
			who := fmt.Sprint("user", u)
			for i := range changes {
				var cmd cart.Command = cart.Add{Item: item, Quantity: 1}
				if i%7 == 6 {
					cmd = cart.Clear{}
				}
				out, err := s.process.Carts.Do(ctx, who, cmd, eventlog.Meta{Command: fmt.Sprint(who, "-", i)})
				if err != nil {
					t.Error(err)
					return
				}
				// Whoever writes reads what was written.
				err = s.views.Read(ctx, out.Position, func(r *projections.Reader) error {
					got, v, err := r.Cart(ctx, who)
					if err == nil && (v != out.Version || !reflect.DeepEqual(got, out.State)) {
						t.Errorf("%s wrote %+v %+v and read %+v %+v", who, out.State, out.Version, got, v)
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	for range readers {
		reading.Go(func() {
			last := eventlog.Position(0)
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				err := s.views.Read(ctx, 0, func(r *projections.Reader) error {
					if r.At() < last {
						t.Errorf("read at %d after %d", r.At(), last)
					}
					last = r.At()
					for u := range users {
						who := fmt.Sprint("user", (u+i)%users)
						got, v, err := r.Cart(ctx, who)
						if err != nil {
							return err
						}
						want, at, err := s.asOf(ctx, who, r.At())
						if err != nil {
							return err
						}
						if v != at || !reflect.DeepEqual(got, want) {
							t.Errorf("at %d %s's cart is %+v %+v, the log says %+v %+v", r.At(), who, got, v, want, at)
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
}

// The same for what is kept in memory of histories and names: while orders are
// placed and a product changes its handle, a reader sees the orders that the log
// held at its position, and the name that the product had then.
func TestWhatIsKeptInMemoryIsOfTheMoment(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	done := make(chan struct{})
	var reading sync.WaitGroup
	for range 3 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := s.views.Read(ctx, 0, s.agreesWithTheLog(ctx)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 60 {
		at := s.place(t, fmt.Sprint("user", i%3), fmt.Sprint("CS-", i))
		if i%5 == 0 {
			p := mouse()
			p.Handle = fmt.Sprint("mouse-", i)
			at = do(s, s.products, p.ID, catalog.Command(catalog.Offer{Product: p}))
		}
		if err := s.views.Read(ctx, at, s.agreesWithTheLog(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	reading.Wait()
}

// agreesWithTheLog compares histories and the mouse's handle with the log as it
// was at the reader's position.
func (s *shop) agreesWithTheLog(ctx context.Context) func(*projections.Reader) error {
	return func(r *projections.Reader) error {
		got := map[string][]string{}
		for u := range 3 {
			who := fmt.Sprint("user", u)
			page, err := r.Orders(ctx, projections.OrderQuery{User: who, Limit: 50})
			if err != nil {
				return err
			}
			for _, o := range page.Orders {
				got[who] = append(got[who], o.ID)
			}
			if page.Total != len(got[who]) {
				s.t.Errorf("at %d %s has %d orders, the total is %d", r.At(), who, len(got[who]), page.Total)
			}
		}
		l, _, ok, err := r.Product(ctx, "mouse-catnip")
		if err != nil || !ok {
			return fmt.Errorf("the mouse is gone: %w", err)
		}
		// An error may only say that the reading begins anew.
		if _, _, ok, err := r.Product(ctx, l.Handle); err != nil {
			return err
		} else if !ok {
			s.t.Errorf("at %d no product is named %s", r.At(), l.Handle)
		}

		want, started, handle := map[string][]string{}, map[string]string{}, ""
		for batch, err := range s.log.Follow(ctx, 0, int(r.At())) {
			if err != nil {
				return err
			}
			for _, e := range batch {
				event, err := s.types.Decode(e)
				if err != nil {
					return err
				}
				switch event := event.(type) {
				case order.CheckoutStarted:
					started[event.ID] = event.User
				case order.OrderPlaced:
					who := started[e.Stream.ID]
					want[who] = append([]string{e.Stream.ID}, want[who]...)
				case catalog.ProductAdded:
					handle = event.Product.Handle
				case catalog.ProductChanged:
					handle = event.Product.Handle
				}
			}
			break
		}
		if !reflect.DeepEqual(got, want) || l.Handle != handle {
			s.t.Errorf("at %d: orders %v and handle %s, the log says %v and %s", r.At(), got, l.Handle, want, handle)
		}
		return nil
	}
}

func TestWait(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 1)
	head, _ := s.log.Head(t.Context())

	if err := s.views.Wait(t.Context(), head); err != nil {
		t.Errorf("for what is there: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.views.Wait(short, head+1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("for what never comes: %v", err)
	}

	// Many wait for different positions; each returns once its own is there.
	var waiting sync.WaitGroup
	for i := range 50 {
		waiting.Go(func() {
			at := head + eventlog.Position(1+i%5)
			if err := s.views.Wait(t.Context(), at); err != nil {
				t.Error(err)
			}
			if got := s.views.Position(); got < at {
				t.Errorf("woken for %d at %d", at, got)
			}
		})
	}
	for range 5 {
		s.add("alice", "MOUSE-CATNIP", 1)
	}
	waiting.Wait()

	// Closing wakes whoever is left.
	left := make(chan error, 1)
	go func() { left <- s.views.Wait(context.Background(), head+1000) }()
	time.Sleep(time.Millisecond)
	if err := s.views.Close(); err != nil {
		t.Error(err)
	}
	if err := <-left; !errors.Is(err, projections.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := s.views.Read(t.Context(), 0, func(*projections.Reader) error { return nil }); !errors.Is(err, projections.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	if err := s.views.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestStats(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 1)
	s.add("alice", "MOUSE-CATNIP", 1)
	stats, err := s.views.Stats(t.Context())
	if err != nil || !stats.Ready || stats.Building || stats.Lag() != 0 || stats.Position != 3 || stats.Rows["carts"] != 1 || stats.Rows["products"] != 1 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestOpenWantsAFolder(t *testing.T) {
	if _, err := projections.Open(t.Context(), projections.Options{Dir: t.TempDir() + "/nowhere"}); err == nil {
		t.Error("views without a folder")
	}
}

// More readers than connections take turns.
func TestManyReaders(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 10)
	at := s.add("alice", "MOUSE-CATNIP", 3)
	var reading sync.WaitGroup
	for range 200 {
		reading.Go(func() {
			err := s.views.Read(t.Context(), at, func(r *projections.Reader) error {
				_, err := r.Products(t.Context(), projections.ProductQuery{Text: "mouse"})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	reading.Wait()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.views.Read(gone, at+1, func(*projections.Reader) error { t.Error("read for nobody"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("read for nobody: %v", err)
	}
}
