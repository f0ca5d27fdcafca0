package mcp

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/projections"
)

const (
	productURI = "shop://products/"
	orderURI   = "shop://orders/"
	maxURI     = 400
)

// addResources offers products and the person's own orders for reading.
func (s *Server) addResources(server *sdk.Server) {
	server.AddResourceTemplate(&sdk.ResourceTemplate{
		URITemplate: productURI + "{handle}", Name: "product", Title: "Product", MIMEType: "application/json",
		Description: "A product with its variants, prices and stock, by handle, id or SKU.",
	}, s.readResource)
	server.AddResourceTemplate(&sdk.ResourceTemplate{
		URITemplate: orderURI + "{order_id}", Name: "order", Title: "Order", MIMEType: "application/json",
		Description: "An order of the person: status, lines, total and payment.",
	}, s.readResource)
}

// readResource reads a product or an order. Somebody else's order is as missing
// as one that does not exist.
func (s *Server) readResource(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	uri := req.Params.URI
	missing := &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "Resource not found", Data: encode(map[string]string{"uri": clip(uri, maxURI)})}
	c := &call{Server: s, tool: "resources/read", request: s.requestID(req)}
	var ok bool
	if c.caller, ok = s.Caller(token(req)); !ok {
		return nil, errUnauthenticated
	}
	if len(uri) > maxURI {
		return nil, missing
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	b, err := c.resource(ctx, uri)
	var p *problem
	switch {
	case errors.As(err, &p) && !p.Retryable:
		return nil, missing
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		p, _ = explain(err, c.request)
		s.Logger.Error("resource failed", "request", c.request, "error", err.Error())
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: p.Message}
	}
	b.include(c.at)
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: "application/json", Text: string(encode(b))}}}, nil
}

// orderRead is an order as a resource.
type orderRead struct {
	orderDetail
	included
}

func (c *call) resource(ctx context.Context, uri string) (b body, err error) {
	handle, isProduct := strings.CutPrefix(uri, productURI)
	id := strings.TrimPrefix(uri, orderURI)
	err = c.read(ctx, func(r *projections.Reader) error {
		if isProduct {
			ref, err := url.PathUnescape(handle)
			if err != nil {
				return invalid("uri", "not a URI")
			}
			l, sku, err := find(ctx, r, ref)
			b = productOf(l, sku)
			return err
		}
		o, err := c.order(ctx, r, id)
		b = &orderRead{orderDetail: detailOf(o)}
		return err
	})
	return b, err
}
