package mcp

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"till/domain/account"
	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/order"
	"till/projections"
)

// Bounds on a page of history, and on what is told of one event.
const (
	historyOf   = 20
	historyMax  = 50
	changesTold = 20
	stateTold   = 60
)

// historyPage is a part of an aggregate's history.
type historyPage struct {
	Kind   string     `json:"kind"`
	ID     string     `json:"id"`
	Total  int        `json:"total"`
	Events []happened `json:"events" about:"the oldest first"`
	// State is what the page's last event left.
	State      []string `json:"state,omitempty" about:"after the last of these events"`
	NextCursor string   `json:"next_cursor,omitempty"`
	NextSteps  []string `json:"next_steps"`
	included
}

// happened is an event in words, with who made it and by what.
type happened struct {
	Position uint64   `json:"position"`
	Number   uint64   `json:"number"`
	At       string   `json:"at"`
	Who      string   `json:"who"`
	What     string   `json:"what"`
	Changes  []string `json:"changes,omitempty"`
	Command  string   `json:"command,omitempty"`
	Cause    string   `json:"cause,omitempty"`
	Request  string   `json:"request,omitempty"`
	Grant    string   `json:"grant,omitempty"`
}

// happenedOf is an event in words. The ids in it may be of a client's choosing.
func (n names) happenedOf(ctx context.Context, e eventlog.Envelope, event any) happened {
	return happened{
		Position: uint64(e.Position), Number: e.Number, At: stamp(e.Time),
		Who: n.who(ctx, e.Actor), What: history.Sentence(event),
		Command: clip(e.Command, 100), Cause: clip(e.Causation, 100), Request: clip(e.Correlation, 64), Grant: clip(e.Actor.Grant, 64),
	}
}

// moved is an event with the states around it.
type moved struct {
	envelope      eventlog.Envelope
	event         any
	before, after any
	fault         error
}

// showHistory tells the latest events of one stream that the page has room for.
func showHistory(ctx context.Context, c *call) (answer, error) {
	s, err := c.stream(ctx)
	if err != nil {
		return answer{}, err
	}
	before := uint64(1 << 62)
	if cursor := c.text("cursor"); cursor != "" {
		if before, err = strconv.ParseUint(cursor, 10, 62); err != nil {
			return answer{}, projections.ErrCursor
		}
	}
	if c.at, err = c.until(ctx); err != nil {
		return answer{}, err
	}
	window, total, err := c.window(ctx, s, before, c.number("limit"))
	if err != nil {
		return answer{}, err
	}
	if total == 0 {
		return answer{}, &problem{Code: "no_history", Field: "id", NextTools: []string{"show_history"},
			Message: fmt.Sprintf("Up to log position %d nothing happened to %s.", c.at, quote(s.String()))}
	}
	page := &historyPage{Kind: s.Category, ID: s.ID, Total: total, Events: []happened{}}
	page.fill(ctx, c, window)
	if len(page.Events) > 0 && page.Events[0].Number > 1 {
		page.NextCursor = c.goesOn(fmt.Sprint(page.Events[0].Number))
		page.NextSteps = append(page.NextSteps, "call again with next_cursor for older events")
	}
	page.NextSteps = append(page.NextSteps, "call again with as_of set to a position for the state after it")
	var t strings.Builder
	fmt.Fprintf(&t, "%d of %s of %s, the oldest first.", len(page.Events), counted(total, "event"), s)
	for _, h := range page.Events[max(0, len(page.Events)-linesTold):] {
		fmt.Fprintf(&t, "\n%d  %s  %s %s", h.Position, h.At, h.Who, h.What)
	}
	return answer{t.String(), page}, nil
}

// stream is the one that is meant.
func (c *call) stream(ctx context.Context) (eventlog.Stream, error) {
	s := eventlog.Stream{Category: c.text("kind"), ID: c.text("id")}
	var err error
	switch s.Category {
	case cart.Category, account.Category:
		s.ID, err = c.person(ctx, s.ID, "id")
	case order.Category:
		s.ID = order.Spelling(s.ID)
	}
	return s, err
}

// until is the position up to which the log is told: the moment that was asked
// for, or that of the views, once they have reached it.
func (c *call) until(ctx context.Context) (eventlog.Position, error) {
	if c.asked == nil {
		return c.Views.Position(), nil
	}
	return *c.asked, c.Views.Wait(ctx, *c.asked)
}

// window folds the stream up to c.at and returns the last events, at most n,
// that come before the one with the number, and how many there are in all.
func (c *call) window(ctx context.Context, s eventlog.Stream, before uint64, n int) (last []moved, total int, err error) {
	fold := history.Folds()[s.Category]
	state := fold.Zero
	for e, err := range c.Log.Read(ctx, s) {
		if err != nil {
			return nil, 0, err
		}
		if e.Position > c.at {
			break
		}
		if total++; e.Number >= before {
			continue
		}
		m := moved{envelope: e, before: state}
		if m.event, err = c.Types.Decode(e); err != nil {
			return nil, 0, err
		}
		m.after, m.fault = folded(fold, state, m.event)
		state = m.after
		if last = append(last, m); len(last) > n {
			last[0] = moved{} // the states of a long stream are not kept
			last = last[1:]
		}
	}
	return last, total, nil
}

// folded is the state after the event. An event that no fold can take is what
// an administrator may be looking for: it leaves the state as it was.
func folded(f history.Fold, state, event any) (after any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			after, err = state, fmt.Errorf("this program cannot fold the event: %s", clip(fmt.Sprint(fault), 200))
		}
	}()
	if after, err = f.Evolve(state, event); err != nil {
		after = state
	}
	return after, err
}

// fill tells as many of the events as there is room for, the latest before all.
func (p *historyPage) fill(ctx context.Context, c *call, window []moved) {
	left, who := wholeRoom, c.names()
	if n := len(window); n > 0 {
		p.State = inWords(history.Diff(nil, window[n-1].after), stateTold)
		left.takes(len(encode(p.State)))
	}
	for i := len(window) - 1; i >= 0; i-- {
		m := window[i]
		h := who.happenedOf(ctx, m.envelope, m.event)
		if h.Changes = inWords(history.Diff(m.before, m.after), changesTold); m.fault != nil {
			h.Changes = []string{m.fault.Error()}
		}
		if !left.takes(len(encode(h))) && i < len(window)-1 {
			break
		}
		p.Events = append([]happened{h}, p.Events...)
	}
}

// inWords are changes in words, bounded.
func inWords(changes []history.Change, most int) []string {
	words := make([]string, 0, min(len(changes), most))
	for i, ch := range changes {
		if i == most {
			return append(words, fmt.Sprintf("and %d more", len(changes)-most))
		}
		words = append(words, clip(ch.String(), 240))
	}
	return words
}
