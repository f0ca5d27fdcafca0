//go:build !race

package tests

// How often what repeats itself is tried, and with how much.
const (
	manyKills    = 20
	manyEvents   = 30_000
	manyThings   = 1_500
	manyRebuilds = 5
	manyBuyers   = 100

	scenarios = "*"
)
