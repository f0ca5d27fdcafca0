package promotion

// Redo returns the command that made the event, so that it can be decided again
// on another state.
func Redo(_ State, e Event) Command {
	switch e := e.(type) {
	case Created:
		return Create(e)
	case Ended:
		return End(e)
	case Redeemed:
		return Redeem(e)
	case RedemptionReversed:
		return Reverse(e)
	}
	panic("promotion: an event without a command")
}
