package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/spending"
	"till/mcp"
)

// stdioClient is what the program at the other end is called in events and rules.
// It does not log in, so that nothing it says of itself is proven.
const stdioClient = "stdio"

type stdioFlags struct {
	Stdio      bool   `help:"Speak MCP on standard input and output, for one person and one client on this machine: no address, no login."`
	User       string `help:"With --stdio: who shops (default: the only customer)." placeholder:"NAME"`
	AdminTools bool   `help:"With --stdio: an administrator's tools too."`
	PerOrder   string `help:"With --stdio: the most that one order may cost." placeholder:"AMOUNT"`
	PerDay     string `help:"With --stdio: the most that all orders of 24 hours may cost." placeholder:"AMOUNT"`
}

// Help is shown by till serve --help.
func (serveCmd) Help() string {
	return "With --stdio an MCP client starts the shop and is its only client, under the name \"stdio\". Whoever may write its configuration shops for anybody in the folder, without a password. Flags about addresses, logins and tokens mean nothing then. Its limits are those of --per-order and --per-day at this start. Nobody can be asked about a purchase, since no page is served: for approvals, serve over HTTP."
}

// check refuses what only makes sense together.
func (f stdioFlags) check() error {
	if !f.Stdio && (f.User != "" || f.AdminTools || f.PerOrder != "" || f.PerDay != "") {
		return errors.New("--user, --admin-tools, --per-order and --per-day need --stdio: over HTTP people log in, and say at /account/connections what an agent may spend")
	}
	return nil
}

// rules are the limits that the flags set.
func (f stdioFlags) rules() (r spending.Rules, err error) {
	for _, limit := range []struct {
		flag, given string
		to          **money.Amount
	}{{"--per-order", f.PerOrder, &r.PerOrder}, {"--per-day", f.PerDay, &r.PerDay}} {
		if limit.given == "" {
			continue
		}
		amount, err := money.Parse(limit.given, currency)
		if err != nil || amount.Minor < 0 {
			return r, fmt.Errorf("%s: %q is no amount in %s, such as 50 or 49.90", limit.flag, limit.given, currency)
		}
		*limit.to = &amount
	}
	return r, nil
}

// serveStdio is till serve --stdio. The standard output belongs to the protocol.
func (c serveCmd) serveStdio(ctx context.Context, in io.Reader, out io.Writer, opt Options) error {
	rules, err := c.rules()
	if err != nil {
		return declined(in, out, err)
	}
	r, err := openStdio(ctx, opt, c.wantsDemo())
	if err != nil {
		return declined(in, out, err)
	}
	limitMemory(memoryLimit, gcPercent)
	face, err := r.faceFor(ctx, c.stdioFlags, rules)
	if err != nil {
		return declined(in, out, errors.Join(err, r.Stop()))
	}
	return errors.Join(face.Talk(ctx, in, out), r.Stop())
}

// declined tells the client too why there is no shop for it: most show nothing of
// what a program writes on its standard error.
func declined(in io.Reader, out io.Writer, why error) error {
	mcp.Decline(in, out, sentence(why))
	return why
}

// handOver is how long a start waits for the folder: a client that starts the shop
// anew may not wait for the end of the one before.
const handOver = 5 * time.Second

// openStdio opens the shop as a loopback serve does, without an address.
func openStdio(ctx context.Context, opt Options, demo bool) (_ *Running, err error) {
	opt.Create, opt.Demo = true, demo
	app, err := Open(ctx, opt)
	for began := time.Now(); errors.Is(err, ErrFolderLocked) && time.Since(began) < handOver && ctx.Err() == nil; app, err = Open(ctx, opt) {
		time.Sleep(100 * time.Millisecond)
	}
	if errors.Is(err, ErrFolderLocked) {
		return nil, fmt.Errorf("%w. One program at a time opens a folder: if that is till serve, connect this client to its MCP URL instead", err)
	}
	if err != nil {
		return nil, err
	}
	r := &Running{App: app}
	defer func() {
		if err != nil {
			_ = r.Stop()
		}
	}()
	if _, missing := os.Stat(app.folder.File(nextSecretName)); missing == nil {
		return nil, errHalfRotated
	}
	if err = app.firstStart(ctx, func(int) {}); err != nil {
		return nil, err
	}
	people, err := app.views.Users(ctx)
	if err != nil {
		return nil, err
	}
	// A shop whose people have accounts of their own is not given demo users only
	// because somebody reads it on this machine.
	if _, missing := os.Stat(demoFile(app.folder.Path())); demo && (len(people) == 0 || missing == nil) {
		if r.Users, err = makeDemoUsers(ctx, app.folder.Path(), app.authz); err != nil {
			return nil, err
		}
	}
	if r.react, err = app.startReactors(ctx); err != nil {
		return nil, err
	}
	r.socket, err = app.listen(app.folder.Path())
	return r, err
}

// faceFor is the shop's MCP face for one person.
func (r *Running) faceFor(ctx context.Context, f stdioFlags, rules spending.Rules) (*mcp.Server, error) {
	who, err := r.oneWho(ctx, f.User)
	if err != nil {
		return nil, err
	}
	scopes := grant.Shopping()
	if f.AdminTools {
		if who.Role != account.Admin {
			return nil, fmt.Errorf("%s is no administrator: leave --admin-tools out, or choose one with --user", who.Name)
		}
		scopes = grant.Scopes()
	}
	set := spending.SetRules{User: who.User, Client: stdioClient, Rules: rules, At: time.Now().UTC()}
	meta := eventlog.Meta{Command: rand.Text(), Actor: eventlog.Actor{Kind: eventlog.User, User: who.User, Client: stdioClient}, Causation: "cli:serve --stdio", Time: set.At}
	if _, err := r.checkout.Spendings.Do(ctx, spending.ID(who.User, stdioClient), set, meta); err != nil {
		return nil, err
	}
	public, err := url.Parse(r.origin)
	if err != nil {
		return nil, err
	}
	shop, err := r.shop()
	if err != nil {
		return nil, err
	}
	shop.Limits = "in the configuration of this client, as --per-order and --per-day of till serve --stdio"
	face, err := mcp.New(mcp.Config{Shop: shop, PublicURL: public, Caller: func(*auth.TokenInfo) (mcp.Caller, bool) {
		// At each call: the account may be disabled meanwhile.
		now, ok, err := r.views.Person(context.WithoutCancel(ctx), who.User)
		return mcp.Caller{User: who.User, Client: stdioClient, Scopes: scopes}, ok && err == nil && now.Active()
	}})
	if err != nil {
		return nil, err
	}
	r.opt.Logger.Info("the shop is open for one MCP client on standard input and output", "user", who.Name, "folder", r.folder.Path())
	return face, nil
}
