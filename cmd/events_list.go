package cmd

import (
	"context"
	"fmt"
	"strings"

	"till/domain/eventlog"
	"till/domain/order"
)

func position(n uint64) eventlog.Position { return eventlog.Position(n) }

// events implements control.
func (a *App) events(ctx context.Context, f eventFilter, each func(listed) error) error {
	user, err := a.userID(ctx, f.User)
	if err != nil {
		return err
	}
	head, err := a.log.Head(ctx)
	if err != nil {
		return err
	}
	if f.After >= head && !f.Follow {
		return nil
	}
	names := map[string]string{}
	for batch, err := range a.log.Follow(ctx, f.After, 1000) {
		if err != nil {
			return err
		}
		for _, e := range batch {
			if !f.fits(e) || (user != "" && !a.concerns(ctx, e, user)) {
				continue
			}
			if err := each(listed{e, a.name(ctx, names, e.Actor.User)}); err != nil {
				return err
			}
		}
		if !f.Follow && batch[len(batch)-1].Position >= head {
			return nil
		}
	}
	return nil
}

// concerns is whether the user did it, or it happened to what is theirs: an
// order may be finished by the shop itself.
func (a *App) concerns(ctx context.Context, e eventlog.Envelope, user string) bool {
	if e.Actor.User == user || e.Stream.ID == user {
		return true
	}
	if e.Stream.Category != order.Category {
		return false
	}
	state, _, err := a.views.State(ctx, e.Stream)
	o, ok := state.(order.State)
	return ok && err == nil && o.User == user
}

func (f eventFilter) fits(e eventlog.Envelope) bool {
	switch {
	case f.Stream != "" && f.Stream != e.Stream.Category && f.Stream != e.Stream.String():
		return false
	case f.Type != "" && f.Type != e.Type && (!strings.HasSuffix(f.Type, ".") || !strings.HasPrefix(e.Type, f.Type)):
		return false
	}
	return true
}

// userID is the id of a user given by id or login name.
func (a *App) userID(ctx context.Context, user string) (string, error) {
	if user == "" || strings.HasPrefix(user, "usr_") {
		return user, nil
	}
	id, err := a.authz.Accounts().Find(ctx, user)
	if err != nil {
		return "", fmt.Errorf("%s: %w", user, err)
	}
	return id, nil
}

// name is a user's login name, looked up once per listing; empty when it is
// unknown or erased.
func (a *App) name(ctx context.Context, known map[string]string, user string) string {
	if user == "" {
		return ""
	}
	name, ok := known[user]
	if !ok {
		// An event is listed whether or not its user still has a name.
		name, _ = a.authz.Accounts().Login(ctx, user)
		known[user] = name
	}
	return name
}
