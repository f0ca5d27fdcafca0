//go:build race

package tests

// The race detector makes a shop some ten times slower, and sees as much in fewer.
const (
	manyKills    = 5
	manyEvents   = 6_000
	manyThings   = 500
	manyRebuilds = 2
	manyBuyers   = 30

	// Those that rebuild and replay what a running shop writes; in the others one
	// command follows the other.
	scenarios = "re*"
)
