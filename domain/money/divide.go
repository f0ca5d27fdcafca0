package money

import (
	"cmp"
	"math/bits"
	"slices"
)

// Divide divides so many minor units in proportion to the weights, by largest
// remainder: the parts add up to them exactly, and what has no weight gets nothing.
// None of the numbers is negative, and at least one weight is above zero.
func Divide(amount int64, weights []int64) []int64 {
	var sum uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	parts, rest, order := make([]int64, len(weights)), make([]uint64, len(weights)), make([]int, len(weights))
	left := amount
	for i, w := range weights {
		high, low := bits.Mul64(uint64(amount), uint64(w)) // more than 64 bits hold
		part, over := bits.Div64(high, low, sum)
		parts[i], rest[i], order[i] = int64(part), over, i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:left] { // less than one is left over of each
		parts[i]++
	}
	return parts
}
