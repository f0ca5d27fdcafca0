package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/history/past"
)

type showCmd struct {
	dataFlag
	Kind    string `arg:"" enum:"cart,order,stock,product,promotion,grant,account,session,client,spending" help:"cart, order, stock, product, promotion, grant, account, session, client or spending."`
	ID      string `arg:"" help:"Whose or which: a login name (cart, account), an order number, a SKU (stock), an id or handle (product), a discount code (promotion), an id (grant, session, client, spending)."`
	AsOf    string `help:"As it was at a position (1234), a time (2026-11-20T10:00:00Z) or some time ago (-15m)." placeholder:"MOMENT"`
	History bool   `help:"Every event, with what it changed."`
	JSON    bool   `help:"One JSON object a line."`
}

func (c showCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	return askShow.ask(ctx, shop, showQuery{c.Kind, c.ID, c.AsOf, c.History}, func(s shown) error {
		if c.JSON {
			s.Lines = nil
			return json.NewEncoder(t.out).Encode(s)
		}
		_, err := fmt.Fprintln(t.out, s.text(c.History))
		return err
	}, nil)
}

// showQuery asks for an aggregate as it was at a moment.
type showQuery struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	AsOf    string `json:"as_of,omitempty"`
	History bool   `json:"history,omitempty"`
}

// shown is an aggregate after an event: with a history what the event changed,
// else the state.
type shown struct {
	Title   string            `json:"title"`
	AsOf    eventlog.Position `json:"as_of"`
	Event   listed            `json:"event"`
	Changes []history.Change  `json:"changes,omitempty"`
	State   json.RawMessage   `json:"state,omitempty"`
	// Lines are the state for people.
	Lines []string `json:"lines,omitempty"`
}

func (s shown) text(inHistory bool) string {
	if inHistory {
		lines := []string{line(s.Event)}
		for _, c := range s.Changes {
			lines = append(lines, "          "+c.String())
		}
		return strings.Join(lines, "\n")
	}
	head := fmt.Sprintf("%s as of position %d, after event %d of it:\n%s", s.Title, s.AsOf, s.Event.Number, line(s.Event))
	return strings.Join(append([]string{head}, s.Lines...), "\n")
}

var askShow = question[showQuery, shown]{"show", (*App).show}

func (a *App) show(ctx context.Context, q showQuery, out reply[shown]) error {
	moment, err := eventlog.ParseMoment(q.AsOf, time.Now())
	if err != nil {
		return err
	}
	at, err := moment.On(ctx, a.log)
	if err != nil {
		return err
	}
	stream, title, err := a.meant(ctx, q.Kind, q.ID)
	if err != nil {
		return err
	}
	names := map[string]string{}
	var last past.Step
	err = a.past().Walk(ctx, stream, at, func(s past.Step) error {
		last = s
		if !q.History {
			return nil
		}
		if s.Number == 1 {
			s.Before = nil
		}
		return out.item(shown{Title: title, AsOf: at, Event: a.listed(ctx, names, s.Envelope), Changes: history.Diff(s.Before, s.After)})
	})
	switch {
	case errors.Is(err, past.ErrNone):
		return a.missing(ctx, q, title, at)
	case err != nil || q.History:
		return err
	}
	view, err := past.View(last.After)
	if err != nil {
		return err
	}
	for i, f := range view {
		if name := a.name(ctx, names, f.Value); f.Name == "user" && name != "" {
			view[i].Value += " (" + name + ")"
		}
	}
	state, err := json.Marshal(view)
	if err != nil {
		return err
	}
	return out.item(shown{Title: title, AsOf: at, Event: a.listed(ctx, names, last.Envelope), State: state, Lines: indented("  ", view)})
}

// past reads the shop's log, and finds by the views what is about whom.
func (a *App) past() past.Past {
	return past.Past{Log: a.log, Types: a.types, Find: func(ctx context.Context, k history.Key) ([]history.Happened, error) {
		return a.views.Concerning(ctx, k, 0, 0, 0)
	}}
}

// indented are the fields of a state, each on a line of its own, those of a thing
// below it.
func indented(margin string, fields past.Fields) (lines []string) {
	for _, f := range fields {
		lines = append(lines, strings.TrimRight(margin+f.Name+": "+f.Value, " "))
		lines = append(lines, indented(margin+"  ", f.Fields)...)
	}
	return lines
}
