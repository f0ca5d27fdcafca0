// Package authz is the shop's OAuth 2.1 authorization server and the check
// that stands before its MCP endpoint: people log in, consent and disconnect
// here, and agents get, renew and lose their tokens. It does not know MCP: what
// a call needs is told to it as a list of scopes.
package authz

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"till/authz/cimd"
	"till/domain/account/session"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/spending"
)

// Lifetimes, as oauth.md section 5 of the design notes sets them.
const (
	codeLife        = time.Minute
	transactionLife = 10 * time.Minute
	sessionLife     = 8 * time.Hour
	pendingLife     = 7 * 24 * time.Hour

	// DefaultAccessLife and DefaultRefreshLife hold where Config is zero.
	DefaultAccessLife  = 10 * time.Minute
	DefaultRefreshLife = 30 * 24 * time.Hour
	// DefaultRefreshLeeway is what a shop should set unless it wants to be
	// strict: several processes of one client share a refresh token.
	DefaultRefreshLeeway = 30 * time.Second
)

// Config is what a Server is made of. All fields without a note are required.
type Config struct {
	// PublicURL is the origin under which clients reach the shop; see [ParsePublicURL].
	PublicURL string
	// Secret is 32 random bytes that outlive restarts. All keys follow from it.
	Secret []byte

	Log   eventlog.Log
	Types *eventlog.Types
	Views Views
	// Credentials keeps login names and linked logins (as MACs), password hashes and
	// passkeys; Pending keeps registrations until their first consent, and which
	// logins at a provider are used up, and should expire entries after seven
	// days; People keeps the wrapped keys that seal names.
	Credentials, Pending, People eventlog.Bucket

	Clock  func() time.Time // nil: the system's
	Logger *slog.Logger     // nil: none
	// Proxies are the reverse proxies before the shop, whose X-Forwarded-For says
	// where a request comes from; see [ParseProxies]. Nothing else is believed.
	Proxies []netip.Prefix
	// Barrier is nil on a single node.
	Barrier Barrier
	// Documents reads client id metadata documents; nil: from the Internet.
	Documents cimd.Source
	// OpenID is another provider at which people may log in; nil: none.
	OpenID *OpenID
	// Demo makes the login page say where demo passwords are printed.
	Demo bool

	// Currency is the ISO 4217 code in which people set what agents may spend.
	Currency string

	AccessLife  time.Duration // 0: DefaultAccessLife
	RefreshLife time.Duration // 0: DefaultRefreshLife
	// RefreshLeeway is how long a used refresh token stays good; 0 is strict.
	RefreshLeeway time.Duration
}

// Server is the authorization server and the token check.
type Server struct {
	cfg      Config
	sites    sites
	keys     keys
	accounts *Accounts
	pages    *pages
	limits   limits
	strays   strays
	uses     uses
	upstream *upstream // nil: none
	relying  relying

	grants   *decider.Handler[grant.State, grant.Command, grant.Event]
	clients  *decider.Handler[client.State, client.Command, client.Event]
	sessions *decider.Handler[session.State, session.Command, session.Event]
	spending *decider.Handler[spending.State, spending.Command, spending.Event]

	metadata metadata
}

// New returns a server, or an error that says which part of the configuration
// is wrong and how to put it right.
func New(cfg Config) (*Server, error) {
	if cfg.Log == nil || cfg.Types == nil || cfg.Views == nil || cfg.Credentials == nil || cfg.Pending == nil || cfg.People == nil {
		return nil, errors.New("authz: the configuration lacks the log, its types, the views or a bucket")
	}
	sites, err := newSites(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	keys, err := newKeys(cfg.Secret)
	if err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Barrier == nil {
		cfg.Barrier = oneNode{cfg.Views}
	}
	if cfg.Documents == nil {
		cfg.Documents = cimd.NewFetcher(cfg.Clock)
	}
	if cfg.AccessLife == 0 {
		cfg.AccessLife = DefaultAccessLife
	}
	if cfg.RefreshLife == 0 {
		cfg.RefreshLife = DefaultRefreshLife
	}
	if cfg.AccessLife < 0 || cfg.RefreshLife < cfg.AccessLife || cfg.RefreshLeeway < 0 || cfg.RefreshLeeway > 10*time.Minute {
		return nil, fmt.Errorf("authz: lifetimes must be positive, the refresh lifetime the longest, the leeway at most 10m; got access %s, refresh %s, leeway %s",
			cfg.AccessLife, cfg.RefreshLife, cfg.RefreshLeeway)
	}
	if !money.IsCurrency(cfg.Currency) {
		return nil, fmt.Errorf("authz: %q is not an ISO 4217 currency", cfg.Currency)
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, sites: sites, keys: keys, pages: pages,
		limits:   newLimits(),
		relying:  newRelying(sites),
		accounts: newAccounts(cfg, keys),
		grants:   decider.NewHandler(grant.Decider(), cfg.Types, cfg.Log, cfg.Views),
		clients:  decider.NewHandler(client.Decider(), cfg.Types, cfg.Log, cfg.Views),
		sessions: decider.NewHandler(session.Decider(), cfg.Types, cfg.Log, cfg.Views),
		spending: decider.NewHandler(spending.Decider(), cfg.Types, cfg.Log, cfg.Views),
	}
	s.metadata = newMetadata(sites)
	if cfg.OpenID != nil {
		if s.upstream, err = newUpstream(*cfg.OpenID, s.now); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Accounts is the service that opens accounts and checks passwords.
func (s *Server) Accounts() *Accounts { return s.accounts }

// Handler serves every address of the authorization server. Mount it at the
// root of the public URL, beside the MCP endpoint.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/.well-known/", s.known(cors(http.HandlerFunc(s.wellKnown))))
	mux.Handle("/register", s.known(cors(only(s.json(s.register), "POST"))))
	mux.Handle("/token", s.known(cors(only(s.json(s.token), "POST"))))
	mux.Handle("/revoke", s.known(cors(only(s.json(s.revoke), "POST"))))

	forms := http.NewCrossOriginProtection()
	forms.SetDenyHandler(s.page(func(http.ResponseWriter, *http.Request) error { return errForeignForm }))
	page := func(path string, h func(http.ResponseWriter, *http.Request) error, methods ...string) {
		mux.Handle(path, s.known(forms.Handler(only(s.page(h), methods...))))
	}
	page("/authorize", s.authorize, "GET")
	page("/login", s.login, "GET", "POST")
	page("/login/passkey", s.passkeyLogin, "POST")
	if s.upstream != nil {
		page(openidStart, s.openidStart, "GET")
		page(openidCallback, s.openidCallback, "GET")
		page("/login/openid/unlink", s.openidUnlink, "POST")
	}
	page("/consent", s.consent, "GET", "POST")
	page("/setup", s.setup, "GET", "POST")
	page("/logout", s.logout, "POST")
	page("/account/connections", s.connections, "GET", "POST")
	page("/account/approve", s.approve, "GET", "POST")
	page("/account/passkeys", s.passkeys, "GET", "POST")
	page("/{$}", s.home, "GET")
	mux.Handle("/", s.known(http.HandlerFunc(nowhere)))
	return mux
}

// meta is what the events of one request carry.
func (s *Server) meta(actor eventlog.Actor) eventlog.Meta {
	id := random(16)
	return eventlog.Meta{Command: id, Correlation: id, Actor: actor, Time: s.now()}
}

func (s *Server) now() time.Time { return s.cfg.Clock().UTC() }
