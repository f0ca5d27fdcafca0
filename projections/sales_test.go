package projections_test

import (
	"slices"
	"testing"

	"till/domain/order"
	"till/projections"
)

// TestBestsellersAreWhatPeopleKept: what was cancelled or sent back was not sold.
func TestBestsellersAreWhatPeopleKept(t *testing.T) {
	s := newShop(t)
	s.sell(mouse(), 100)
	s.sell(collar(), 100)
	buy := func(user, sku string, n int) string {
		s.add(user, sku, n)
		return s.buy(user).Order.ID
	}
	best := func() (titles []string) {
		t.Helper()
		head, err := s.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = s.views.Read(t.Context(), head, func(r *projections.Reader) error {
			page, err := r.Products(t.Context(), projections.ProductQuery{Sort: projections.BestSelling, Limit: 2})
			titles = nil
			for _, p := range page.Products {
				titles = append(titles, p.Title)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return titles
	}
	called, sent := buy("usr_1", "MOUSE-CATNIP", 5), buy("usr_2", "MOUSE-CATNIP", 4)
	buy("usr_3", "COLLAR-RED", 2)
	mice, collars := []string{"Catnip Mouse", "Breakaway Collar"}, []string{"Breakaway Collar", "Catnip Mouse"}
	if got := best(); !slices.Equal(got, mice) {
		t.Fatalf("nine mice and two collars are sold as %q", got)
	}
	do(s, s.process.Orders, called, order.Command(order.Cancel{By: order.ByBuyer, At: s.now}))
	if got := best(); !slices.Equal(got, mice) {
		t.Errorf("four mice and two collars are sold as %q", got)
	}
	do(s, s.process.Orders, sent, order.Command(order.Dispatch{Carrier: "Post", Tracking: "1", At: s.now}))
	do(s, s.process.Orders, sent, order.Command(order.RequestReturn{Return: "RT-1", Pieces: []order.Pieces{{SKU: "MOUSE-CATNIP", Quantity: 3}}, At: s.now}))
	do(s, s.process.Orders, sent, order.Command(order.ApproveReturn{Return: "RT-1", At: s.now}))
	if got := best(); !slices.Equal(got, mice) {
		t.Errorf("with three mice on their way back they are sold as %q", got)
	}
	do(s, s.process.Orders, sent, order.Command(order.ReceiveReturn{Return: "RT-1", At: s.now}))
	if got := best(); !slices.Equal(got, collars) {
		t.Errorf("one mouse and two collars are sold as %q", got)
	}
}
