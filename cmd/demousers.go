package cmd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"till/authz"
	"till/domain/account"
)

// demoUsers are login names and passwords of the people in a demo shop.
type demoUsers map[string]string

// demoNames are the demo users in the order in which they are printed.
var demoNames = [...]string{"alice", "bob", "admin"}

// demoName is the file of the demo users in the data folder, shutName what it is
// called while a public URL keeps them disabled.
const (
	demoName = "demo-users.json"
	shutName = "demo-users.disabled.json"
)

func demoFile(dir string) string { return filepath.Join(dir, demoName) }

func readDemoUsers(dir string) (demoUsers, error) {
	data, err := os.ReadFile(demoFile(dir))
	if err != nil {
		return nil, err
	}
	var users demoUsers
	if err := json.Unmarshal(data, &users); err != nil {
		return nil, fmt.Errorf("%s is not what till wrote; delete it, the next start makes new passwords", demoFile(dir))
	}
	return users, nil
}

// makeDemoUsers opens the demo accounts that do not exist yet, with random
// passwords. The passwords stand in a file beside the data, since they are
// printed at every start; only demo users have that.
func makeDemoUsers(ctx context.Context, dir string, server *authz.Server) (demoUsers, error) {
	shut := os.Rename(filepath.Join(dir, shutName), demoFile(dir)) == nil
	users, err := readDemoUsers(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	missing := users == nil
	if missing {
		users = demoUsers{}
		for _, name := range demoNames {
			users[name] = randomPassword()
		}
		// Before the accounts: killed in between, the next start goes on with these.
		if err := users.write(dir); err != nil {
			return nil, err
		}
	}
	for _, name := range demoNames {
		password, ok := users[name]
		if !ok {
			continue // forgotten
		}
		if err := makeDemoUser(ctx, server, name, password, missing, shut); err != nil {
			return nil, fmt.Errorf("the demo user %s: %w", name, err)
		}
	}
	return users, nil
}

func (u demoUsers) write(dir string) error {
	data, err := json.MarshalIndent(u, "", "  ")
	if err == nil {
		err = writeFile(demoFile(dir), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the demo users' passwords cannot be kept: %w", err)
	}
	return nil
}

// forgetDemoUser takes a person out of the demo users, if they are one. The next
// start does not make them again.
func forgetDemoUser(dir, name string) error {
	shut := os.Rename(filepath.Join(dir, shutName), demoFile(dir)) == nil
	users, err := readDemoUsers(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := users[name]; ok {
		delete(users, name)
		err = users.write(dir)
	}
	if shut {
		err = errors.Join(err, os.Rename(demoFile(dir), filepath.Join(dir, shutName)))
	}
	return err
}

// errPublicDemo: demo users where anybody can reach them.
var errPublicDemo = errors.New("demo users have passwords that are printed, so a shop with a public URL has none: leave --demo out; the first start prints a link that opens the administrator's account, and till user add opens others")

// shutDemoUsers disables the demo users, and their discount code, of a shop that was tried out before it got
// its public URL. One with a password of their own is none any more.
func (a *App) shutDemoUsers(ctx context.Context) error {
	users, err := readDemoUsers(a.folder.Path())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, name := range demoNames {
		if err != nil {
			return err
		}
		password, ok := users[name]
		if !ok {
			continue
		}
		who, checked := a.authz.Accounts().CheckPassword(ctx, name, password)
		switch {
		case errors.Is(checked, authz.ErrWrong): // or disabled by hand
		case checked != nil:
			err = checked
		default:
			a.opt.Logger.Warn("a demo user is disabled, since the shop has a public URL", "login", name)
			err = a.authz.DisableAccount(ctx, who.User)
		}
	}
	if err == nil {
		err = a.unwelcome(ctx)
	}
	if err != nil {
		return err
	}
	return os.Rename(demoFile(a.folder.Path()), filepath.Join(a.folder.Path(), shutName))
}

// setup is the link that opens the first account, empty once there is one.
func (a *App) setup(ctx context.Context) (link string, err error) {
	users, err := a.views.Users(ctx)
	if err != nil || len(users) > 0 {
		return "", err
	}
	return a.authz.InviteFirst()
}

// makeDemoUser opens the account; one that exists keeps its password unless the
// file that knew it was lost, and is enabled again if a public URL disabled it.
func makeDemoUser(ctx context.Context, server *authz.Server, name, password string, lost, shut bool) error {
	role := account.Customer
	if name == "admin" {
		role = account.Admin
	}
	accounts := server.Accounts()
	_, err := accounts.OpenAccount(ctx, name, password, role)
	if !errors.Is(err, authz.ErrTaken) {
		return err
	}
	user, err := accounts.Find(ctx, name)
	if err != nil {
		return err
	}
	if shut {
		if err := server.EnableAccount(ctx, user); err != nil {
			return err
		}
	}
	if !lost {
		return nil
	}
	return accounts.SetPassword(ctx, user, password)
}

// randomPassword is 80 random bits, easy to type: "k3vq-8ntw-2hxp-r7dm".
func randomPassword() string {
	text := strings.ToLower(rand.Text())
	return text[0:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}
