//go:build !race

package projections_test

// How many orders a person pages through, and how many products a list.
const (
	many         = 10_000
	manyProducts = 3_000
	manyMarkets  = 3

	// How many events are damaged, lie in the trail, and how often is rebuilt.
	manyDamaged  = 6_000
	manyTrailed  = 40_000
	manyRebuilds = 12
)
