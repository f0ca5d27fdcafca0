package mcp

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
)

// errUnauthenticated answers a request that nobody stands behind. Over HTTP the
// authentication has refused it before.
var errUnauthenticated = &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: "not authenticated: send the access token of this shop with the request"}

// recovering turns a panic into a JSON-RPC error. The SDK runs handlers on
// goroutines of its own without a recover, so that one panic ends the process.
func (s *Server) recovering(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (res sdk.Result, err error) {
		defer func() {
			if fault := recover(); fault != nil {
				id := s.requestID(req)
				s.Logger.LogAttrs(ctx, slog.LevelError, "panic", slog.String("method", method),
					slog.String("request", id), slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
				res, err = nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError,
					Message: fmt.Sprintf("the shop made a mistake; report request %s to it", id)}
			}
		}()
		return next(ctx, method, req)
	}
}

// scoped is the second line of defence behind the authentication of the HTTP
// chain: it checks the scope for what is really about to run, by the token of
// this very request.
func (s *Server) scoped(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		var needs []string
		switch r := req.(type) {
		case *sdk.CallToolRequest:
			needs = scopesOf(r.Params.Name)
		case *sdk.ReadResourceRequest:
			needs = resourceScopes(r.Params.URI)
		}
		if needs == nil {
			return next(ctx, method, req)
		}
		caller, ok := s.Caller(token(req))
		if !ok {
			return nil, errUnauthenticated
		}
		if grant.Covers(caller.Scopes, needs...) {
			return next(ctx, method, req)
		}
		lacks := slices.DeleteFunc(slices.Clone(needs), func(scope string) bool { return grant.Covers(caller.Scopes, scope) })
		p := &problem{Code: "insufficient_scope", Allowed: strings.Join(needs, " "),
			Message: fmt.Sprintf("The access token lacks the scope %s. Ask the person to connect the shop again and to allow it.", list(lacks))}
		if _, tool := req.(*sdk.CallToolRequest); !tool {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: p.Message}
		}
		return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: p.Message + "\n" + string(encode(p))}}}, nil
	}
}
