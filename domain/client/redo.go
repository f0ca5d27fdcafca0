package client

// Redo returns the command that made the event, so that it can be decided
// again on another state.
func Redo(_ State, e Event) Command {
	switch e := e.(type) {
	case Registered:
		return RegisterClient(e)
	}
	panic("client: an event without a command")
}
