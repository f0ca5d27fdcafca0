package cart_test

import (
	"testing"

	"till/domain/cart"
	"till/domain/decider/story"
)

func TestAClaimIsRedone(t *testing.T) {
	s := cart.Decider().Fold(added("MOUSE", 2), added("BED", 1))
	story.Redone[cart.State, cart.Command, cart.Event](t, cart.Decider(), cart.Redo, s, cart.CheckoutClaimed{Order: "CS-1"}, cart.CheckoutReleased{Order: "CS-1"})
}
