//go:build !race

package projections_test

// How many orders a person pages through, and how many products a list.
const (
	many         = 10_000
	manyProducts = 3_000
	manyMarkets  = 3
)
