package mcp

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
	"till/projections"
)

// completions is how many values are offered. The protocol allows 100; nobody
// reads that many.
const completions = 20

// complete offers values for the argument that a person is typing: products by
// their words, the person's own orders by their numbers. What the token may not
// read is not offered, as if there were none.
func (s *Server) complete(ctx context.Context, req *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
	c := &call{Server: s, tool: "completion/complete", request: s.requestID(req)}
	var ok bool
	if c.caller, ok = s.Caller(token(req)); !ok {
		return nil, errUnauthenticated
	}
	ref, argument := req.Params.Ref, req.Params.Argument
	if len(argument.Value) > maxURI {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "argument.value is too long"}
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	values, more := []string{}, false
	err := c.read(ctx, func(r *projections.Reader) (err error) {
		switch {
		case ref.URI == productURI+"{handle}" && argument.Name == "handle" && grant.Covers(c.caller.Scopes, grant.CatalogRead):
			values, more, err = handles(ctx, r, argument.Value)
		case argument.Name == "order_id" && (ref.URI == orderURI+"{order_id}" || ref.Name == "where_is_my_order") && grant.Covers(c.caller.Scopes, grant.OrdersRead):
			values, more, err = c.orderIDs(ctx, r, argument.Value)
		}
		return err
	})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		p, _ := explain(err, c.request)
		s.Logger.LogAttrs(ctx, slog.LevelError, "completion failed", slog.String("request", c.request), slog.String("error", err.Error()))
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: p.Message}
	}
	return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: values, HasMore: more}}, nil
}

// handles are those of the products that a search for the text finds.
func handles(ctx context.Context, r *projections.Reader, text string) ([]string, bool, error) {
	// "oak-b" is the beginning of a handle; a search knows words.
	page, err := r.Products(ctx, projections.ProductQuery{Text: strings.ReplaceAll(text, "-", " "), Limit: completions})
	values := make([]string, 0, len(page.Products))
	for _, l := range page.Products {
		values = append(values, l.Handle)
	}
	return values, page.Next != "", err
}

// orderIDs are the latest of the person that begin with the text, in any case.
func (c *call) orderIDs(ctx context.Context, r *projections.Reader, text string) ([]string, bool, error) {
	const latest = 50
	page, err := r.Orders(ctx, projections.OrderQuery{User: c.caller.User, Limit: latest})
	values, more := []string{}, page.Next != ""
	for _, o := range page.Orders {
		if !strings.HasPrefix(o.ID, strings.ToUpper(strings.TrimSpace(text))) {
			continue
		}
		if len(values) == completions {
			return values, true, err
		}
		values = append(values, o.ID)
	}
	return values, more, err
}
