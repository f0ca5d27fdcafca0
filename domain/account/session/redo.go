package session

// Redo returns the command that made the event, so that it can be decided
// again on another state.
func Redo(_ State, e Event) Command {
	switch e := e.(type) {
	case Started:
		return Start(e)
	case Ended:
		return End(e)
	}
	panic("session: an event without a command")
}
