package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"till/authz"
	"till/domain/eventlog"
	"till/mcp"
)

// currency is the shop's own: that of its built-in catalogue.
const currency = "USD"

// routes joins the faces of the shop under one address: authz and mcp do not
// know each other, they meet here.
func (a *App) routes(opt ServeOptions) (http.Handler, error) {
	public, err := url.Parse(a.origin)
	if err != nil {
		return nil, err
	}
	shop, err := a.shop()
	if err != nil {
		return nil, err
	}
	face, err := mcp.New(mcp.Config{
		Shop:      shop,
		PublicURL: public, AllowOrigins: opt.AllowOrigins, Connector: opt.Connector,
		Authenticate: func(next http.Handler) http.Handler { return a.authz.Middleware(next, needs) },
		Caller:       caller,
		Still:        func(info *auth.TokenInfo) bool { return authz.Still(context.Background(), info) },
	})
	if err != nil {
		return nil, err
	}
	if opt.stopping != nil {
		context.AfterFunc(opt.stopping, face.End)
	}
	mux := http.NewServeMux()
	mux.Handle("/", a.authz.Handler())
	endpoint := a.authz.Watched(endStreams(opt.stopping, face.Handler()))
	mux.Handle("/mcp", endpoint)
	mux.Handle("/mcp/{$}", endpoint)
	if opt.Connector {
		pages, err := face.ProductPages()
		if err != nil {
			return nil, err
		}
		mux.Handle("GET /products/{handle}", a.authz.Watched(pages))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", a.ready)
	return mux, nil
}

// shop is what the tools sell from, whoever they are offered to.
func (a *App) shop() (mcp.Shop, error) {
	dir := a.opt.Policies
	if dir == "" {
		dir = a.folder.File("policies")
	} else if _, err := os.Stat(dir); err != nil {
		return mcp.Shop{}, fmt.Errorf("--policies: the folder %s cannot be read: %w", dir, err)
	}
	policies, err := mcp.Policies(dir)
	if err != nil {
		return mcp.Shop{}, err
	}
	return mcp.Shop{
		Policies: policies,
		Carts:    a.checkout.Carts, Checkout: a.checkout, Aftersale: a.aftersale, Views: a.views, Moments: a.moments, Log: a.log, Types: a.types, FindUser: a.findUser, Currency: currency,
		Approval: a.authz.ApprovalURL, Limits: a.authz.ConnectionsURL(),
		Now: time.Now, NewID: rand.Text, Logger: a.opt.Logger, Version: Version(),
	}, nil
}

// needs are the scopes of what a request asks for.
func needs(r *http.Request) []string { return mcp.Needs(r).Scopes }

// caller translates between the two faces' words for who is calling.
func caller(token *auth.TokenInfo) (mcp.Caller, bool) {
	c, ok := authz.CallerFrom(token)
	return mcp.Caller{User: c.User, Client: c.Client, Grant: c.Grant, Scopes: c.Scopes}, ok
}

// findUser is the id of the person with the login name.
func (a *App) findUser(ctx context.Context, login string) (id string, known bool, err error) {
	id, err = a.authz.Accounts().Find(ctx, login)
	if errors.Is(err, authz.ErrNobody) {
		return "", false, nil
	}
	return id, err == nil, err
}

// ready answers 200 while the shop can sell: the log can be read, the views
// have not stopped and are not far behind.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	var status readiness
	head, err := a.log.Head(r.Context())
	if err == nil {
		err = a.views.Check()
	}
	if err == nil && a.nats != nil {
		err = a.nats.Down() // it can be read, but not written
	}
	at := a.views.Position()
	status.Position, status.Head = uint64(at), uint64(head)
	stuck := a.lag.stuck(at, head, time.Now())
	const behind = 10_000 // about a tenth of a second of the projector's work
	switch {
	case err != nil:
		status.Why = sentence(err)
	case stuck && a.views.Readable():
		status.Why = "the views do not follow the log; look into the shop's log for the reason, and at the room on its disk"
	case !a.views.Readable():
		status.Why = howFar(r.Context(), a.views)
	case at+behind < head:
		status.Why = "the views are catching up with the log"
	default:
		status.Ready = true
	}
	answerReady(w, status)
}

// lag remembers since when the views have stood still before the log's end.
type lag struct {
	mu    sync.Mutex
	at    eventlog.Position
	since time.Time
}

// stuckAfter is how long views may stand still while there are events to take.
const stuckAfter = 3 * time.Second

func (l *lag) stuck(at, head eventlog.Position, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at != l.at || at >= head || l.since.IsZero() {
		l.at, l.since = at, now
	}
	return now.Sub(l.since) > stuckAfter
}
