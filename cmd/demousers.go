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

// demoName is the file of the demo users in the data folder.
const demoName = "demo-users.json"

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
func makeDemoUsers(ctx context.Context, dir string, accounts *authz.Accounts) (demoUsers, error) {
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
		if err := makeDemoUser(ctx, accounts, name, password, missing); err != nil {
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
	users, err := readDemoUsers(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := users[name]; !ok {
		return nil
	}
	delete(users, name)
	return users.write(dir)
}

// makeDemoUser opens the account; one that exists keeps its password unless the
// file that knew it was lost.
func makeDemoUser(ctx context.Context, accounts *authz.Accounts, name, password string, lost bool) error {
	role := account.Customer
	if name == "admin" {
		role = account.Admin
	}
	_, err := accounts.OpenAccount(ctx, name, password, role)
	if !errors.Is(err, authz.ErrTaken) {
		return err
	}
	if !lost {
		return nil
	}
	user, err := accounts.Find(ctx, name)
	if err != nil {
		return err
	}
	return accounts.SetPassword(ctx, user, password)
}

// randomPassword is 80 random bits, easy to type: "k3vq-8ntw-2hxp-r7dm".
func randomPassword() string {
	text := strings.ToLower(rand.Text())
	return text[0:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
}
