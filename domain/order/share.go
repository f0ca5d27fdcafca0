package order

import (
	"cmp"
	"math/bits"
	"slices"

	"till/domain/money"
)

// share is what of an order's total is one line's: each piece's part, and how many
// pieces have one minor unit more.
type share struct {
	each int64
	more int
}

// shares divides what was paid among the lines in proportion to their prices, by
// largest remainder: the parts of all pieces add up to the total exactly. A fee is so
// shared by every piece; what a discount took off each line stands in the order.
func (s State) shares() []share {
	if s.Discount != nil {
		return s.discounted()
	}
	var sum uint64
	for _, l := range s.Lines {
		sum += uint64(l.Price.Minor) * uint64(l.Quantity)
	}
	parts := make([]share, len(s.Lines))
	rest := make([]uint64, len(s.Lines))
	left := s.Total.Minor
	for i, l := range s.Lines {
		parts[i].each, rest[i] = part(s.Total.Minor, l.Price.Minor, sum, s.pieces())
		left -= parts[i].each * int64(l.Quantity)
	}
	order := make([]int, len(s.Lines))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	// Of each piece less than one unit is left over, so that one round will do.
	for _, i := range order {
		parts[i].more = int(min(left, int64(s.Lines[i].Quantity)))
		left -= int64(parts[i].more)
	}
	return parts
}

// discounted is what was paid for each line, divided among its pieces.
func (s State) discounted() []share {
	off := map[string]int64{}
	for _, l := range s.Discount.Lines {
		off[l.SKU] = l.Amount.Minor
	}
	parts := make([]share, len(s.Lines))
	for i, l := range s.Lines {
		paid := l.Subtotal().Minor - off[l.SKU]
		parts[i] = share{paid / int64(l.Quantity), int(paid % int64(l.Quantity))}
	}
	return parts
}

// part is a piece's part of the total, rounded down, and what that leaves over.
// Where nothing has a price, all pieces are alike.
func part(total, price int64, sum uint64, pieces int) (each int64, rest uint64) {
	weight := uint64(price)
	if sum == 0 {
		weight, sum = 1, uint64(pieces)
	}
	high, low := bits.Mul64(uint64(total), weight)
	quotient, rest := bits.Div64(high, low, sum)
	return int64(quotient), rest
}

func (s State) pieces() (n int) {
	for _, l := range s.Lines {
		n += l.Quantity
	}
	return n
}

// worth is what is paid back for so many more pieces of a line, after what its
// other returns hold: all pieces of a line, in whatever parts they go back, are
// worth the line's share.
func (s State) worth(line, quantity int) money.Amount {
	sh, sku := s.shares()[line], s.Lines[line].SKU
	more := int64(sh.more)
	for _, r := range s.Returns {
		if r.Status == Rejected {
			continue
		}
		for _, l := range r.Lines {
			if l.SKU == sku {
				more -= l.Amount.Minor - sh.each*int64(l.Quantity)
			}
		}
	}
	return money.Of(sh.each*int64(quantity)+max(0, min(more, int64(quantity))), s.Total.Currency)
}
