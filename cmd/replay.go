package cmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"till/domain/eventlog"
	"till/domain/history"
	"till/mcp"
	"till/projections"
)

type replayCmd struct {
	dataFlag
	User string `required:"" help:"Whose views: login name or id." placeholder:"USER"`
	View string `help:"cart is what view_cart answered, orders what get_order_history did (default: both)." enum:"cart,orders," default:""`
	AsOf string `help:"The moment: a position (1234), a time (2026-11-20T10:00:00Z) or how long ago (-15m); default: now, with --step the beginning." placeholder:"MOMENT"`
	Step bool   `help:"Walk on from there, event by event of this user: Enter for the next, q to leave."`
	To   string `help:"Where the walk ends (default: now)." placeholder:"MOMENT"`
	JSON bool   `help:"One JSON object a line."`
}

type replayQuestion struct {
	User string `json:"user"`
	View string `json:"view,omitempty"`
	AsOf string `json:"as_of,omitempty"`
	Step bool   `json:"step,omitempty"`
	To   string `json:"to,omitempty"`
}

// replayed is what the views said at a position, after the event there in a walk.
type replayed struct {
	At    eventlog.Position `json:"at"`
	Event *listed           `json:"event,omitempty"`
	Views []answered        `json:"views"`
}

// answered is the answer of one tool.
type answered struct {
	View    string          `json:"view"`
	Text    string          `json:"text"`
	Content json.RawMessage `json:"content"`
}

var askReplay = question[replayQuestion, replayed]{"replay", (*App).replay}

func (a *App) replay(ctx context.Context, q replayQuestion, out reply[replayed]) error {
	user, err := a.userID(ctx, q.User)
	if err != nil {
		return err
	}
	if q.Step && q.AsOf == "" {
		q.AsOf = "0"
	}
	at, err := a.moment(ctx, q.AsOf)
	if err != nil {
		return err
	}
	tell := out.told(ctx)
	past, err := a.moments.Own(tell.ctx, at, tell.progress)
	if err != nil {
		return tell.or(err)
	}
	defer past.Close() // the folder of pasts is emptied in any case
	show := func(e *listed) error {
		r := replayed{At: past.At(), Event: e}
		now := time.Now()
		if at := past.At(); at > 0 {
			last, err := a.log.Get(ctx, at)
			if err != nil {
				return err
			}
			now = last.Time
		}
		for _, view := range mcp.Views() {
			if q.View != "" && view != q.View {
				continue
			}
			err := past.Read(ctx, func(reader *projections.Reader) error {
				text, content, err := mcp.Replay(ctx, reader, mcp.Replayed{User: user, View: view, Currency: currency, Now: now})
				if err != nil {
					return err
				}
				data, err := json.Marshal(content)
				r.Views = append(r.Views, answered{view, text, data})
				return err
			})
			if err != nil {
				return err
			}
		}
		return out.item(r)
	}
	if err := show(nil); err != nil || !q.Step {
		return err
	}
	return a.walk(ctx, q.To, user, past, show)
}

// walk goes on with the past from event to event that concerns the person. It
// is no faster than its answers are taken.
func (a *App) walk(ctx context.Context, until, user string, past *projections.Past, show func(*listed) error) error {
	to, err := a.moment(ctx, until)
	if err != nil {
		return err
	}
	positions, err := a.views.TrailBetween(ctx, history.Key{Kind: history.User, ID: user}, past.At(), to)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, at := range positions {
		e, err := a.log.Get(ctx, at)
		if err != nil {
			return err
		}
		if err := past.Advance(ctx, at, func(eventlog.Position, eventlog.Position) {}); err != nil {
			return err
		}
		l := a.listed(ctx, names, e)
		if err := show(&l); err != nil {
			return err
		}
	}
	return nil
}

// errLeft ends a walk that somebody has seen enough of.
var errLeft = errors.New("left")

func (c replayCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bar, keys, last := newBar(t.err, "events"), bufio.NewReader(io.LimitReader(t.in, 1<<20)), map[string]string{}
	err = askReplay.ask(ctx, shop, replayQuestion{c.User, c.View, c.AsOf, c.Step, c.To}, func(r replayed) error {
		bar.clear()
		if c.JSON {
			return json.NewEncoder(t.out).Encode(r)
		}
		if r.Event != nil {
			if err := next(t, keys); err != nil {
				return err
			}
		}
		return c.tell(t, r, last)
	}, bar.reach)
	bar.clear()
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// next waits for a person to ask for the next step; who is none gets them all.
func next(t terminal, keys *bufio.Reader) error {
	f, ok := t.in.(*os.File)
	if !ok || !isTerminal(f) {
		return nil
	}
	fmt.Fprint(t.err, "Enter: next event, q: leave ")
	line, err := keys.ReadString('\n')
	if err != nil || strings.HasPrefix(strings.TrimSpace(line), "q") {
		return errLeft
	}
	return nil
}

// tell prints what the views said; of a step only the views that it changed.
func (c replayCmd) tell(t terminal, r replayed, last map[string]string) error {
	if r.Event != nil {
		fmt.Fprintln(t.out, line(*r.Event))
	} else {
		fmt.Fprintf(t.out, "As of position %d:\n", r.At)
	}
	for _, v := range r.Views {
		if r.Event != nil && last[v.View] == v.Text {
			continue
		}
		last[v.View] = v.Text
		fmt.Fprintf(t.out, "  %s\n    %s\n", v.View, strings.ReplaceAll(v.Text, "\n", "\n    "))
	}
	return nil
}
