package order

import "till/domain/money"

// share is what of an order's total is one line's: each piece's part, and how many
// pieces have one minor unit more.
type share struct {
	each int64
	more int
}

// shares divides what was paid among the lines, in proportion to what each costs
// after its discount, and then among the pieces of each. The parts of all pieces add
// up to the total exactly.
func (s State) shares() []share {
	weights := make([]int64, len(s.Lines))
	var sum int64
	for i, l := range s.Lines {
		weights[i] = max(0, l.Subtotal().Minor-s.takenOff(l.SKU))
		sum += weights[i]
	}
	for i, l := range s.Lines {
		if sum == 0 { // nothing has a price: all pieces are alike
			weights[i] = int64(l.Quantity)
		}
	}
	parts := make([]share, len(s.Lines))
	for i, part := range money.Divide(s.Total.Minor, weights) {
		n := int64(s.Lines[i].Quantity)
		parts[i] = share{part / n, int(part % n)}
	}
	return parts
}

// takenOff is what the discount takes off a line.
func (s State) takenOff(sku string) (minor int64) {
	if s.Discount != nil {
		for _, l := range s.Discount.Lines {
			if l.SKU == sku {
				minor += l.Amount.Minor
			}
		}
	}
	return minor
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
