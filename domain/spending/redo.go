package spending

// Redo returns the command that made the event, so that it can be decided again
// on another state.
func Redo(_ State, e Event) Command {
	switch e := e.(type) {
	case RulesSet:
		return SetRules(e)
	case Reserved:
		return Reserve(e)
	case Released:
		return Release{e.Reservation, e.Reason}
	case ApprovalRequested:
		return Ask(e)
	case Approved:
		return Approve{e.Purchase, e.At}
	case Denied:
		return Deny{e.Purchase, e.At}
	}
	panic("spending: an event without a command")
}
