package cmd

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/cart"
	"till/domain/eventlog"
)

// bomb is an event of a cart that this program cannot read: its upcaster panics.
type bomb struct {
	cart.Event `json:"-"`
}

func explode(json.RawMessage) (json.RawMessage, error) { panic("a fault in the upcaster") }

// bearer puts a token on every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// viewed is what view_cart tells a user of the shop.
func viewed(t *testing.T, shop *Running, user string) (said string, refused bool) {
	t.Helper()
	token, err := Login(t.Context(), shop.Endpoint, user, shop.Users[user], "catalog:read cart:write")
	if err != nil {
		t.Fatal(err)
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(context.Background(), &sdk.StreamableClientTransport{
		Endpoint: shop.Endpoint, DisableStandaloneSSE: true, HTTPClient: &http.Client{Transport: bearer(token)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	out, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "view_cart", Arguments: map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Content[0].(*sdk.TextContent).Text, out.IsError
}

// An event of alice's cart that the program cannot fold stops her cart and
// nothing else: she is told the position, so is the shop's keeper, and a retry
// fails until the program is mended.
func TestQuarantineOnARunningShop(t *testing.T) {
	shop := ill(t)
	a, dir := shop.App, shop.App.folder.Path()
	eventlog.Register[bomb](a.types, "cart.exploded", 2, explode)
	alice, err := a.authz.Accounts().Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	stream := eventlog.Stream{Category: cart.Category, ID: alice}
	at, err := a.log.Append(t.Context(), eventlog.Change{Stream: stream, Events: []eventlog.Envelope{{
		Stream: stream, Number: 1, Type: "cart.exploded", Version: 1, Data: []byte("{}"), Meta: eventlog.Meta{Command: "c", Time: time.Now()},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.views.Wait(t.Context(), at); err != nil {
		t.Fatalf("the others stand still: %v", err)
	}
	if said, refused := viewed(t, shop, "alice"); !refused || !strings.Contains(said, `"code":"set_aside"`) || !strings.Contains(said, "position 265") && !strings.Contains(said, "log position") {
		t.Errorf("alice is told %s", said)
	}
	if said, refused := viewed(t, shop, "bob"); refused {
		t.Errorf("bob is told %s", said)
	}
	till := func(args ...string) (code int, said string) {
		var out strings.Builder
		code = Main(append(args, "--data", dir), strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	if code, said := till("quarantine"); code != 0 || !strings.HasPrefix(said, "cart/"+alice+" of alice from position ") || !strings.Contains(said, "(event 1): a fault in the upcaster") {
		t.Errorf("%d %s", code, said)
	}
	if code, said := till("quarantine", "list", "--json"); code != 0 || !strings.Contains(said, `"reason":"a fault in the upcaster","who":"alice"`) {
		t.Errorf("%d %s", code, said)
	}
	for _, command := range [][]string{{"quarantine", "retry"}, {"rebuild"}, {"rebuild", "--verify"}} {
		if code, said := till(command...); code != 1 || !strings.Contains(said, "cannot be folded: a fault in the upcaster") || strings.Count(said, "\n") != 1 {
			t.Errorf("%v: %d %s", command, code, said)
		}
	}
	findings(t, a)["quarantine"].expect(t, wrong, "1 stream set aside, the first cart/"+alice, "quarantine retry")
	if code, said := till("replay", "--user", "bob"); code != 1 || !strings.Contains(said, "cannot be folded") {
		t.Errorf("a past behind it: %d %s", code, said)
	}
	if code, said := till("replay", "--user", "bob", "--as-of", "10"); code != 0 {
		t.Errorf("a past before it: %d %s", code, said)
	}
}
