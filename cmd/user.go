package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"till/domain/account"
)

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Open an account: prints a link by which the person chooses a password."`
	List    userListCmd    `cmd:"" help:"Who has an account."`
	Reset   userResetCmd   `cmd:"" help:"Let a person choose a new password, which ends sessions, passkeys and linked logins: prints a link."`
	Disable userDisableCmd `cmd:"" help:"Shut an account: nobody logs in, its agents are disconnected, nothing is lost."`
	Enable  userEnableCmd  `cmd:"" help:"Open a disabled account again."`
}

// Help is shown by till user --help.
func (userCmd) Help() string {
	return "A passkey counts until its owner removes it or chooses another password; a disabled account opens for nothing. Links work once and for a day. Passwords are never shown or given on the command line; a script gives one with --password-stdin."
}

type passwordFlag struct {
	PasswordStdin bool `help:"Read the password from the first line of the standard input instead of printing a link."`
}

// read returns the password, empty if there is to be a link.
func (p passwordFlag) read(in io.Reader) (string, error) {
	if !p.PasswordStdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 2048)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("the standard input holds no password in its first line")
	}
	return line, nil
}

type userAddCmd struct {
	dataFlag
	passwordFlag
	Login string `arg:"" help:"The login name, such as an address: letters a–z, digits and . _ - + @."`
	Admin bool   `help:"An administrator, who may see the whole history."`
}

func (c userAddCmd) Run(ctx context.Context, t terminal) error {
	password, err := c.read(t.in)
	if err != nil {
		return err
	}
	role := account.Customer
	if c.Admin {
		role = account.Admin
	}
	return admit(ctx, t, c.dataFlag, admission{Login: c.Login, Role: role, Password: password}, "to open the account")
}

type userResetCmd struct {
	dataFlag
	passwordFlag
	User string `arg:"" help:"The login name or the id (usr_…)."`
}

func (c userResetCmd) Run(ctx context.Context, t terminal) error {
	password, err := c.read(t.in)
	if err != nil {
		return err
	}
	return admit(ctx, t, c.dataFlag, admission{User: c.User, Password: password}, "to choose a new password, with which sessions, passkeys and linked logins of before end")
}

func admit(ctx context.Context, t terminal, data dataFlag, q admission, what string) error {
	shop, err := reach(ctx, data)
	if err != nil {
		return err
	}
	defer shop.close()
	return askAdmit.ask(ctx, shop, q, func(a admitted) error {
		switch {
		case a.Link == "":
			ended := ""
			if q.User != "" {
				ended = "; sessions, passkeys and linked logins of before have ended"
			}
			_, err = fmt.Fprintf(t.out, "Done: %s can log in with that password%s.\n", a.Login, ended)
		case a.Closed:
			_, err = fmt.Fprintf(t.out, "Give %s this link %s, once the shop runs, with the shop's own address in place of %s. It works once, for a day.\n  %s\n", a.Login, what, a.Origin, a.Link)
		default:
			_, err = fmt.Fprintf(t.out, "Give %s this link %s. It works once, for a day.\n  %s\n", a.Login, what, a.Link)
		}
		return err
	}, nil)
}

type userListCmd struct{ dataFlag }

func (c userListCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	n := 0
	err = askUsers.ask(ctx, shop, struct{}{}, func(u listedUser) error {
		if n++; n == 1 {
			fmt.Fprintf(t.out, "%-28s %-26s %-9s %-9s %6s  %s\n", "LOGIN", "ID", "ROLE", "STATE", "AGENTS", "SINCE")
		}
		by := ""
		if len(u.Providers) > 0 {
			by = "  by " + strings.Join(u.Providers, ", ")
		}
		_, err := fmt.Fprintf(t.out, "%-28s %-26s %-9s %-9s %6d  %s%s\n", u.Login, u.ID, u.Role, u.State, u.Agents, u.Since.Local().Format("2006-01-02 15:04"), by)
		return err
	}, nil)
	if err == nil && n == 0 {
		fmt.Fprintln(t.out, "Nobody has an account; open one with till user add.")
	}
	return err
}

type userDisableCmd struct {
	dataFlag
	User string `arg:"" help:"The login name or the id (usr_…)."`
}

func (c userDisableCmd) Run(ctx context.Context, t terminal) error {
	return shut(ctx, t, c.dataFlag, shutting{c.User, true}, "disabled: nobody logs in to it, and its agents are disconnected")
}

type userEnableCmd struct {
	dataFlag
	User string `arg:"" help:"The login name or the id (usr_…)."`
}

func (c userEnableCmd) Run(ctx context.Context, t terminal) error {
	return shut(ctx, t, c.dataFlag, shutting{c.User, false}, "open; agents have to be connected anew")
}

func shut(ctx context.Context, t terminal, data dataFlag, q shutting, done string) error {
	shop, err := reach(ctx, data)
	if err != nil {
		return err
	}
	defer shop.close()
	return askShut.ask(ctx, shop, q, func(user string) error {
		_, err := fmt.Fprintf(t.out, "The account %s is %s.\n", user, done)
		return err
	}, nil)
}
