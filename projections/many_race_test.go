//go:build race

package projections_test

// The race detector makes the views' file some fifteen times slower, and sees as
// much in fewer.
const (
	many         = 1_000
	manyProducts = 300
	manyMarkets  = 1

	manyDamaged  = 1_500
	manyTrailed  = 17_000
	manyRebuilds = 4
)
