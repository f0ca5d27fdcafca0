package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// straightly answers a plain call of a tool without the SDK's connection, which for
// each call is made, decodes the message up to five times and hands it on through two
// goroutines: that is more than all the rest of a call (benchmarks.md). Whatever is
// not as plain as can be goes on to next, which alone knows the whole protocol; that
// both answer the same is held by TestStraightAnswersAreTheSDKs.
func (s *Server) straightly(next http.Handler) http.Handler {
	run := s.recovering(s.scoped(func(ctx context.Context, _ string, req sdk.Request) (sdk.Result, error) {
		r := req.(*sdk.CallToolRequest)
		return s.call(ctx, s.quick[r.Params.Name], r)
	}))
	about := append([]byte(`"_meta":{"`+sdk.MetaKeyServerInfo+`":`), encode(s.self())...)
	about = append(about, '}', ',')
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := Needs(r)
		if q.Method == "notifications/cancelled" {
			s.notices.take(r, q.seen.cancels) // and the SDK is told too, which knows all others
		}
		modern := r.Header.Get("Mcp-Protocol-Version") == modernSince
		if !s.isPlain(r, q) || modern && !isModern(r, q) || !modern && !s.isOld(r, q) {
			next.ServeHTTP(w, r)
			return
		}
		req := &sdk.CallToolRequest{
			Params: &sdk.CallToolParamsRaw{Name: q.Name, Arguments: q.seen.arguments},
			Extra:  &sdk.RequestExtra{TokenInfo: auth.TokenInfoFromContext(r.Context()), Header: r.Header},
		}
		ctx, end := r.Context(), func() {}
		if !s.quick[q.Name].reads && r.Header.Get("Mcp-Session-Id") != "" {
			ctx, end = s.notices.begin(r, q.id)
		}
		defer end()
		res, err := run(ctx, q.Method, req)
		if err != nil {
			if r.Context().Err() == nil { // else nobody is listening
				refuseStraight(w, q, err)
			}
			return
		}
		var meta []byte
		if modern {
			meta = about
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache, no-transform") // as the SDK has it
		_, _ = w.Write(straightAnswer(q.id, meta, res.(*sdk.CallToolResult)))
	})
}

// isPlain is whether the request is a call of a quick tool that only wants its answer.
func (s *Server) isPlain(r *http.Request, q Request) bool {
	_, quick := s.quick[q.Name]
	return r.Method == http.MethodPost && q.Method == "tools/call" && quick && q.id != nil && !q.follows && !q.seen.odd &&
		q.seen.params == '{' && isObject(q.seen.arguments, true) && q.accepts != onlyStream &&
		r.Header.Get("Content-Type") == "application/json" && len(r.Header.Values("Last-Event-ID")) == 0
}

// isModern is whether headers and message say the same, and all that they must.
func isModern(r *http.Request, q Request) bool {
	p := q.seen
	return string(p.metaVersion) == `"`+modernSince+`"` && r.Header.Get("Mcp-Session-Id") == "" &&
		r.Header.Get("Mcp-Method") == q.Method && r.Header.Get("Mcp-Name") == q.Name &&
		decodes[sdk.ClientCapabilities](p.capabilities, false) && decodes[sdk.Implementation](p.clientInfo, true)
}

// isOld is whether it is a call of the old era, without a session or in one that the
// SDK has just answered in: it keeps the sessions, and their time.
func (s *Server) isOld(r *http.Request, q Request) bool {
	version := r.Header.Get("Mcp-Protocol-Version")
	if q.seen.metaVersion != nil || version != "" && !slices.Contains(oldVersions(), version) {
		return false
	}
	token := auth.TokenInfoFromContext(r.Context())
	id := r.Header.Get("Mcp-Session-Id")
	if id != "" && !s.alive.lately(id, token, min(aliveFor, s.idle/3), s.Now()) {
		return false
	}
	if id != "" {
		s.retell(id, token)
	}
	return true
}

// oldVersions are the protocol versions of the old era.
func oldVersions() []string { return []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"} }

func isObject(raw json.RawMessage, orNone bool) bool {
	return len(raw) == 0 && orNone || len(raw) > 0 && raw[0] == '{'
}

// decodes is whether the SDK could take the value for a T.
func decodes[T any](raw json.RawMessage, orNone bool) bool {
	if len(raw) == 0 || raw[0] != '{' {
		return len(raw) == 0 && orNone
	}
	return string(raw) == "{}" || json.Unmarshal(raw, new(T)) == nil
}

// straightAnswer is the JSON-RPC answer. The content stands in it as it was encoded
// for the text, whose last line it is: encoding it again would take as long.
func straightAnswer(id json.RawMessage, meta []byte, res *sdk.CallToolResult) []byte {
	text := res.Content[0].(*sdk.TextContent).Text
	var b bytes.Buffer
	b.Grow(2*len(text) + len(text)/4 + 400)
	b.WriteString(`{"jsonrpc":"2.0","id":`)
	b.Write(id)
	b.WriteString(`,"result":{`)
	b.Write(meta)
	b.WriteString(`"content":[{"type":"text","text":`)
	b.Write(encode(text))
	b.WriteString(`}]`)
	if res.IsError {
		b.WriteString(`,"isError":true`)
	} else {
		b.WriteString(`,"structuredContent":`)
		b.WriteString(text[strings.LastIndexByte(text, '\n')+1:])
	}
	if meta != nil {
		b.WriteString(`,"resultType":"complete"`)
	}
	b.WriteString("}}")
	return b.Bytes()
}

func refuseStraight(w http.ResponseWriter, q Request, err error) {
	code, message := int64(internalError), "internal error"
	var e *jsonrpc.Error
	switch {
	case errors.As(err, &e):
		code, message = e.Code, e.Message
	case errors.Is(err, context.Canceled):
		message = "the call was cancelled"
	}
	answerError(w, http.StatusOK, q.id, int(code), message)
}
