package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/history"
	"till/projections"
)

// adminTools are for those who run the shop: they look into everybody's history
// and change nothing.
func (s *Server) adminTools() []tool {
	user := argument{name: "user", kind: text, most: 100, required: true, about: "Login name or id.", example: "alice", also: []string{"login"}}
	ofOrder, ofUser := orderArgument, user
	ofOrder.required, ofOrder.about, ofUser.required = false, "The order.", false
	return []tool{
		{
			name: "show_history", title: "Show a history",
			about: "Use this when you debug one cart, order, stock or other aggregate. Example: {\"kind\": \"cart\", \"id\": \"alice\"}. Returns its latest events in words, who made each and by which command, with what each changed in the state, and the state after them.",
			args: []argument{
				{name: "kind", kind: text, required: true, oneOf: history.Categories(), about: "What it is.", example: "cart"},
				{name: "id", kind: text, most: eventlog.MaxStreamID, required: true, about: "Order id, SKU, grant id …; a login name for a cart or an account.", example: "alice"},
				{name: "limit", kind: integer, least: 1, most: historyMax, fallback: historyOf, about: "Events per page."},
				{name: "cursor", kind: text, most: 60, about: "next_cursor of the page before, for older events."},
			},
			output: historyPage{}, reads: true, past: true, time: readTime, run: showHistory,
		},
		{
			name: "replay_view", title: "Replay a view",
			about: "Use this when you need to see what view_cart or get_order_history answered a person. Example: {\"user\": \"alice\", \"view\": \"cart\", \"as_of\": \"-15m\"}. Returns exactly that answer.",
			args: []argument{
				user,
				{name: "view", kind: text, oneOf: Views(), fallback: "cart", about: "Which answer."},
				{name: "limit", kind: integer, least: 1, most: pageMax, fallback: pageOf, about: "Orders per page."},
				{name: "cursor", kind: text, most: 1000, about: "next_cursor of the page before."},
			},
			output: replayed{}, reads: true, past: true, time: readTime, run: replayView,
		},
		{
			name: "why", title: "Say why",
			about:  "Use this when you ask where an order or a line of a cart comes from. Example: {\"order_id\": \"CS-7K3M9-Q2X4T\"}. Returns the events that made it, with the command, tool, agent and grant behind each.",
			args:   []argument{ofOrder, ofUser, {name: "sku", kind: text, most: 100, about: "Or the cart line of the user.", example: "MOUSE-CATNIP"}},
			output: origin{}, reads: true, past: true, time: readTime, run: why,
		},
	}
}

// listed leaves the administrators' tools out of the lists of all others.
func (s *Server) listed(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		res, err := next(ctx, method, req)
		list, ok := res.(*sdk.ListToolsResult)
		if err != nil || !ok || list == nil {
			return res, err
		}
		if caller, ok := s.Caller(token(req)); ok && grant.Covers(caller.Scopes, grant.ShopAdmin) {
			return res, nil
		}
		shown := *list
		shown.Tools = make([]*sdk.Tool, 0, len(list.Tools))
		for _, t := range list.Tools {
			if !slices.Contains(scopesOf(t.Name), grant.ShopAdmin) {
				shown.Tools = append(shown.Tools, t)
			}
		}
		return &shown, nil
	}
}

// person finds a person by login name or id.
func (c *call) person(ctx context.Context, ref, field string) (string, error) {
	id, known := ref, true
	if !strings.HasPrefix(ref, "usr_") {
		var err error
		if id, known, err = c.FindUser(ctx, ref); err != nil {
			return "", err
		}
	}
	if known {
		if _, ok, err := c.Views.Person(ctx, id); ok || err != nil {
			return id, err
		}
	}
	return "", &problem{Code: "unknown_user", Field: field,
		Message: fmt.Sprintf("Nobody has the login name or id %s. Ids look like usr_… and stand in the events.", quote(ref))}
}

// replayed is what a tool answered somebody.
type replayed struct {
	User   string     `json:"user"`
	View   string     `json:"view"`
	Tool   string     `json:"tool"`
	Said   string     `json:"said" about:"its text"`
	Cart   *basket    `json:"cart,omitempty"`
	Orders *orderPage `json:"orders,omitempty"`
	included
}

// replayView has the view's own tool answer once more, in the person's place.
func replayView(ctx context.Context, c *call) (answer, error) {
	user, err := c.person(ctx, c.text("user"), "user")
	if err != nil {
		return answer{}, err
	}
	theirs := &call{Server: c.Server, request: c.request, asked: c.asked, caller: c.caller}
	theirs.caller.User = user
	a, err := theirs.replay(ctx, Replayed{View: c.text("view"), Limit: c.number("limit"), Cursor: c.text("cursor")})
	if c.at = theirs.at; err != nil {
		return answer{}, err
	}
	a.body.include(c.at)
	out := &replayed{User: user, View: c.text("view"), Tool: theirs.tool, Said: a.say}
	switch content := a.body.(type) {
	case *basket:
		out.Cart = content
	case *orderPage:
		out.Orders = content
	}
	return answer{fmt.Sprintf("At log position %d, %s answered %s:\n%s", c.at, theirs.tool, user, a.say), out}, nil
}

// names tells who is meant by the ids in events. What cannot be named, since it
// was erased or is set aside, is told by its id.
type names struct {
	views *projections.Views
	known map[string]string
}

func (c *call) names() names { return names{c.Views, map[string]string{}} }

// who is the actor in words. Names are text from outside.
func (n names) who(ctx context.Context, a eventlog.Actor) string {
	switch a.Kind {
	case eventlog.Agent:
		return "agent " + n.client(ctx, a) + " of " + n.user(ctx, a.User)
	case eventlog.System, "":
		return "the shop"
	case eventlog.Admin:
		return "administrator " + n.user(ctx, a.User)
	}
	return n.user(ctx, a.User)
}

func (n names) user(ctx context.Context, id string) string {
	if name, ok := n.known[id]; ok {
		return name
	}
	name := clip(id, 80)
	if p, ok, err := n.views.Person(ctx, id); ok && err == nil {
		if p.Erased {
			p.Name = "erased"
		}
		name = clip(p.Name, 64) + " (" + name + ")"
	}
	n.known[id] = name
	return name
}

// client is the client by the name that it gave itself for the grant.
func (n names) client(ctx context.Context, a eventlog.Actor) string {
	if name, ok := n.known[a.Grant]; ok {
		return name
	}
	name := clip(a.Client, 80)
	state, _, err := n.views.State(ctx, eventlog.Stream{Category: grant.Category, ID: a.Grant})
	if g, ok := state.(grant.State); ok && err == nil && g.ClientName != "" {
		name = quote(g.ClientName) + " (" + name + ")"
	}
	n.known[a.Grant] = name
	return name
}
