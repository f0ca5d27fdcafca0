package mcp

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
	"till/projections"
)

// completions is how many values are offered. The protocol allows 100; nobody
// reads that many.
const completions = 20

// offered are values for an argument: the first of all that fit.
type offered struct {
	values []string
	// total is how many fit, 0 if that is not known; more says that there are more.
	total int
	more  bool
}

// complete offers values for the argument that a person is typing: products by
// their words, the person's own orders by their numbers, what they bought by its
// title, policies by their names. What the token may not read is not offered, as if
// there were none.
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
	o := offered{values: []string{}}
	find := c.completer(ref, argument.Name)
	var err error
	if find != nil {
		err = c.read(ctx, func(r *projections.Reader) (err error) {
			o, err = find(ctx, r, argument.Value)
			return err
		})
	}
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		p, _ := explain(err, c.request)
		s.Logger.LogAttrs(ctx, slog.LevelError, "completion failed", slog.String("request", c.request), slog.String("error", err.Error()))
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: p.Message}
	}
	return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: o.values, Total: o.total, HasMore: o.more}}, nil
}

// completer is what finds values for an argument of a template or a prompt, nil
// where there are none to offer to this token.
func (c *call) completer(ref *sdk.CompleteReference, argument string) func(context.Context, *projections.Reader, string) (offered, error) {
	may := func(scope string) bool { return grant.Covers(c.caller.Scopes, scope) }
	switch at := ref.URI + ref.Name + " " + argument; {
	case at == productURI+"{handle} handle" && may(grant.CatalogRead):
		return handles
	case (at == orderURI+"{number} number" || at == "where_is_my_order order_id") && may(grant.OrdersRead):
		return c.orderIDs
	case at == "reorder_my_usual what" && may(grant.OrdersRead):
		return c.bought
	case at == policyURI+"{name} name" && may(grant.CatalogRead):
		return c.policyNames
	case at == "find_a_gift budget":
		return budgets
	}
	return nil
}

// handles are those of the products that a search for the text finds.
func handles(ctx context.Context, r *projections.Reader, text string) (offered, error) {
	// "oak-b" is the beginning of a handle; a search knows words.
	page, err := r.Products(ctx, projections.ProductQuery{Text: strings.ReplaceAll(text, "-", " "), Begun: true, Limit: completions})
	o := offered{make([]string, 0, len(page.Products)), page.Total, page.Next != ""}
	for _, l := range page.Products {
		o.values = append(o.values, l.Handle)
	}
	return o, err
}

// latest is how many of the person's orders are looked through.
const latest = 50

// orderIDs are the latest of the person that begin with the text, in any case.
func (c *call) orderIDs(ctx context.Context, r *projections.Reader, text string) (offered, error) {
	page, err := r.Orders(ctx, projections.OrderQuery{User: c.caller.User, Limit: latest})
	ids := make([]string, len(page.Orders))
	for i, o := range page.Orders {
		ids[i] = o.ID
	}
	o := beginning(ids, strings.ToUpper(text))
	if o.more = o.more || page.Next != ""; page.Next != "" {
		if o.total = 0; strings.TrimSpace(text) == "" {
			o.total = page.Total
		}
	}
	return o, err
}

// bought are the titles of what is in the person's latest orders, the latest first,
// that hold the text.
func (c *call) bought(ctx context.Context, r *projections.Reader, text string) (offered, error) {
	page, err := r.Orders(ctx, projections.OrderQuery{User: c.caller.User, Limit: latest})
	o, text := offered{values: []string{}, more: page.Next != ""}, strings.ToLower(strings.TrimSpace(text))
	for _, order := range page.Orders {
		for _, l := range order.Lines {
			if !strings.Contains(strings.ToLower(l.Title), text) || slices.Contains(o.values, l.Title) {
				continue
			}
			if len(o.values) == completions {
				o.more = true
				return o, err
			}
			o.values = append(o.values, l.Title)
		}
	}
	return o, err
}

func (c *call) policyNames(_ context.Context, _ *projections.Reader, text string) (offered, error) {
	names := make([]string, len(c.Policies))
	for i, p := range c.Policies {
		names[i] = p.Name
	}
	return beginning(names, strings.ToLower(text)), nil
}

// budgets are round amounts: what people mean by one.
func budgets(_ context.Context, _ *projections.Reader, text string) (offered, error) {
	return beginning([]string{"10", "20", "25", "50", "100", "150", "200"}, text), nil
}

// beginning are the values that begin with the text.
func beginning(values []string, text string) offered {
	o := offered{values: []string{}}
	for _, v := range values {
		if strings.HasPrefix(v, strings.TrimSpace(text)) {
			if o.total++; len(o.values) < completions {
				o.values = append(o.values, v)
			}
		}
	}
	o.more = o.total > len(o.values)
	return o
}
