package money_test

import (
	"testing"

	"pgregory.net/rapid"

	"till/domain/money"
)

// The parts add up, none is further than one unit from its share, and what has no
// weight gets nothing, also where the product of amount and weight does not fit.
func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(0, money.Max).Draw(t, "amount")
		weights := rapid.SliceOfN(rapid.Int64Range(0, money.Max/50), 1, 50).Draw(t, "weights")
		weights[rapid.IntRange(0, len(weights)-1).Draw(t, "one")] = 1 + rapid.Int64Range(0, 1000).Draw(t, "weight")
		var sum float64
		for _, w := range weights {
			sum += float64(w)
		}
		left := amount
		for i, part := range money.Divide(amount, weights) {
			left -= part
			exact := float64(amount) * (float64(weights[i]) / sum)
			if off := float64(part) - exact; off < -1-exact/1e12 || off > 1+exact/1e12 || weights[i] == 0 && part != 0 {
				t.Fatalf("the part %d of weight %d is not %f", part, weights[i], exact)
			}
		}
		if left != 0 {
			t.Fatalf("%d are left over", left)
		}
	})
}
