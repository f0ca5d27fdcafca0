package authz

import (
	"context"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/grant"
)

// Views is what authz reads. Package projections implements it. Beside the two
// methods here it is the Source of the command handlers, asked for the streams
// of the categories grant, client, account, session and spending.
type Views interface {
	decider.Source

	// Grant returns a grant with the version that it includes, and false if
	// the views know none of that id. Every call with a token asks it, so it
	// must answer from memory in well under a microsecond. An error means that
	// the views cannot answer now, never that the grant does not exist.
	Grant(ctx context.Context, id string) (grant.State, decider.Version, bool, error)

	// GrantsOf returns the grants of a person that have not been revoked, the
	// newest first, at most 200.
	GrantsOf(ctx context.Context, user string) ([]grant.State, error)
}

// Barrier holds an answer back until a revocation has taken effect wherever
// tokens are checked.
type Barrier interface {
	// Applied returns when every live node includes the position, or an error
	// when that cannot be said within a short time.
	Applied(ctx context.Context, at eventlog.Position) error
}

// oneNode is the barrier of a shop on a single machine: its own views.
type oneNode struct{ views Views }

func (o oneNode) Applied(ctx context.Context, at eventlog.Position) error {
	return o.views.Wait(ctx, at)
}
