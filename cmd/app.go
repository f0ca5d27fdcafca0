package cmd

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"till/authz"
	"till/domain/account"
	"till/domain/account/session"
	"till/domain/aftersale"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/payment/testgateway"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
)

// Options say which shop to open.
type Options struct {
	// Dir is the data folder; Create makes it if it does not exist.
	Dir    string
	Create bool
	// PublicURL is the origin under which clients reach the shop. A shop that
	// is opened only to look at it needs none.
	PublicURL string
	// AccessLife is how long an access token lives; 0 is the usual time.
	AccessLife    time.Duration
	RefreshLeeway time.Duration
	// ReturnDays is for how many days after delivery goods are taken back; 0 is the
	// usual number.
	ReturnDays int
	Logger     *slog.Logger
	// Proxies are the reverse proxies before the shop.
	Proxies []netip.Prefix
	// OpenID is another provider at which people may log in, nil for none.
	OpenID *authz.OpenID
	// Policies is the folder of the merchant's texts; empty: the folder policies in Dir.
	Policies string
	// Demo lets the login page say where demo passwords are printed.
	Demo bool

	// folder is lent by whoever has locked it, nil to open Dir.
	folder *Folder
	// opening is told what is being done, nil when nobody can ask.
	opening *opening
}

// App is an open shop: the only place that knows every part. It serves nobody
// until Serve puts it behind HTTP.
type App struct {
	opt Options
	// origin is the public URL as every document spells it.
	origin string
	folder *Folder
	nats   *NATS
	conns  []interface{ Close() } // to the log's server
	log    *jslog.Log
	// buckets are what lies beside the log, by name.
	buckets map[string]eventlog.Bucket
	types   *eventlog.Types
	views   *projections.Views
	// moments are the views as they stood in the past.
	moments   *projections.Moments
	authz     *authz.Server
	checkout  *checkout.Process
	aftersale *aftersale.Process
	products  *decider.Handler[catalog.State, catalog.Command, catalog.Event]
	// served is whether the shop stands behind HTTP, not only open to be looked at.
	served bool
	lag    lag
	unmark func() // ends noting how far the log reaches
	// importing lets one import at a time check its names and claim them.
	importing sync.Mutex
}

// Types is the registry of every event of the shop.
func Types() *eventlog.Types {
	t := eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){
		account.Register, session.Register, cart.Register, catalog.Register,
		client.Register, grant.Register, order.Register, promotion.Register, spending.Register, stock.Register,
	} {
		register(t)
	}
	return t
}

// bucketLives are the buckets beside the log and how long their entries live; 0
// is for ever. All of them belong into a backup.
var bucketLives = map[string]time.Duration{"credentials": 0, "people": 0, "clients": 7 * 24 * time.Hour, "charges": 0}

func openBuckets(ctx context.Context, log *jslog.Log) (map[string]eventlog.Bucket, error) {
	buckets := map[string]eventlog.Bucket{}
	for name, life := range bucketLives {
		b, err := log.Bucket(ctx, name, life)
		if err != nil {
			return nil, err
		}
		buckets[name] = b
	}
	return buckets, nil
}

// Open opens the shop in a data folder that nobody else has open. Its errors
// are sentences for the person who started the program.
func Open(ctx context.Context, opt Options) (_ *App, err error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.PublicURL == "" {
		opt.PublicURL = "http://127.0.0.1:8000"
	}
	a := &App{opt: opt, types: Types()}
	begin := time.Now()
	opened := func(what string) { opt.Logger.Debug("opened", "what", what, "after", time.Since(begin)) }
	if a.origin, err = authz.ParsePublicURL(opt.PublicURL); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = a.close()
		}
	}()
	openFolder := OpenExistingFolder
	if opt.Create {
		openFolder = OpenFolder
	}
	if a.folder = opt.folder; a.folder == nil {
		if a.folder, err = openFolder(opt.Dir); err != nil {
			return nil, err
		}
	}
	secret, err := a.folder.Secret()
	if err != nil {
		return nil, err
	}
	opt.opening.say("the event log is being opened")
	if err = a.openLog(ctx); err != nil {
		return nil, err
	}
	opened("log")
	if a.buckets, err = openBuckets(ctx, a.log); err != nil {
		return nil, err
	}
	buckets := a.buckets
	opened("buckets")
	people, err := authz.NewPeople(buckets["people"], secret)
	if err != nil {
		return nil, err
	}
	a.views, err = projections.Open(ctx, projections.Options{
		Dir: a.folder.Path(), Log: a.log, Types: a.types, Keys: people.Key, Logger: opt.Logger,
	})
	if err != nil {
		return nil, err
	}
	opt.opening.build(a.views)
	opt.opening.say("the views take in what is new")
	// A command decides on states that may lag; what is read to be shown must not.
	head, err := a.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if err = a.views.Wait(ctx, head); err != nil {
		return nil, err
	}
	opened("views")
	if a.moments, err = projections.NewMoments(a.folder.Path(), a.log, a.types); err != nil {
		return nil, err
	}
	opt.opening.say("the shop is being opened")
	a.products = decider.NewHandler(catalog.Decider(), a.types, a.log, a.views)
	a.checkout = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), a.types, a.log, a.views),
		Stocks:     decider.NewHandler(stock.Decider(), a.types, a.log, a.views),
		Orders:     decider.NewHandler(order.Decider(), a.types, a.log, a.views),
		Spendings:  decider.NewHandler(spending.Decider(), a.types, a.log, a.views),
		Promotions: decider.NewHandler(promotion.Decider(), a.types, a.log, a.views),
		Source:     a.views, Shelf: a.views, Gateway: testgateway.New(buckets["charges"], time.Now),
		Secret: secret, Now: time.Now,
	}
	a.aftersale = &aftersale.Process{Checkout: a.checkout, ReturnDays: opt.ReturnDays}
	a.authz, err = authz.New(authz.Config{
		PublicURL: opt.PublicURL, Secret: secret, Log: a.log, Types: a.types, Views: a.views,
		Credentials: buckets["credentials"], Pending: buckets["clients"], People: buckets["people"],
		OpenID: opt.OpenID, Demo: opt.Demo, Logger: opt.Logger, Currency: currency, AccessLife: opt.AccessLife, RefreshLeeway: opt.RefreshLeeway, Proxies: opt.Proxies,
	})
	if err != nil {
		return nil, err
	}
	return a, a.finishForgetting(ctx)
}

// Folder is the shop's data folder.
func (a *App) Folder() string { return a.folder.Path() }

// AddUser opens a customer's account.
func (a *App) AddUser(ctx context.Context, login, password string) error {
	_, err := a.authz.Accounts().OpenAccount(ctx, login, password, account.Customer)
	return err
}

func (a *App) openLog(ctx context.Context) (err error) {
	if a.nats, err = StartNATS(ctx, NATSOptions{Dir: a.folder.NATSDir(), Log: a.opt.Logger}); err != nil {
		return err
	}
	// One to write on, one to follow on, and two on which the commands of people
	// look for events, so that nobody waits for what they load from the disk.
	var conns [4]*jslog.Conn
	for i := range conns {
		if conns[i], err = jslog.ConnectInProcess(ctx, a.nats); err != nil {
			return err
		}
		a.conns = append(a.conns, conns[i])
	}
	mark, err := a.folder.readMark()
	if err != nil {
		return err
	}
	a.log, err = jslog.Open(ctx, conns[0], jslog.Options{Reading: conns[1], Looking: conns[2:], Keeper: a.nats, Known: mark.Epoch})
	if err != nil {
		return err
	}
	if err := mark.check(ctx, a.log, a.folder); err != nil {
		return err
	}
	a.unmark = a.keepMark()
	return nil
}

// close closes what was opened, the last first. It is safe on a shop that
// opened only in part.
func (a *App) close() error {
	var errs []error
	if a.moments != nil {
		errs = append(errs, a.moments.Close())
	}
	if a.views != nil {
		errs = append(errs, a.views.Close())
	}
	if a.unmark != nil {
		a.unmark()
	}
	for _, c := range a.conns {
		c.Close()
	}
	if a.nats != nil {
		a.nats.Stop()
	}
	if a.folder != nil && a.opt.folder == nil {
		errs = append(errs, a.folder.Close())
	}
	return errors.Join(errs...)
}
