package mcp

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/stock"
	"till/projections"
)

const (
	productURI = "shop://products/"
	orderURI   = "shop://orders/"
	policyURI  = "shop://policies/"
	cartURI    = "shop://cart"
	maxURI     = 400
)

const jsonType, markdownType = "application/json", "text/markdown"

// resourceKind is one kind of resources.
type resourceKind struct {
	// prefix begins the URIs of the kind, and the rest names one; without a slash at
	// its end it is the only URI.
	prefix string
	// scopes are what a token must hold to read one or to hear of it.
	scopes []string
	mime   string
	// read returns its text. What is not there, and what is another person's, is a
	// problem that no retry helps.
	read func(ctx context.Context, c *call, name string) (string, error)
	// streams are those whose events change what is read; nil if none does.
	streams func(ctx context.Context, c *call, name string) ([]eventlog.Stream, error)
}

// resourceKinds are all kinds. A function, because there are no globals here.
func resourceKinds() []resourceKind {
	return []resourceKind{
		{productURI, []string{grant.CatalogRead}, jsonType, readProduct, productStreams},
		{orderURI, []string{grant.OrdersRead}, jsonType, readOrder, orderStreams},
		{cartURI, scopesOf("view_cart"), jsonType, readCart, cartStreams},
		{policyURI, []string{grant.CatalogRead}, markdownType, readPolicy, policyStreams},
	}
}

// kindOf finds the kind of a URI and the name in it.
func kindOf(uri string) (k resourceKind, name string, ok bool) {
	for _, k := range resourceKinds() {
		name, ok := strings.CutPrefix(uri, k.prefix)
		if ok && (name != "") == strings.HasSuffix(k.prefix, "/") {
			name, err := url.PathUnescape(name)
			return k, name, err == nil
		}
	}
	return k, "", false
}

// resourceScopes are what a token must hold to read the resource.
func resourceScopes(uri string) []string {
	k, _, _ := kindOf(uri)
	return k.scopes
}

// addResources offers products, the person's cart and own orders, and the
// merchant's texts for reading.
func (s *Server) addResources(server *sdk.Server) {
	for _, t := range []*sdk.ResourceTemplate{
		{URITemplate: productURI + "{handle}", Name: "product", Title: "Product", MIMEType: jsonType,
			Description: "A product with its variants, prices and stock, by handle, id or SKU."},
		{URITemplate: orderURI + "{number}", Name: "order", Title: "Order", MIMEType: jsonType,
			Description: "An order of the person: status, lines, total and payment."},
		{URITemplate: policyURI + "{name}", Name: "policy", Title: "Policy", MIMEType: markdownType,
			Description: "How the shop works: returns, shipping, payment, privacy and what else the merchant has written."},
	} {
		server.AddResourceTemplate(t, s.readResource)
	}
	server.AddResource(&sdk.Resource{URI: cartURI, Name: "cart", Title: "Cart", MIMEType: jsonType,
		Description: "The person's cart, as view_cart answers it."}, s.readResource)
	for _, p := range s.Policies {
		server.AddResource(&sdk.Resource{URI: policyURI + p.Name, Name: "policy-" + p.Name, Title: p.Title, MIMEType: markdownType,
			Description: "The merchant's text about: " + strings.ReplaceAll(p.Name, "-", " "), Size: int64(len(p.Text))}, s.readResource)
	}
}

// missingResource answers for what is not there, or not this person's.
func missingResource(uri string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "Resource not found", Data: encode(map[string]string{"uri": clip(uri, maxURI)})}
}

// readResource reads a resource. Somebody else's order is as missing as one that
// does not exist.
func (s *Server) readResource(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	uri := req.Params.URI
	c := &call{Server: s, tool: "resources/read", request: s.requestID(req)}
	var ok bool
	if c.caller, ok = s.Caller(token(req)); !ok {
		return nil, errUnauthenticated
	}
	k, name, ok := kindOf(uri)
	if !ok || len(uri) > maxURI {
		return nil, missingResource(uri)
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	text, err := k.read(ctx, c, name)
	if err != nil {
		return nil, c.unread(uri, err)
	}
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: k.mime, Text: text}}}, nil
}

// unread words why a resource cannot be read.
func (c *call) unread(uri string, err error) error {
	var p *problem
	switch {
	case errors.As(err, &p) && !p.Retryable:
		return missingResource(uri)
	case errors.Is(err, context.Canceled):
		return err
	}
	p, _ = explain(err, c.request)
	c.Logger.Error("resource failed", "request", c.request, "error", err.Error())
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: p.Message}
}

// resourceText is the JSON of a body, which includes what c.at says.
func (c *call) resourceText(b body, err error) (string, error) {
	if err != nil {
		return "", err
	}
	b.include(c.at)
	return string(encode(b)), nil
}

func readProduct(ctx context.Context, c *call, ref string) (string, error) {
	var b body
	err := c.read(ctx, func(r *projections.Reader) error {
		l, sku, err := find(ctx, r, ref)
		b = productOf(l, sku)
		return err
	})
	return c.resourceText(b, err)
}

func productStreams(ctx context.Context, c *call, ref string) (streams []eventlog.Stream, err error) {
	err = c.read(ctx, func(r *projections.Reader) error {
		l, _, err := find(ctx, r, ref)
		streams = []eventlog.Stream{{Category: catalog.Category, ID: l.ID}}
		for _, v := range l.Variants {
			streams = append(streams, eventlog.Stream{Category: stock.Category, ID: v.SKU})
		}
		return err
	})
	return streams, err
}

// orderRead is an order as a resource.
type orderRead struct {
	orderDetail
	orderStory
	included
}

func readOrder(ctx context.Context, c *call, id string) (string, error) {
	var b body
	err := c.read(ctx, func(r *projections.Reader) error {
		o, err := c.order(ctx, r, id)
		b = &orderRead{orderDetail: detailOf(o), orderStory: storyOf(o, c.Now())}
		return err
	})
	return c.resourceText(b, err)
}

func orderStreams(ctx context.Context, c *call, id string) (streams []eventlog.Stream, err error) {
	err = c.read(ctx, func(r *projections.Reader) error {
		o, err := c.order(ctx, r, id)
		streams = []eventlog.Stream{{Category: order.Category, ID: o.ID}}
		return err
	})
	return streams, err
}

func readCart(ctx context.Context, c *call, _ string) (string, error) {
	a, err := viewCart(ctx, c)
	return c.resourceText(a.body, err)
}

func cartStreams(_ context.Context, c *call, _ string) ([]eventlog.Stream, error) {
	return []eventlog.Stream{{Category: cart.Category, ID: c.caller.User}}, nil
}

func readPolicy(_ context.Context, c *call, name string) (string, error) {
	for _, p := range c.Policies {
		if p.Name == name {
			return p.Text, nil
		}
	}
	return "", invalid("uri", "no policy of this shop")
}

// policyStreams are none: the texts are read at the start.
func policyStreams(ctx context.Context, c *call, name string) ([]eventlog.Stream, error) {
	_, err := readPolicy(ctx, c, name)
	return nil, err
}
