package mcp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"till/domain/eventlog"
	"till/projections"
)

// Replayed names an answer that is to be given again.
type Replayed struct {
	// User is the person whom it was given to.
	User string
	// View is "cart" for what view_cart answered, "orders" for get_order_history.
	View string
	// Limit and Cursor are the history's, 0 and empty for its first page.
	Limit  int
	Cursor string
	// Currency is the shop's.
	Currency string
	// Now is the time of the reader's moment.
	Now time.Time
}

// Views are the views that can be replayed.
func Views() []string { return []string{"cart", "orders"} }

// ErrView: a view that cannot be replayed.
var ErrView = errors.New("mcp: the view is cart or orders")

// Replay returns what the tool answered at the reader's moment: the text for
// people, and the content. Both are made by the tool itself.
func Replay(ctx context.Context, r *projections.Reader, q Replayed) (text string, content any, err error) {
	s := &Server{Config: Config{Shop: Shop{Currency: q.Currency, Now: func() time.Time { return q.Now }}}}
	c := &call{
		Server: s, caller: Caller{User: q.User},
		reading: func(_ context.Context, _ eventlog.Position, fn func(*projections.Reader) error) error { return fn(r) },
	}
	a, err := c.replay(ctx, q)
	if err != nil {
		return "", nil, err
	}
	a.body.include(c.at)
	return a.say, a.body, nil
}

// replay answers as the tool of the view does, to the call's caller.
func (c *call) replay(ctx context.Context, q Replayed) (answer, error) {
	of, given := viewCart, map[string]any{}
	switch q.View {
	case "cart":
		c.tool = "view_cart"
	case "orders":
		c.tool, of = "get_order_history", orderHistory
		if q.Limit != 0 {
			given["limit"] = q.Limit
		}
		given["cursor"] = q.Cursor
	default:
		return answer{}, fmt.Errorf("%w, not %q", ErrView, q.View)
	}
	var err error
	for _, t := range c.tools() {
		if t.name == c.tool {
			c.values, err = decode(t.args, encode(given), c.Currency)
		}
	}
	if err != nil {
		return answer{}, err
	}
	return of(ctx, c)
}
