package stock

// Redo returns the command that made the event, so that it can be decided
// again on another state. A first count is done again as a count and not as an
// opening: the event does not say which it was, and somebody did count.
func Redo(_ State, e Event) Command {
	switch e := e.(type) {
	case Counted:
		return Count(e)
	case Reserved:
		return Reserve(e)
	case Released:
		return Release{e.Reservation, e.Reason}
	case Committed:
		return Commit{e.Reservation}
	case Restocked:
		return Restock(e)
	}
	panic("stock: an event without a command")
}
