package catalog

// Redo returns the command that made the event, so that it can be decided
// again on another state.
func Redo(_ State, e Event) Command {
	switch e := e.(type) {
	case ProductAdded:
		return Offer(e)
	case ProductChanged:
		return Offer(e)
	case ProductWithdrawn:
		return Withdraw{}
	}
	panic("catalog: an event without a command")
}
