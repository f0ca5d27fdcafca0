package projections

import (
	"context"

	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/grant"
)

// maxGrants is how many grants of one person are listed.
const maxGrants = 200

// newGrants is the view of what people have allowed their agents: the token
// store. Only hashes of tokens ever come here.
func newGrants() *grants {
	a := newAggregate("grants", grant.Decider(), 50_000,
		column[grant.State]{"user TEXT NOT NULL", func(_ string, s grant.State) any { return s.User }},
		column[grant.State]{"made INTEGER NOT NULL", func(_ string, s grant.State) any { return s.At.UnixMilli() }},
		column[grant.State]{"revoked INTEGER NOT NULL", func(_ string, s grant.State) any { return !s.Revoked.IsZero() }})
	a.indexes = []string{"CREATE INDEX grants_of ON grants (user, made DESC, id) WHERE revoked = 0"}
	return a
}

// Grant returns a grant with the version that it includes; ok is false if there
// is none of that id. It answers from memory (some hundred nanoseconds) for
// grants in use. An error means that the views cannot answer now.
func (v *Views) Grant(ctx context.Context, id string) (grant.State, decider.Version, bool, error) {
	state, version, err := v.State(ctx, eventlog.Stream{Category: grant.Category, ID: id})
	if err != nil || state == nil {
		return grant.State{}, decider.Version{}, false, err
	}
	return state.(grant.State), version, true, nil
}

// GrantsOf returns the grants of a person that have not been revoked, the
// newest first, at most 200.
func (v *Views) GrantsOf(ctx context.Context, user string) ([]grant.State, error) {
	var all []grant.State
	err := v.Read(ctx, 0, func(r *Reader) error {
		all = nil // it may be the second time
		var ids []string
		err := r.rows(ctx, "SELECT id FROM grants WHERE user = ? AND revoked = 0 ORDER BY made DESC, id LIMIT ?",
			[]any{user, maxGrants}, func(scan func(...any) error) error {
				var id string
				err := scan(&id)
				ids = append(ids, id)
				return err
			})
		if err != nil {
			return err
		}
		for _, id := range ids {
			g, _, err := get(r, r.store.grants, id)
			if err != nil {
				return err
			}
			all = append(all, g)
		}
		return nil
	})
	return all, err
}
