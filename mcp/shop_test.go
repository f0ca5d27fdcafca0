package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/aftersale"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/checkout"
	"till/domain/client"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/order"
	"till/domain/payment"
	"till/domain/payment/testgateway"
	"till/domain/promotion"
	"till/domain/spending"
	"till/domain/stock"
	"till/projections"
)

// shop is a whole shop behind its face: real deciders and views over a log in
// memory, real HTTP. Only the tokens are simple: "alice" is alice's with all
// scopes, "alice:catalog:read" hers with that one.
type shop struct {
	t         testing.TB
	log       *memlog.Log
	views     *projections.Views
	moments   *projections.Moments
	types     *eventlog.Types
	products  *decider.Handler[catalog.State, catalog.Command, catalog.Event]
	process   *checkout.Process
	aftersale *aftersale.Process
	gateway   *gateway
	face      *Server
	url       string
	logged    *lockedBuffer
	commands  int

	mu  sync.Mutex
	now time.Time
}

// gateway is the test gateway, which can also be told to be a real one, or to take
// its time.
type gateway struct {
	*testgateway.Gateway
	real bool
	slow time.Duration
}

func (g *gateway) Authorize(ctx context.Context, r payment.Request) (payment.Result, error) {
	select {
	case <-time.After(g.slow):
		return g.Gateway.Authorize(ctx, r)
	case <-ctx.Done():
		return payment.Result{}, ctx.Err()
	}
}

func (g *gateway) Test() bool { return !g.real }

var _ payment.Gateway = (*gateway)(nil)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newShop opens a shop with a few products.
func newShop(t testing.TB, change ...func(*Config)) *shop {
	t.Helper()
	s := &shop{t: t, log: memlog.New("epoch-1"), logged: &lockedBuffer{}, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	types := eventlog.NewTypes()
	registerAll(types)
	s.types = types
	views, err := projections.Open(t.Context(), projections.Options{Dir: t.TempDir(), Log: s.log, Types: types, Keys: keyOf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = views.Close() })
	s.views = views
	if s.moments, err = projections.NewMoments(t.TempDir(), s.log, types); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.moments.Close() })
	s.gateway = &gateway{Gateway: testgateway.New(&memlog.Bucket{}, s.clock)}
	s.products = decider.NewHandler(catalog.Decider(), types, s.log, views)
	s.process = &checkout.Process{
		Carts:      decider.NewHandler(cart.Decider(), types, s.log, views),
		Stocks:     decider.NewHandler(stock.Decider(), types, s.log, views),
		Orders:     decider.NewHandler(order.Decider(), types, s.log, views),
		Spendings:  decider.NewHandler(spending.Decider(), types, s.log, views),
		Promotions: decider.NewHandler(promotion.Decider(), types, s.log, views),
		Source:     views, Shelf: views, Gateway: s.gateway,
		Secret: []byte("a secret of thirty-two bytes ..."), Now: s.clock,
	}
	s.aftersale = &aftersale.Process{Checkout: s.process}
	s.sell("2", "catnip-mouse", "Catnip Mouse", "toys", 150, variants("MOUSE-CATNIP", "", 499))
	s.sell("1", "whisker-wand", "Whisker Wand", "toys", 84, variants("WAND-WHISKER", "", 999))
	s.sell("4", "cozy-cat-bed", "Cozy Cat Bed", "beds", 9, variants("BED-S-GREY", "small / grey", 2999, "BED-L-GREY", "large / grey", 3999, "BED-L-BLUE", "large / blue", 3999))
	s.sell("9", "rare-thing", "Rare Thing", "toys", 3, variants("RARE", "", 1000))
	s.sell("10", "gone-thing", "Gone Thing", "toys", 0, variants("GONE", "", 1000))
	s.serve(change...)
	return s
}

// registerAll makes the events of the shop known.
func registerAll(types *eventlog.Types) {
	for _, register := range []func(*eventlog.Types){
		catalog.Register, stock.Register, cart.Register, order.Register, promotion.Register, spending.Register,
		account.Register, grant.Register, client.Register, session.Register,
	} {
		register(types)
	}
}

// serve puts the face on HTTP.
func (s *shop) serve(change ...func(*Config)) {
	var ids atomic.Int64
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	s.t.Cleanup(server.Close)
	s.url = server.URL + Path
	public, err := url.Parse(server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	policies, err := Policies(filepath.Join(s.t.TempDir(), "none"))
	if err != nil {
		s.t.Fatal(err)
	}
	c := Config{
		Shop: Shop{
			Carts: s.process.Carts, Checkout: s.process, Aftersale: s.aftersale, Views: s.views, Moments: s.moments, Log: s.log, Types: s.types, FindUser: findUser, Currency: "USD",
			Approval: func(client, purchase string) string { return "http://shop.test/approve?" + client + "." + purchase }, Limits: "http://shop.test/limits",
			Now: s.clock, NewID: func() string { return fmt.Sprintf("id-%d", ids.Add(1)) },
			Policies: policies,
			Logger:   slog.New(slog.NewJSONHandler(s.logged, nil)), Version: "test",
		},
		PublicURL: public, Authenticate: authenticate, Caller: callerOf,
	}
	for _, f := range change {
		f(&c)
	}
	if s.face, err = New(c); err != nil {
		s.t.Fatal(err)
	}
	handler = s.face.Handler()
}

// authenticate stands in for the authorization server's middleware.
func authenticate(next http.Handler) http.Handler {
	return auth.RequireBearerToken(func(_ context.Context, token string, r *http.Request) (*auth.TokenInfo, error) {
		user, scopes, _ := strings.Cut(token, ":")
		info := &auth.TokenInfo{UserID: user, Scopes: grant.Shopping(), Expiration: time.Now().Add(time.Hour)}
		if scopes != "" {
			info.Scopes = strings.Split(scopes, ",")
		}
		return info, nil
	}, nil)(next)
}

func callerOf(info *auth.TokenInfo) (Caller, bool) {
	if info == nil {
		return Caller{}, false
	}
	return Caller{User: "usr_" + info.UserID, Client: "cli_1", Grant: "grt_1", Name: info.UserID, Scopes: info.Scopes}, true
}

func (s *shop) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *shop) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// variants makes variants of SKU, values and price in cents, three each.
func variants(of ...any) []catalog.Variant {
	var vs []catalog.Variant
	for i := 0; i < len(of); i += 3 {
		v := catalog.Variant{SKU: of[i].(string), Price: money.Of(int64(of[i+2].(int)), "USD")}
		if words := of[i+1].(string); words != "" {
			v.Values = strings.Split(words, " / ")
		}
		vs = append(vs, v)
	}
	return vs
}

// sell puts a product on offer with so many pieces of each variant.
func (s *shop) sell(id, handle, title, category string, pieces int, vs []catalog.Variant) {
	s.t.Helper()
	p := catalog.Product{ID: id, Handle: handle, Title: title, Category: category, Description: "A " + title + " for cats.", Variants: vs}
	if len(vs[0].Values) > 0 {
		p.Options = []string{"size", "colour"}[:len(vs[0].Values)]
	}
	do(s, s.products, id, catalog.Command(catalog.Offer{Product: p}))
	for _, v := range vs {
		do(s, s.process.Stocks, v.SKU, stock.Command(stock.Open{OnHand: pieces}))
	}
}

func do[S, C, E any](s *shop, h *decider.Handler[S, C, E], id string, c C) {
	s.t.Helper()
	s.commands++
	out, err := h.Do(s.t.Context(), id, c, eventlog.Meta{Command: fmt.Sprintf("setup-%d", s.commands), Time: s.clock()})
	if err != nil {
		s.t.Fatalf("%T on %s: %v", c, id, err)
	}
	if err := s.views.Wait(s.t.Context(), out.Position); err != nil {
		s.t.Fatal(err)
	}
}

// head is how many events the log holds.
func (s *shop) head() eventlog.Position {
	head, err := s.log.Head(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return head
}

// era is a protocol era as the SDK's client speaks it.
type era string

const (
	modernEra era = "2026-07-28"
	legacyEra era = "2025-11-25"
)

// bearer puts a token on every request, and holds the client to an era.
type bearer struct {
	token string
	era   era
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

// agent is an MCP client with somebody's token.
type agent struct {
	*sdk.ClientSession
	t testing.TB
}

func (s *shop) agent(token string, e era) *agent {
	s.t.Helper()
	return s.agentWith(token, e, nil)
}

func (s *shop) agentWith(token string, e era, options *sdk.ClientOptions) *agent {
	s.t.Helper()
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, options)
	session, err := c.Connect(s.t.Context(), &sdk.StreamableClientTransport{
		Endpoint: s.url, DisableStandaloneSSE: true, HTTPClient: &http.Client{Transport: bearer{token, e}},
	}, &sdk.ClientSessionOptions{ProtocolVersion: string(e)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = session.Close() })
	return &agent{session, s.t}
}

// said is what a tool said.
type said struct {
	IsError bool
	Text    string
	// Data is the structured content, or what the error's text holds of it.
	Data map[string]any
}

func (a *agent) call(tool string, args any) said {
	a.t.Helper()
	res, err := a.CallTool(a.t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		a.t.Fatalf("%s: %v", tool, err)
	}
	return saidOf(a.t, res)
}

func saidOf(t testing.TB, res *sdk.CallToolResult) said {
	t.Helper()
	if len(res.Content) != 1 {
		t.Fatalf("%d pieces of content", len(res.Content))
	}
	out := said{IsError: res.IsError, Text: res.Content[0].(*sdk.TextContent).Text}
	last := out.Text[strings.LastIndexByte(out.Text, '\n')+1:]
	if err := json.Unmarshal([]byte(last), &out.Data); err != nil {
		t.Fatalf("the text does not end with JSON: %q", out.Text)
	}
	return out
}

// ok calls a tool that must succeed.
func (a *agent) ok(tool string, args any) said {
	a.t.Helper()
	out := a.call(tool, args)
	if out.IsError {
		a.t.Fatalf("%s was refused: %s", tool, out.Text)
	}
	return out
}

// refused calls a tool that must be refused with the code.
func (a *agent) refused(code, tool string, args any) said {
	a.t.Helper()
	out := a.call(tool, args)
	if !out.IsError || out.text("code") != code {
		a.t.Fatalf("%s(%v) was not refused with %s but: %s", tool, args, code, out.Text)
	}
	return out
}

// at finds a value by its path: "orders.0.order_id".
func (a said) at(path string) any {
	var v any = a.Data
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[step]
		case []any:
			i := 0
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func (a said) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a said) number(path string) int {
	n, ok := a.at(path).(float64)
	if !ok {
		return -1
	}
	return int(n)
}

type args map[string]any

// events are all events on the log.
func (s *shop) events() []eventlog.Envelope {
	s.t.Helper()
	var all []eventlog.Envelope
	for batch, err := range s.log.Follow(s.t.Context(), 0, 1000) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, batch...)
		if all[len(all)-1].Position >= s.head() {
			break
		}
	}
	return all
}
