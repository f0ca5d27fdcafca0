package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"till/authz"
	"till/mcp"
)

// Memory and garbage collection, measured: the log's block caches grow with
// what they may use, and a small heap spends half of its time collecting. While
// the shop opens nobody waits for an answer, and the heap stays small; then 800
// takes a sixth less of the processors than 400, and 1600 no less than 800.
const (
	openingLimit     = 384 << 20
	memoryLimit      = 768 << 20
	openingGCPercent = 400
	gcPercent        = 800
)

// drain is how long a stop waits for calls under way.
const drain = 10 * time.Second

type serveCmd struct {
	dataFlag
	Addr          string        `help:"Address to listen on." default:"127.0.0.1:8000" env:"TILL_ADDR" placeholder:"HOST:PORT"`
	PublicURL     string        `help:"Origin under which clients reach the shop, when that is not the address: behind a proxy or a tunnel (https://shop.example.org)." env:"TILL_PUBLIC_URL,ISSUER_URL" placeholder:"URL"`
	AllowOrigin   []string      `help:"Web origins whose pages may call /mcp from a browser." env:"TILL_ALLOW_ORIGIN" placeholder:"ORIGIN"`
	TrustedProxy  []string      `help:"Addresses of the reverse proxy before the shop (10.0.0.7, 172.16.0.0/12, loopback), whose X-Forwarded-For is believed. Without it, all who come through it share one rate limit." env:"TILL_TRUSTED_PROXY" placeholder:"ADDRESS"`
	Connector     bool          `help:"Also offer search and fetch, the two tools that ChatGPT's connectors and deep research use, and a public page for each product, which their answers cite." env:"TILL_CONNECTOR"`
	Demo          *bool         `help:"Demo users with random passwords, printed at each start (default: only when the public URL is on this machine)." negatable:"" env:"TILL_DEMO"`
	AccessLife    time.Duration `help:"How long an access token lives." default:"10m" env:"TILL_ACCESS_LIFE"`
	RefreshLeeway time.Duration `help:"How long a used refresh token stays good; 0 is strict." default:"30s" env:"TILL_REFRESH_LEEWAY"`
	Policies      string        `help:"Folder of the merchant's texts for people and models, NAME.md each, such as returns.md; read at the start (default: policies in the data folder)." type:"path" env:"TILL_POLICIES" placeholder:"DIR"`
	ReturnDays    int           `help:"For how many days after delivery goods are taken back." default:"30" env:"TILL_RETURN_DAYS"`
	openidFlags
	stdioFlags
	LogLevel slog.Level `help:"debug, info, warn or error." default:"info" env:"TILL_LOG_LEVEL"`
	LogJSON  bool       `help:"Log in JSON." env:"TILL_LOG_JSON"`
}

func (c serveCmd) Run(ctx context.Context, t terminal) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	level := &slog.HandlerOptions{Level: c.LogLevel}
	var handler slog.Handler = slog.NewTextHandler(t.err, level)
	if c.LogJSON {
		handler = slog.NewJSONHandler(t.err, level)
	}
	proxies, err := authz.ParseProxies(c.TrustedProxy)
	if err != nil {
		return fmt.Errorf("--trusted-proxy: %w", err)
	}
	if c.ReturnDays < 1 || c.ReturnDays > maxReturnDays {
		return fmt.Errorf("--return-days is a number of days from 1 to %d", maxReturnDays)
	}
	openid, err := c.provider()
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Stdio && c.Connector {
		return errors.New("--connector needs HTTP: its answers cite pages that a shop on standard input and output does not have")
	}
	limitMemory(openingLimit, openingGCPercent)
	opt := Options{Dir: dir, PublicURL: c.PublicURL, AccessLife: c.AccessLife, RefreshLeeway: c.RefreshLeeway, Logger: slog.New(handler), Proxies: proxies, OpenID: openid, Policies: c.Policies, ReturnDays: c.ReturnDays}
	if c.Stdio {
		return c.serveStdio(ctx, t.in, t.out, opt)
	}
	shop, err := Serve(ctx, ServeOptions{
		Options: opt, Addr: c.Addr, AllowOrigins: c.AllowOrigin, Demo: c.wantsDemo(), Connector: c.Connector,
	})
	if err != nil {
		return err
	}
	limitMemory(memoryLimit, gcPercent)
	shop.banner(t.out)
	select {
	case <-ctx.Done():
		fmt.Fprintln(t.out, "\nStopping: calls under way are finished.")
	case err = <-shop.failed:
	}
	return errors.Join(err, shop.Stop())
}

func limitMemory(most int64, percent int) {
	debug.SetGCPercent(percent)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(most)
	}
}

// wantsDemo is the flag, or else whether the shop is only for this machine.
func (c serveCmd) wantsDemo() bool {
	if c.Demo != nil {
		return *c.Demo
	}
	if c.PublicURL == "" {
		host, _, _ := net.SplitHostPort(c.Addr)
		return isLoopback(host) || host == "" || host == "0.0.0.0" || host == "::"
	}
	return loopbackURL(c.PublicURL)
}

func loopbackURL(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// ServeOptions say how a shop is served.
type ServeOptions struct {
	Options
	// Addr is the address to listen on; port 0 takes a free one.
	Addr         string
	AllowOrigins []string
	// Connector offers search and fetch, and a public page for each product.
	Connector bool
	// Demo makes the demo users and lets the login page say so.
	Demo bool

	// incoming is how long requests may take to arrive; zero: the usual.
	incoming incoming

	// stopping ends when the shop stops, and every stream with it.
	stopping context.Context
}

// incoming is how long a client may take: over a request's headers, over all of the
// request, and between two of them.
type incoming struct{ headers, request, idle time.Duration }

// Running is a shop that serves.
type Running struct {
	*App
	// Endpoint is the MCP URL that clients are given.
	Endpoint string
	// Users are the demo users, by login name.
	Users map[string]string
	// Code is the demo users' discount code, empty when there is none that holds.
	Code string
	// Setup is the link by which the first administrator's account is opened,
	// while there is no account.
	Setup string

	server    *http.Server
	listening string // the address
	socket    func()
	// endStreams ends the streams that would last as long as their clients.
	endStreams context.CancelFunc
	react      func() error
	failed     chan error
	stop       sync.Once
	why        error // what Stop answers
}

// Serve opens the shop and puts it behind HTTP. From the first moment on /healthz
// and /readyz say what it is doing; it returns when the shop can be used. Stop
// ends it.
func Serve(ctx context.Context, opt ServeOptions) (_ *Running, err error) {
	if _, _, err := net.SplitHostPort(opt.Addr); err != nil {
		return nil, fmt.Errorf("the address %q is not HOST:PORT, such as 127.0.0.1:8000", opt.Addr)
	}
	listener, err := net.Listen("tcp", opt.Addr)
	if err != nil {
		return nil, fmt.Errorf("the address %s cannot be used (%w); is a shop running already? choose another with --addr", opt.Addr, err)
	}
	if opt.PublicURL == "" {
		opt.PublicURL = localURL(listener.Addr().(*net.TCPAddr), opt.Addr)
	}
	if opt.Demo && !loopbackURL(opt.PublicURL) {
		return nil, errors.Join(errPublicDemo, listener.Close())
	}
	r := &Running{failed: make(chan error, 1), listening: listener.Addr().String()}
	opt.opening = &opening{}
	opt.opening.say("the data folder is being opened")
	answering := r.answer(listener, opt.opening, opt.Logger, cmp.Or(opt.incoming, incoming{5 * time.Second, 30 * time.Second, 2 * time.Minute}))
	opt.Create, opt.Options.Demo = true, opt.Demo
	app, err := Open(ctx, opt.Options)
	if err != nil {
		return nil, errors.Join(err, r.server.Close())
	}
	r.App = app
	if _, missing := os.Stat(app.folder.File(nextSecretName)); missing == nil {
		return nil, errors.Join(errHalfRotated, r.server.Close(), app.close())
	}
	defer func() {
		if err != nil {
			_ = r.server.Close()
			_ = r.Stop()
		}
	}()
	if err = app.firstStart(ctx, func(int) {}); err != nil {
		return nil, err
	}
	if opt.Demo {
		r.Users, err = makeDemoUsers(ctx, app.folder.Path(), app.authz)
		if holds, unknown := app.demoCodeHolds(ctx); unknown != nil {
			err = errors.Join(err, unknown)
		} else if holds {
			r.Code = demoCode
		}
	} else if !loopbackURL(opt.PublicURL) {
		err = app.shutDemoUsers(ctx)
	}
	if err != nil {
		return nil, err
	}
	if r.Setup, err = app.setup(ctx); err != nil {
		return nil, err
	}
	opt.stopping, r.endStreams = context.WithCancel(context.WithoutCancel(ctx))
	handler, err := app.routes(opt)
	if err != nil {
		return nil, err
	}
	if r.react, err = app.startReactors(ctx); err != nil {
		return nil, err
	}
	if r.socket, err = app.listen(app.folder.Path()); err != nil {
		return nil, err
	}
	r.Endpoint, app.served = app.origin+mcp.Path, true
	answering.Store(&handler)
	return r, nil
}

// answer answers requests from now on, by the first handler until another is
// stored.
func (r *Running) answer(listener net.Listener, first http.Handler, logger *slog.Logger, within incoming) *atomic.Pointer[http.Handler] {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	var now atomic.Pointer[http.Handler]
	now.Store(&first)
	r.server = &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { (*now.Load()).ServeHTTP(w, q) }),
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		// Slow clients are cut off; an answer may stream as long as it likes.
		ReadHeaderTimeout: within.headers, ReadTimeout: within.request, IdleTimeout: within.idle,
		MaxHeaderBytes: 32 << 10,
	}
	go func() {
		if err := r.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			r.failed <- fmt.Errorf("the shop can no longer be reached: %w", err)
		}
	}()
	return &now
}

// localURL is the origin of a shop that only this machine reaches.
func localURL(bound *net.TCPAddr, asked string) string {
	host, _, _ := net.SplitHostPort(asked)
	if host == "" || !isLoopback(host) {
		host = "127.0.0.1" // listening everywhere: the URL for this machine
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("http://%s:%d", host, bound.Port)
}

// Stop finishes the calls under way and closes the shop, the last opened first.
func (r *Running) Stop() error {
	r.stop.Do(func() { r.why = r.stopOnce() })
	return r.why
}

func (r *Running) stopOnce() error {
	var errs []error
	if r.endStreams != nil {
		r.endStreams()
	}
	if r.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		if err := r.server.Shutdown(ctx); err != nil {
			_ = r.server.Close() // a call that takes too long
		}
	}
	if r.socket != nil {
		r.socket()
	}
	if r.react != nil {
		errs = append(errs, r.react())
	}
	return errors.Join(append(errs, r.close())...)
}
