package cmd

import (
	"context"
	"fmt"
	"strings"

	"till/domain/eventlog"
)

// askEvents hands out the log's events that fit the filter, oldest first; with
// follow it goes on until ctx ends.
var askEvents = question[eventFilter, listed]{"events", (*App).events}

func (a *App) events(ctx context.Context, f eventFilter, out reply[listed]) error {
	s, err := a.choose(ctx, f)
	if err != nil {
		return err
	}
	names := map[string]string{}
	say := func(e eventlog.Envelope) error {
		return out.item(a.listed(ctx, names, e))
	}
	if f.Last > 0 {
		err = s.newest(ctx, f.Last, say)
	} else {
		err = s.between(ctx, s.after, s.to, say)
	}
	if err != nil || !f.Follow {
		return err
	}
	return s.follow(ctx, say)
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
