package grant

// Redo returns the command that made the event of a grant in state s, so that
// it can be decided again on another state. Not checked again is what only the
// client's own words could show: its verifier, its redirect address and resource
// (they are taken to fit, as they did), and for a grant that was ended because a
// code or token was misused, the misuse. A token that the other state has never
// issued is unknown there: it could not have been presented.
func Redo(s State, e Event) Command {
	switch e := e.(type) {
	case Authorized:
		return Authorize(e)
	case TokensIssued:
		pair := Pair{Access: e.Access, Expires: e.Expires, Refresh: e.Refresh, At: e.At}
		if e.From == 0 {
			return Redeem{Code: s.Code, Client: s.Client, Challenge: s.Challenge, Pair: pair}
		}
		c := Renew{Client: s.Client, Scopes: e.Scopes, Leeway: e.FromUntil.Sub(e.At), Pair: pair}
		for _, r := range s.Refresh {
			if r.Generation == e.From {
				c.Presented = r.Hash
			}
		}
		return c
	case Revoked:
		return Revoke(e)
	}
	panic("grant: an event without a command")
}
