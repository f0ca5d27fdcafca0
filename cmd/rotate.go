package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
)

type secretCmd struct {
	Rotate rotateCmd `cmd:"" help:"Replace the shop's secret by a new one, while the shop is stopped."`
}

type rotateCmd struct {
	dataFlag
	Yes bool `help:"Do not ask."`
}

// Help is shown by till secret rotate --help.
func (rotateCmd) Help() string {
	return "From the secret follow the keys under which names, login names, pages and quotes are kept. A new one puts an old copy out of use: nothing that is sealed from then on opens with it. " +
		"Accounts, passwords, orders and agents' tokens stay; links and quotes that are under way are void. Backups made before need the old secret. " +
		"With TILL_SECRET the new one is taken from TILL_SECRET_NEW. Cut off in the middle, the next call goes on."
}

// nextSecretName is the file of the new secret until all has been moved to it.
const nextSecretName = "secret.key.new"

// errHalfRotated: some things rest under the old secret, some under the new one.
var errHalfRotated = errors.New("replacing the shop's secret was cut off in the middle; run till secret rotate again, which goes on where it was, then start the shop")

func (c rotateCmd) Run(ctx context.Context, t terminal) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	if r, ok := dial(ctx, dir); ok {
		_ = r.close()
		return errors.New("the shop is running; stop it, then rotate its secret")
	}
	if !c.Yes {
		if err := confirm(t, "Replace the secret of "+dir+"? Backups made before need the old one."); err != nil {
			return err
		}
	}
	n, err := rotateSecret(ctx, dir)
	if err != nil {
		return err
	}
	where := "It stands in secret.key."
	if os.Getenv("TILL_SECRET") != "" {
		where = "Start the shop with it as TILL_SECRET from now on."
	}
	_, err = fmt.Fprintf(t.out, "The shop has a new secret, and %d %s are kept under it. %s\nMake a backup: those made before need the old secret.\n", n, plural(n, "name"), where)
	return err
}

// rotateSecret moves all that rests under the secret to a new one, and puts that in
// its place as the last step.
func rotateSecret(ctx context.Context, dir string) (people int, err error) {
	a, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	old, err := a.folder.Secret()
	if err != nil {
		return 0, err
	}
	next, err := a.folder.nextSecret()
	if err != nil {
		return 0, err
	}
	var accounts []account.State
	users, err := a.views.Users(ctx)
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		s, err := a.account(ctx, user)
		if err != nil {
			return 0, err
		}
		accounts = append(accounts, s)
	}
	if people, err = authz.Rekey(ctx, a.buckets["people"], a.buckets["credentials"], accounts, old, next); err != nil {
		return people, err
	}
	if os.Getenv("TILL_SECRET") != "" {
		return people, nil
	}
	if err := os.Rename(a.folder.File(nextSecretName), a.folder.File(secretName)); err != nil {
		return people, unusable(dir, err)
	}
	return people, syncDir(dir)
}

// nextSecret is the secret that is to come: the one that an earlier call began with,
// if it did not end.
func (f *Folder) nextSecret() ([]byte, error) {
	if os.Getenv("TILL_SECRET") != "" {
		text := os.Getenv("TILL_SECRET_NEW")
		if text == "" {
			return nil, fmt.Errorf("%w: it is given in TILL_SECRET, so give the new one in TILL_SECRET_NEW", ErrSecret)
		}
		return parseSecret(text)
	}
	secret, err := os.ReadFile(f.File(nextSecretName))
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretSize)
		rand.Read(secret) // never fails
		err = writeFile(f.File(nextSecretName), secret)
	}
	if err == nil && len(secret) != secretSize {
		err = fmt.Errorf("%w: %s has %d bytes instead of %d; remove it", ErrSecret, f.File(nextSecretName), len(secret), secretSize)
	}
	return secret, err
}

// account is a person's account as it stands on the log, its name still sealed.
func (a *App) account(ctx context.Context, user string) (account.State, error) {
	s, _, err := a.views.State(ctx, eventlog.Stream{Category: account.Category, ID: user})
	if err != nil {
		return account.State{}, err
	}
	state, _ := s.(account.State)
	return state, nil
}
