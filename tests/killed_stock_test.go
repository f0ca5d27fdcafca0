package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"till/cmd"
)

// shelf is what the log says of one SKU.
type shelf struct {
	onHand, sold, back int
	reserved           map[string]int
}

func (s *shelf) free() int {
	n := s.onHand
	for _, q := range s.reserved {
		n -= q
	}
	return n
}

// moved follows the pieces of one SKU, of which there are never fewer than none.
func (r *record) moved(e written) string {
	s, d := r.stocks[e.Stream.ID], e.Data
	if s == nil {
		s = &shelf{reserved: map[string]int{}}
		r.stocks[e.Stream.ID] = s
	}
	held, known := s.reserved[d.Reservation]
	order, _, _ := strings.Cut(d.Reservation, "/")
	switch e.Type {
	case "stock.counted":
		s.onHand = d.OnHand
	case "stock.reserved":
		if known || r.orders[order] == nil {
			return "reserved twice, or for no order"
		}
		s.reserved[d.Reservation] = d.Quantity
	case "stock.released", "stock.committed":
		if !known || held != d.Quantity {
			return fmt.Sprintf("%d were reserved", held)
		}
		delete(s.reserved, d.Reservation)
		if e.Type == "stock.committed" {
			if o := r.orders[order]; o.status != "order.placed" || d.Reservation != fmt.Sprintf("%s/%d", order, o.attempt) {
				return "the order is not placed by this attempt"
			}
			s.sold += d.Quantity
			s.onHand -= d.Quantity
		}
	case "stock.restocked":
		if why := r.restocked(e); why != "" {
			return why
		}
		s.back += d.Quantity
		s.onHand += d.Quantity
	}
	if s.free() < 0 || s.onHand < 0 {
		return fmt.Sprintf("%d on hand, %d of them free", s.onHand, s.free())
	}
	return ""
}

// shelved checks that the running shop has just so many pieces of each SKU as were
// counted last, less those sold and with those put back since.
func (r *record) shelved(t testing.TB, dir string) {
	t.Helper()
	sold, back := 0, 0
	for sku, s := range r.stocks {
		var out, errs strings.Builder
		if code := cmd.Main([]string{"show", "stock", sku, "--json", "--data", dir}, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("till show stock %s exits %d: %s", sku, code, &errs)
		}
		var shown struct {
			State struct {
				OnHand int `json:"on_hand"`
			}
		}
		if err := json.Unmarshal([]byte(out.String()), &shown); err != nil {
			t.Fatalf("till show stock %s: %v: %s", sku, err, &out)
		}
		if shown.State.OnHand != s.onHand {
			t.Errorf("the shop has %d of %s, by the log it must have %d", shown.State.OnHand, sku, s.onHand)
		}
		sold, back = sold+s.sold, back+s.back
	}
	t.Logf("%d pieces were sold, %d of them put back", sold, back)
}
