package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"till/domain/eventlog"
)

type eventsCmd struct {
	dataFlag
	User     string `help:"Only what this user did, or what happened to what is theirs (login name or id)." placeholder:"USER"`
	Stream   string `help:"Only this aggregate (cart/usr_…) or this kind (cart, order, stock, product, grant, …)." aliases:"aggregate" placeholder:"STREAM"`
	Type     string `help:"Only this event type, or all that begin so (cart.item_added, order.)." placeholder:"TYPE"`
	Client   string `help:"Only what this OAuth client did for anybody (its id)." placeholder:"CLIENT"`
	Grant    string `help:"Only what was done under this grant, or happened to it (its id)." placeholder:"GRANT"`
	Command  string `help:"Only what this command made (its id)." placeholder:"COMMAND"`
	Request  string `help:"Only what this request set off (its id, as in the answers' X-Request-Id and the server's log)." placeholder:"REQUEST"`
	From     string `help:"Only events from this moment on: a position (1234), a time (2026-11-20T10:00:00Z) or how long ago (-15m)." placeholder:"MOMENT"`
	To       string `help:"Only events up to this moment." placeholder:"MOMENT"`
	Last     int    `help:"Only the newest N of them." placeholder:"N"`
	After    uint64 `help:"Only events after this position." placeholder:"POSITION"`
	Security bool   `help:"Only what matters to who may come in: accounts, logins, agents, their tokens and clients."`
	Follow   bool   `short:"f" help:"Go on as events happen, until Ctrl-C."`
	JSON     bool   `help:"One JSON object a line, as it stands on the log."`
}

func (c eventsCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	err = askEvents.ask(ctx, shop, c.filter(), func(e listed) error {
		if c.JSON {
			return json.NewEncoder(t.out).Encode(e)
		}
		_, err := fmt.Fprintln(t.out, line(e))
		return err
	}, nil)
	if c.Follow && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (c eventsCmd) filter() eventFilter {
	return eventFilter{
		User: c.User, Stream: c.Stream, Type: c.Type, Client: c.Client, Grant: c.Grant, Command: c.Command, Request: c.Request,
		From: c.From, To: c.To, Last: c.Last, After: eventlog.Position(c.After), Security: c.Security, Follow: c.Follow,
	}
}

// short cuts text to n characters.
func short(s string, n int) string {
	if r := []rune(strings.ToValidUTF8(s, "�")); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
