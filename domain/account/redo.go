package account

// Redo returns the command that made the event, so that it can be decided
// again on another state.
func Redo(s State, e Event) Command {
	switch e := e.(type) {
	case Opened:
		return Open(e)
	case PasswordChanged:
		return ChangePassword(e)
	case Disabled:
		return Disable(e)
	case Enabled:
		return Enable(e)
	case Forgotten:
		return Forget(e)
	case LoginsRefused:
		return Suspect(e)
	case Linked:
		return Link(e)
	case Unlinked:
		return Unlink(e)
	case PasskeyAdded:
		return AddPasskey{ID: e.ID, Credential: s.Credential, After: s.PasskeyChanges, At: e.At}
	case PasskeyRemoved:
		return RemovePasskey(e)
	}
	panic("account: an event without a command")
}
