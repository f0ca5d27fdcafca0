package cmd

import (
	"context"
	"fmt"
	"strings"

	"till/domain/eventlog"
	"till/domain/order"
)

// eventFilter chooses events; its zero value is all of them.
type eventFilter struct {
	// User is a login name or a user id; it matches what the user did and what
	// happened to what is the user's.
	User string `json:"user,omitempty"`
	// Stream is a category ("cart") or one stream ("cart/usr_1").
	Stream string `json:"stream,omitempty"`
	// Type is an event type ("cart.item_added") or its beginning ("cart.").
	Type   string            `json:"type,omitempty"`
	After  eventlog.Position `json:"after,omitempty"`
	Follow bool              `json:"follow,omitempty"`
}

// listed is an event as it is listed for people.
type listed struct {
	eventlog.Envelope
	// Who is the acting user's login name, if there is one.
	Who string `json:"who,omitempty"`
}

// askEvents hands out the log's events that fit the filter, oldest first; with
// follow it goes on until ctx ends.
var askEvents = question[eventFilter, listed]{"events", (*App).events}

func (a *App) events(ctx context.Context, f eventFilter, out reply[listed]) error {
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
			if err := out.item(listed{e, a.name(ctx, names, e.Actor.User)}); err != nil {
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
