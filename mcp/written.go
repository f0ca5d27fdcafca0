package mcp

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// written is a tool's result that writes itself in one go. The SDK's own type is
// encoded part by part and each part is scanned again on every level around it:
// on a cart of three lines that is a tenth of the whole call (BenchmarkCall).
type written struct {
	sdk.ResultBase
	text       string
	structured json.RawMessage
	isError    bool
	modern     bool // the era of resultType (2026-07-28, results)
}

// writing hands the results of tools on as written ones. Those that ask the
// client something stay as they are; the SDK must see them.
func writing(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		res, err := next(ctx, method, req)
		r, ok := res.(*sdk.CallToolResult)
		if err != nil || !ok || r == nil || len(r.Content) != 1 || r.InputRequests != nil || r.RequestState != "" {
			return res, err
		}
		text, plain := r.Content[0].(*sdk.TextContent)
		structured, raw := r.StructuredContent.(json.RawMessage)
		session, served := req.GetSession().(*sdk.ServerSession)
		if !plain || !raw && r.StructuredContent != nil || text.Meta != nil || text.Annotations != nil || !served {
			return res, err
		}
		w := &written{text: text.Text, structured: structured, isError: r.IsError}
		w.Meta = r.Meta
		if p := session.InitializeParams(); p != nil {
			w.modern = p.ProtocolVersion >= modernSince
		}
		return w, nil
	}
}

// MarshalJSON writes what sdk.CallToolResult would.
func (w *written) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(w.text)+len(w.text)/4+len(w.structured)+256)
	b = append(b, '{')
	if len(w.Meta) > 0 {
		meta, err := json.Marshal(w.Meta)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, `"_meta":`...), meta...), ',')
	}
	b = append(b, `"content":[{"type":"text","text":`...)
	b = append(appendText(b, w.text), `}]`...)
	if w.structured != nil {
		b = append(append(b, `,"structuredContent":`...), w.structured...)
	}
	if w.isError {
		b = append(b, `,"isError":true`...)
	}
	if w.modern {
		b = append(b, `,"resultType":"complete"`...)
	}
	return append(b, '}'), nil
}

// appendText appends a text as JSON (RFC 8259 section 7).
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}
