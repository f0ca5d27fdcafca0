package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/domain/order"
	"till/domain/spending"
)

// eventFilter chooses events; its zero value is all of them.
type eventFilter struct {
	// User is a login name or a user id; it matches what the user did and what
	// happened to what is the user's.
	User string `json:"user,omitempty"`
	// Stream is a category ("cart") or one stream ("cart/usr_1").
	Stream string `json:"stream,omitempty"`
	// Type is an event type ("cart.item_added") or its beginning ("cart.").
	Type    string `json:"type,omitempty"`
	Client  string `json:"client,omitempty"`
	Grant   string `json:"grant,omitempty"`
	Command string `json:"command,omitempty"`
	Request string `json:"request,omitempty"`
	// Security chooses what happened at the shop's door.
	Security bool `json:"security,omitempty"`
	// From and To are moments; what happened at them is within.
	From  string            `json:"from,omitempty"`
	To    string            `json:"to,omitempty"`
	After eventlog.Position `json:"after,omitempty"`
	// Last leaves only so many, the newest; 0 is all.
	Last   int  `json:"last,omitempty"`
	Follow bool `json:"follow,omitempty"`
}

// maxLast bounds how many events are held until the oldest of them is known.
const maxLast = 10_000

// selection is a filter on the log of an open shop.
type selection struct {
	*App
	filter eventFilter
	// keys are what the views' trail leads to; without any, the log is read.
	keys []history.Key
	// The events stand after the one position and up to the other.
	after, to eventlog.Position
}

// choose looks up what the filter names.
func (a *App) choose(ctx context.Context, f eventFilter) (selection, error) {
	s := selection{App: a, filter: f}
	switch {
	case f.Last < 0 || f.Last > maxLast:
		return s, fmt.Errorf("--last takes 1 to %d", maxLast)
	case f.Follow && f.To != "":
		return s, errors.New("--follow has no end; leave out --to")
	}
	user, err := a.userID(ctx, f.User)
	if err != nil {
		return s, err
	}
	s.key(history.User, user)
	s.key(history.Client, f.Client)
	s.key(history.Grant, f.Grant)
	s.key(history.Command, f.Command)
	s.key(history.Request, f.Request)
	if category, id, ok := strings.Cut(f.Stream, "/"); ok {
		switch category {
		case cart.Category, account.Category:
			s.key(history.User, id)
		case order.Category:
			s.key(history.Order, id)
		case grant.Category:
			s.key(history.Grant, id)
		case client.Category:
			s.key(history.Client, id)
		}
	}
	now := time.Now()
	from, err := eventlog.ParseMoment(f.From, now)
	if err != nil {
		return s, err
	}
	to, err := eventlog.ParseMoment(f.To, now)
	if err != nil {
		return s, err
	}
	if s.to, err = to.On(ctx, a.log); err != nil {
		return s, err
	}
	s.after = f.After
	if f.From != "" {
		since, err := from.Since(ctx, a.log)
		if err != nil {
			return s, err
		}
		if s.after = max(f.After, since); f.To != "" && since > s.to {
			return s, fmt.Errorf("%w: --from lies after --to", eventlog.ErrMoment)
		}
	}
	return s, nil
}

func (s *selection) key(kind history.Kind, id string) {
	if id != "" {
		s.keys = append(s.keys, history.Key{Kind: kind, ID: id})
	}
}

// fits is whether the event is one that the filter describes, as far as the
// event itself tells. Ids of commands and requests may be chosen by whoever
// sends them; the trail knows their hashes, here they are compared.
func (f eventFilter) fits(e eventlog.Envelope) bool {
	switch {
	case f.Security && !atTheDoor(e.Stream.Category):
		return false
	case f.Stream != "" && f.Stream != e.Stream.Category && f.Stream != e.Stream.String():
		return false
	case f.Type != "" && f.Type != e.Type && (!strings.HasSuffix(f.Type, ".") || !strings.HasPrefix(e.Type, f.Type)):
		return false
	case f.Command != "" && f.Command != e.Command, f.Request != "" && f.Request != e.Correlation:
		return false
	}
	return true
}

// atTheDoor is whether streams of the category say who may come in.
func atTheDoor(category string) bool {
	switch category {
	case account.Category, session.Category, grant.Category, client.Category, spending.Category:
		return true
	}
	return false
}
