package mcp

import (
	"context"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// MCP Apps, revision 2026-01-26: a client that can shows a tool's answer in a
// document of ours, in a sandbox that reaches nothing but the client itself.
const (
	appsExtension = "io.modelcontextprotocol/ui"
	viewMIME      = "text/html;profile=mcp-app"
	viewURI       = "ui://shop/"
	// viewLife is for how long a client may keep a view, in milliseconds. What it
	// shows is in its address, so that a changed one has another.
	viewLife = 7 * 24 * 60 * 60 * 1000
)

// viewsCheckout is the tool behind the views' button that buys. Clients offer it to
// their views and to no model, so that who has pressed the button is not asked once
// more; many could not even put the question of a view's call to their person. That
// is as good as the client, just as its answer to a question is.
const viewsCheckout = "confirm_checkout"

// viewOf is the view that shows the tool's answers, "" for none. What only changes
// the cart has none: a model that adds five things would fill the chat with carts.
func viewOf(tool string) string {
	switch tool {
	case "list_products", "search_products", "get_product":
		return "products"
	case "view_cart", "reorder":
		return "cart"
	case "review_checkout", "checkout":
		return "checkout"
	case "get_order_history", "get_order", "explain_order":
		return "orders"
	}
	return ""
}

// appMeta ties a tool to its view; nil for none. It is there for every client:
// some show views without saying that they can (microsoft/vscode#291432), and
// others look over it.
func (s *Server) appMeta(tool string) sdk.Meta {
	if tool == viewsCheckout {
		return sdk.Meta{"ui": map[string]any{"visibility": []string{"app"}}}
	}
	for _, v := range s.views {
		if v.name == viewOf(tool) {
			return sdk.Meta{"ui": map[string]any{"resourceUri": v.uri}}
		}
	}
	return nil
}

// withApps says that this server has views.
func withApps(c *sdk.ServerCapabilities) {
	c.AddExtension(appsExtension, map[string]any{"mimeTypes": []string{viewMIME}})
}

// addViews offers the views for reading.
func (s *Server) addViews(server *sdk.Server) {
	for _, v := range s.views {
		server.AddResource(&sdk.Resource{URI: v.uri, Name: v.name, Title: v.title, MIMEType: viewMIME, Description: v.about},
			func(context.Context, *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) { return v.read(), nil })
	}
}

// read answers with the document, which is the same for everybody.
func (v view) read() *sdk.ReadResourceResult {
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{
		URI: v.uri, MIMEType: viewMIME, Text: v.document,
		// No address is named, so that the client lets none be reached.
		Meta: sdk.Meta{"ui": map[string]any{"csp": map[string]any{}, "prefersBorder": true}},
	}}}
}

// keepView says for how long the view that is read may be kept, and that it is
// nobody's own.
func keepView(read *sdk.ReadResourceRequest, c *sdk.Cacheable) {
	if strings.HasPrefix(read.Params.URI, viewURI) {
		c.CacheScope, c.TTLMs = "public", viewLife
	}
}

// apps keeps the views out of the list of resources, and their tool out of that of
// tools, unless the client says that it shows them: people and models pick from
// these lists. And it reads the view of today under the
// address of an older program: a conversation that is opened again asks for what
// it showed then.
func (s *Server) apps(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		switch r := req.(type) {
		case *sdk.ListToolsRequest:
			res, err := next(ctx, method, req)
			if list, ok := res.(*sdk.ListToolsResult); ok && err == nil && list != nil && !showsApps(r.ClientCapabilities()) {
				shown := *list
				shown.Tools = slices.DeleteFunc(slices.Clone(list.Tools), func(t *sdk.Tool) bool { return t.Name == viewsCheckout })
				return &shown, nil
			}
			return res, err
		case *sdk.ListResourcesRequest:
			res, err := next(ctx, method, req)
			if list, ok := res.(*sdk.ListResourcesResult); ok && err == nil && list != nil && !showsApps(r.ClientCapabilities()) {
				shown := *list
				shown.Resources = slices.DeleteFunc(slices.Clone(list.Resources), func(r *sdk.Resource) bool { return strings.HasPrefix(r.URI, viewURI) })
				return &shown, nil
			}
			return res, err
		case *sdk.ReadResourceRequest:
			if v, old := s.olderView(r.Params.URI); old {
				return s.readOlder(ctx, next, method, r, v)
			}
		}
		return next(ctx, method, req)
	}
}

// showsApps is whether the client says that it shows views.
func showsApps(can *sdk.ClientCapabilities) bool {
	return can != nil && can.Extensions[appsExtension] != nil
}

// olderView finds the view that had the address in another program.
func (s *Server) olderView(uri string) (view, bool) {
	name, _, named := strings.Cut(strings.TrimPrefix(uri, viewURI), "-")
	for _, v := range s.views {
		if named && v.name == name && uri != v.uri && strings.HasPrefix(uri, viewURI) && len(uri) <= maxURI {
			return v, true
		}
	}
	return view{}, false
}

// readOlder reads the view of today for who asked for an older one, not to be kept.
func (s *Server) readOlder(ctx context.Context, next sdk.MethodHandler, method string, req *sdk.ReadResourceRequest, v view) (sdk.Result, error) {
	asked, params := req.Params.URI, *req.Params
	today := *req
	today.Params, params.URI = &params, v.uri
	res, err := next(ctx, method, &today)
	if read, ok := res.(*sdk.ReadResourceResult); ok && err == nil && len(read.Contents) == 1 {
		read.Contents[0].URI, read.TTLMs = asked, 0
	}
	return res, err
}
