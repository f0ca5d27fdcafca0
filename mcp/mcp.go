// Package mcp is the shop as MCP clients see it: tools, prompts and resources
// over Streamable HTTP in both protocol eras. It decides nothing about the shop
// and nothing about tokens; it names arguments, asks the domain and the views,
// and words their answers.
package mcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/time/rate"

	"till/domain/aftersale"
	"till/domain/checkout"
	"till/domain/eventlog"
	"till/domain/money"
	"till/projections"
)

// Path is where the endpoint stands below the public URL. A trailing slash is
// taken too.
const Path = "/mcp"

// Shop is what the tools sell from. All fields are required.
type Shop struct {
	Carts     *checkout.Carts
	Checkout  *checkout.Process
	Aftersale *aftersale.Process
	Views     *projections.Views
	// Moments are the views as they stood in the past; Log is what they are folded
	// from, Types the words that it is written in.
	Moments *projections.Moments
	Log     eventlog.Log
	Types   *eventlog.Types
	// FindUser returns the id of the person with the login name, false for none.
	FindUser func(ctx context.Context, login string) (id string, known bool, err error)
	// Currency is the ISO 4217 code in which price filters are read and an empty
	// cart is totalled.
	Currency string
	// Approval is the address where a person answers what a client asked to buy,
	// Limits that where they say what their agents may spend.
	Approval func(client, purchase string) string
	Limits   string
	// Policies are the merchant's texts, see [Policies]. They may be none.
	Policies []Policy
	// Now is the clock and NewID makes ids of commands and requests; NewID's are
	// unguessable and at most 64 letters, digits and hyphens.
	Now     func() time.Time
	NewID   func() string
	Logger  *slog.Logger
	Version string
}

// Caller is on whose behalf a request is made. All but Name are random ids.
type Caller struct {
	User   string
	Client string
	Grant  string
	// Name is what the shop calls the person, never an instruction to a model.
	Name string
	// Scopes are those of the token of this very request.
	Scopes []string
}

// Config is all that a Server needs.
type Config struct {
	Shop
	// PublicURL is the origin under which people reach the shop, without path.
	PublicURL *url.URL
	// Aliases are further host names, without port, under which it may be reached.
	Aliases []string
	// Connector also offers search and fetch, which ChatGPT's connectors look for.
	// The addresses in their answers are those of [Server.ProductPages].
	Connector bool
	// AllowOrigins are further web origins whose pages may call the endpoint.
	AllowOrigins []string
	// Authenticate wraps the handler that answers authorized requests; inside it
	// [Needs] tells what a request needs. Nil lets everyone through to Caller.
	Authenticate func(http.Handler) http.Handler
	// Caller tells who stands behind a request. The token is nil where there is
	// none; false refuses the request.
	Caller func(*auth.TokenInfo) (Caller, bool)
	// Still is whether a token that was good at a request is still good: what is
	// pushed goes to who was let in long ago. Nil takes the token's own end.
	Still func(*auth.TokenInfo) bool

	// pulse, idle and progress replace the usual times in tests; zero for those.
	pulse, idle, progress time.Duration
}

// Server is the MCP face of one shop.
type Server struct {
	Config
	sdk     *sdk.Server
	handler http.Handler
	// sending sends to one session; lists are those that can change.
	sending sdk.MethodHandler
	lists   struct{ tools, prompts, resources bool }
	// slow are the tools that may take longer than a stream may be silent.
	slow []string
	// quick are all others, which need no stream; alive are the sessions whose calls
	// of these need not go through the SDK.
	quick         map[string]tool
	alive         alive
	notices       notices
	subscriptions *subscriptions
	// following begins to watch the views, once; unwatch ends it.
	following sync.Once
	mu        sync.Mutex
	unwatch   func()
	// replays counts the moments of the past that each person asks for.
	replays *perPerson
	codes   *perPerson
	// questions counts what each person is asked; waits are the calls that wait for an
	// answer, until stopping ends.
	questions *perPerson
	waits     waits
	stopping  context.Context
	stop      context.CancelFunc
	// strays bounds what is said of requests under foreign names.
	strays rate.Sometimes
	// views are the documents in which clients show answers.
	views []view
}

// New returns the face of the shop. It returns an error that names what the
// configuration lacks.
func New(c Config) (*Server, error) {
	switch {
	case c.Carts == nil || c.Checkout == nil || c.Aftersale == nil || c.Views == nil:
		return nil, errors.New("mcp: the shop lacks its carts, its checkout, its aftersale or its views")
	case c.Moments == nil || c.Log == nil || c.Types == nil:
		return nil, errors.New("mcp: the shop lacks its past or its log")
	case c.FindUser == nil:
		return nil, errors.New("mcp: the shop knows nobody by name")
	case c.Approval == nil || c.Limits == "":
		return nil, errors.New("mcp: nobody can be asked about a purchase")
	case c.Now == nil || c.NewID == nil:
		return nil, errors.New("mcp: the shop lacks its clock or its ids")
	case !money.IsCurrency(c.Currency):
		return nil, fmt.Errorf("mcp: %q is not an ISO 4217 currency", c.Currency)
	case c.Caller == nil:
		return nil, errors.New("mcp: nobody tells who is calling")
	case c.PublicURL == nil || c.PublicURL.Host == "":
		return nil, errors.New("mcp: the public URL is not known")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		Config: c, quick: map[string]tool{},
		replays: newPerPerson(replaysPerSecond, replaysAtOnce), codes: newPerPerson(codesPerSecond, codesAtOnce),
		questions: newPerPerson(questionsPerSecond, questionsAtOnce), strays: rate.Sometimes{Interval: time.Minute},
	}
	var err error
	if s.views, err = makeViews(); err != nil {
		return nil, err
	}
	s.pulse, s.idle, s.progress = cmp.Or(s.pulse, pulse), cmp.Or(s.idle, sessionLife), cmp.Or(s.progress, progressEvery)
	s.subscriptions = newSubscriptions()
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.sdk = s.newSDK()
	s.handler = s.chain()
	return s, nil
}

// SDK returns the protocol server itself, for another transport than HTTP.
func (s *Server) SDK() *sdk.Server { return s.sdk }
