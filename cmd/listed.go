package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"till/domain/account/session"
	"till/domain/eventlog"
	"till/domain/history"
)

// listed is an event as it is listed for people.
type listed struct {
	eventlog.Envelope
	// Who is the acting user's login name, if there is one.
	Who string `json:"who,omitempty"`
	// Agent is the name of the program that acted, or its id if it has none.
	Agent string `json:"agent,omitempty"`
	// Words say what happened.
	Words string `json:"words,omitempty"`
}

// listed is the event with what people need to read it. names are the names
// found so far.
func (a *App) listed(ctx context.Context, names map[string]string, e eventlog.Envelope) listed {
	l := listed{Envelope: e, Who: a.name(ctx, names, e.Actor.User), Agent: a.agent(ctx, names, e.Actor)}
	// An event of a newer till is listed too: it may be what is looked for.
	if event, err := a.types.Decode(e); err == nil {
		l.Words = history.Sentence(event)
	}
	return l
}

// agent is the name of the program that acted: the one that the person saw when
// they allowed it, else the one under which it registered, else its id.
func (a *App) agent(ctx context.Context, names map[string]string, actor eventlog.Actor) string {
	if actor.Client == "" {
		return ""
	}
	key := actor.Client + " " + actor.Grant
	name, ok := names[key]
	if !ok {
		if g, _, found, err := a.views.Grant(ctx, actor.Grant); err == nil && found {
			name = g.ClientName
		}
		if name = history.Plain(name, 40); name == "" {
			name = history.Plain(actor.Client, 40)
		}
		names[key] = name
	}
	return name
}

// line is an event in one line: position, time, who, what, on what.
func line(e listed) string {
	words := e.Words
	if words == "" {
		words = short(string(e.Data), 100)
	}
	return fmt.Sprintf("%6d  %s  %-26s  %s  [%s %s]",
		e.Position, e.Time.Local().Format(time.DateTime), e.by(), words, history.Plain(e.Type, 60), stream(e.Stream))
}

// by is who did it: a person, a person's agent, or the shop itself.
func (e listed) by() string {
	who := e.Who
	if who == "" {
		who = history.Plain(e.Actor.User, 40)
	}
	switch {
	case e.Actor.Kind == eventlog.System && who == "":
		return "the shop"
	case e.Actor.Kind == eventlog.System:
		return "the shop for " + who
	case who == "":
		who = string(e.Actor.Kind)
	}
	if e.Agent != "" {
		who += " via " + short(e.Agent, 40)
	}
	return who
}

// stream is a stream's name in a line. A session is named by a hash, of which
// the beginning tells it from others.
func stream(s eventlog.Stream) string {
	most := 60
	if s.Category == session.Category {
		most = 9
	}
	return s.Category + "/" + strings.TrimSpace(history.Plain(s.ID, most))
}
