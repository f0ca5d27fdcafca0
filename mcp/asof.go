package mcp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"till/domain/eventlog"
	"till/domain/grant"
	"till/projections"
)

// asOf is the argument of tools that can be asked about the past.
var asOf = argument{name: "as_of", kind: text, most: 40, about: "A past moment.", example: "-15m"}

// How many past moments a person may have folded: each may keep a core busy for
// seconds. Some at once, to compare a few, then one in ten seconds. Moments that
// are at hand cost nothing and are not counted.
const (
	replaysAtOnce    = 5
	replaysPerSecond = 0.1
)

// onward stands between a page's cursor and the position at which the page was
// read, where that was in the past; no cursor of the views holds it.
const onward = "@"

// turn finds out which moment the call is about. A page of the past goes on at
// its own moment, whatever as_of says now: an age would name a later one.
func (c *call) turn(ctx context.Context) error {
	i := slices.IndexFunc(c.args, func(a argument) bool { return a.name == asOf.name })
	if i < 0 {
		return nil
	}
	when := c.by[i].text
	if j := slices.IndexFunc(c.args, func(a argument) bool { return a.name == "cursor" }); j >= 0 {
		if cursor, at, past := strings.Cut(c.by[j].text, onward); past {
			c.by[j].text, when = cursor, at
			if _, err := strconv.ParseUint(at, 10, 63); err != nil {
				return projections.ErrCursor
			}
		}
	}
	moment, err := eventlog.ParseMoment(when, c.Now())
	if err == nil && moment.IsNow() {
		return nil
	}
	var at eventlog.Position
	if err == nil {
		at, err = moment.On(ctx, c.Log)
	}
	if errors.Is(err, eventlog.ErrMoment) {
		why := strings.TrimPrefix(err.Error(), eventlog.ErrMoment.Error()+": ")
		return &problem{Code: "invalid_argument", Field: asOf.name, Example: asOf.sample(),
			Message: "as_of must be a moment of the past: " + why + "."}
	}
	c.asked = &at
	return err
}

// goesOn is the cursor of the next page, which goes on at the same moment.
func (c *call) goesOn(cursor string) string {
	if cursor == "" || c.asked == nil {
		return cursor
	}
	return fmt.Sprint(cursor, onward, uint64(*c.asked))
}

// reading calls a function with a reader of views that include the position.
type reading func(ctx context.Context, at eventlog.Position, fn func(*projections.Reader) error) error

// read calls fn with a reader of the moment that the call is about.
func (c *call) read(ctx context.Context, fn func(*projections.Reader) error) error {
	return c.readFrom(ctx, 0, fn)
}

// readFrom is read for a call that must see what it has just written.
func (c *call) readFrom(ctx context.Context, at eventlog.Position, fn func(*projections.Reader) error) error {
	noting := func(r *projections.Reader) error {
		err := fn(r)
		c.at = r.At()
		return err
	}
	switch {
	case c.reading != nil:
		return c.reading(ctx, at, noting)
	case c.asked != nil:
		return c.readPast(ctx, *c.asked, noting)
	}
	return c.Views.Read(ctx, at, noting)
}

// readPast reads the views as they stood at the position. While they still stand
// there nothing needs to be replayed.
func (c *call) readPast(ctx context.Context, at eventlog.Position, fn func(*projections.Reader) error) error {
	if at >= c.Views.Position() {
		passed := false
		err := c.Views.Read(ctx, at, func(r *projections.Reader) error {
			if passed = r.At() > at; passed {
				return nil
			}
			return fn(r)
		})
		if err != nil || !passed {
			return err
		}
	}
	giveBack, err := c.mayReplay(at)
	if err != nil {
		return err
	}
	for {
		err := c.Moments.Read(ctx, at, fn)
		var other *projections.Replaying
		if !errors.As(err, &other) || other.At == at {
			return err
		}
		// Another moment is being folded, which is often a matter of a blink:
		// agents ask several things at once.
		select {
		case <-time.After(blink):
		case <-ctx.Done():
			giveBack() // this one was not begun
			return err
		}
	}
}

// blink is how long a moment waits before it asks again whether its turn has come.
const blink = 20 * time.Millisecond

// mayReplay counts a moment that has to be folded, and refuses the person who
// had too many. Who runs the shop is not counted.
func (c *call) mayReplay(at eventlog.Position) (giveBack func(), err error) {
	if grant.Covers(c.caller.Scopes, grant.ShopAdmin) || c.Moments.Has(at) {
		return func() {}, nil
	}
	now := c.Now()
	taken := c.replays.of(c.caller.User, now).ReserveN(now, 1)
	if wait := taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
		return nil, &problem{Code: "rate_limited", Retryable: true, Field: asOf.name,
			Message: fmt.Sprintf("Too many moments of the past were asked for. Send the same call again in %d seconds, or leave as_of out for the present.", int(math.Ceil(wait.Seconds())))}
	}
	return func() { taken.CancelAt(now) }, nil
}

// replaying is a moment of the past that is not at hand yet.
func replaying(r *projections.Replaying) *problem {
	done := 0
	if r.At > 0 {
		done = int(100 * r.Done / r.At)
	}
	return &problem{Code: "replaying", Retryable: true, Field: asOf.name,
		Message: fmt.Sprintf("The shop is replaying its history up to log position %d and has reached %d %%. Send the same call again with the same as_of in a few seconds.", r.At, done)}
}
