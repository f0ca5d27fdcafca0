package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"till/domain/account"
	"till/domain/eventlog"
)

type forgetCmd struct {
	dataFlag
	User string `arg:"" help:"The login name or the id (usr_…)."`
	Yes  bool   `help:"Do not ask."`
}

// Help is shown by till forget --help.
func (forgetCmd) Help() string {
	return "The key that opens the person's name is destroyed, and with it the name in every answer, view, export and backup made from then on. " +
		"Their agents are disconnected and nobody logs in to the account any more. Orders, sums and stock stay as they are, and so does the log. " +
		"Backups made before still know the name."
}

func (c forgetCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	if !c.Yes {
		if err := confirm(t, fmt.Sprintf("Forget %s for good? Nothing undoes it.", c.User)); err != nil {
			return err
		}
	}
	return askForget.ask(ctx, shop, forgetting{c.User}, func(f forgotten) error {
		if f.Already {
			_, err := fmt.Fprintf(t.out, "%s was forgotten before; nothing is left to destroy.\n", f.User)
			return err
		}
		_, err := fmt.Fprintf(t.out, "%s is forgotten: the name, the password and the passkeys are destroyed, %d %s disconnected; orders stay.\n"+
			"Backups made before still know the name: delete them, or forget the person again after a restore.\n",
			f.User, f.Agents, plural(f.Agents, "agent"))
		return err
	}, nil)
}

// errNotConfirmed: the person did not say yes.
var errNotConfirmed = errors.New("nothing was done; type yes, or run it again with --yes")

// confirm asks a person for a yes.
func confirm(t terminal, question string) error {
	if f, ok := t.in.(*os.File); !ok || !isTerminal(f) {
		return fmt.Errorf("%s Nobody is there to ask: run it again with --yes", question)
	}
	fmt.Fprintf(t.err, "%s Type yes: ", question)
	line, err := bufio.NewReader(io.LimitReader(t.in, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != "yes" {
		return errNotConfirmed
	}
	return nil
}

// forgetting names the person, by login name or id.
type forgetting struct {
	User string `json:"user"`
}

// forgotten is what became of it.
type forgotten struct {
	User    string `json:"user"`
	Agents  int    `json:"agents"` // that worked until now
	Already bool   `json:"already,omitempty"`
}

// askForget forgets a person.
var askForget = question[forgetting, forgotten]{"forget", (*App).forget}

func (a *App) forget(ctx context.Context, q forgetting, out reply[forgotten]) error {
	user, err := a.userID(ctx, q.User)
	if err != nil {
		return err
	}
	p, ok, err := a.views.Person(ctx, user)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("no account has the id %s", short(user, 40))
	}
	f := forgotten{User: user, Already: p.Forgotten && p.Erased}
	if f.Agents, err = a.forgetUser(ctx, user, eventlog.Actor{Kind: eventlog.Admin}); err != nil {
		return err
	}
	return out.item(f)
}

// forgetUser may be called again after an error, or after the shop was killed.
func (a *App) forgetUser(ctx context.Context, user string, by eventlog.Actor) (agents int, err error) {
	name, err := a.authz.Accounts().Login(ctx, user)
	if err != nil && !errors.Is(err, account.ErrUnknown) {
		return 0, err
	}
	// While the name can still be found.
	if err := forgetDemoUser(a.folder.Path(), name); err != nil {
		return 0, err
	}
	return a.authz.ForgetAccount(ctx, user, by)
}

// finishForgetting forgets whom the log says to be forgotten and whose key is
// still there: the shop was killed in between.
func (a *App) finishForgetting(ctx context.Context) error {
	users, err := a.views.Forgotten(ctx)
	if err != nil || len(users) == 0 {
		return err
	}
	keys, err := a.authz.Accounts().People().Known(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(keys))
	for _, user := range keys {
		known[user] = true
	}
	for _, user := range users {
		if !known[user] {
			continue
		}
		if _, err := a.forgetUser(ctx, user, eventlog.Actor{Kind: eventlog.System}); err != nil {
			return fmt.Errorf("%s was to be forgotten and is not yet: %w", user, err)
		}
	}
	return nil
}
