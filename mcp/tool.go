package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
)

// Bounds on the time that a tool takes. The checkout's own bound is shorter.
const (
	readTime     = 10 * time.Second
	writeTime    = 15 * time.Second
	checkoutTime = 45 * time.Second
)

// tool is one tool: what clients see of it and what it does.
type tool struct {
	name, title, about string
	args               []argument
	// output is a value of the type that the tool answers with.
	output any
	// reads changes nothing; destroys takes something away; repeats says that
	// doing it twice is doing it once; open reaches beyond the shop.
	reads, destroys, repeats, open bool
	// past says that it can be asked about a moment of the past.
	past bool
	time time.Duration
	run  func(context.Context, *call) (answer, error)
}

// answer is what a tool says: a sentence or two for people, and the content. Where
// nothing is said the content is the whole text.
type answer struct {
	say  string
	body body
}

// body is the content of an answer; it holds an included.
type body interface{ include(eventlog.Position) }

// included ends the content of every answer: all that stands on the log up to
// this position is in it.
type included struct {
	AsOf uint64 `json:"as_of"`
}

func (i *included) include(at eventlog.Position) { i.AsOf = uint64(at) }

// call is one call of a tool.
type call struct {
	*Server
	values
	caller  Caller
	request string
	tool    string
	// sent is the call itself; nil in a replay.
	sent *sdk.CallToolRequest
	// asks is what the person is asked instead of an answer; nil for nothing.
	asks *sdk.CallToolResult
	// asked is the moment that the call is about; nil for now.
	asked *eventlog.Position
	// asking is whether it waits for its person just now.
	asking atomic.Bool
	// at is the position that the answer includes.
	at eventlog.Position
	// reading replaces the shop's own views; nil for them.
	reading reading
}

// keyArgument names the argument under which a write is done only once.
const keyArgument = "idempotency_key"

// add offers the tool; told is what the ones before it have told of their answers.
// Server.AddTool hands over raw arguments: the SDK's own decoding costs 1.6 times
// the CPU, alters large integers and refuses "5".
func (s *Server) add(server *sdk.Server, t tool, told map[reflect.Type]string) {
	destroys, open := t.destroys, t.open
	server.AddTool(&sdk.Tool{
		Meta: s.appMeta(t.name),
		Name: t.name, Title: t.title, Description: t.about,
		// Raw, because the SDK marshals the schema at every modern call.
		InputSchema:  inputSchema(t.args),
		OutputSchema: outputSchema(t.output, t.name, told),
		// Each hint is said: an absent one counts as true for two of them.
		Annotations: &sdk.ToolAnnotations{
			ReadOnlyHint: t.reads, DestructiveHint: &destroys,
			IdempotentHint: t.repeats || t.reads, OpenWorldHint: &open,
		},
	}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return s.call(ctx, t, req)
	})
}

// call runs the tool and words its answer or its error.
func (s *Server) call(ctx context.Context, t tool, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	c := &call{Server: s, tool: t.name, request: s.requestID(req), sent: req}
	var ok bool
	if c.caller, ok = s.Caller(token(req)); !ok {
		return nil, errUnauthenticated
	}
	ctx, cancel := context.WithTimeout(ctx, t.time)
	defer cancel()
	defer c.progressing(ctx, t)()
	var err error
	var a answer
	if c.values, err = decode(t.args, req.Params.Arguments, s.Currency); err == nil {
		err = c.turn(ctx)
	}
	if err == nil {
		a, err = t.run(ctx, c)
	}
	if err != nil {
		return s.refuse(ctx, c, err)
	}
	if c.asks != nil {
		return c.asks, nil
	}
	a.body.include(c.at)
	body, err := json.Marshal(a.body)
	if err != nil {
		return s.refuse(ctx, c, err)
	}
	text := string(body)
	if a.say != "" {
		text = a.say + "\n" + text
	}
	return &sdk.CallToolResult{
		Content:           []sdk.Content{&sdk.TextContent{Text: text}},
		StructuredContent: a.body,
	}, nil
}

// refuse words an error. It has no structured content: clients check that
// against the tool's output schema, of errors too.
func (s *Server) refuse(ctx context.Context, c *call, err error) (*sdk.CallToolResult, error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil, ctx.Err() // nobody is listening any more
	}
	p, internal := explain(err, c.request)
	p.AsOf = uint64(c.at)
	if internal {
		s.Logger.LogAttrs(ctx, slog.LevelError, "tool failed",
			slog.String("tool", c.tool), slog.String("request", c.request), slog.String("error", err.Error()))
	}
	s.Logger.LogAttrs(ctx, slog.LevelDebug, "tool refused",
		slog.String("tool", c.tool), slog.String("request", c.request), slog.String("code", p.Code))
	return &sdk.CallToolResult{
		Content: []sdk.Content{&sdk.TextContent{Text: p.Message + "\n" + string(encode(p))}},
		IsError: true,
	}, nil
}

// token is who called, from the request itself: the context of a stateful
// session is that of its first request and holds a token of long ago.
func token(req sdk.Request) *auth.TokenInfo {
	if extra := req.GetExtra(); extra != nil {
		return extra.TokenInfo
	}
	return nil
}

// requestID is the id under which the request stands in the log; over HTTP the
// chain has put it into the header.
func (s *Server) requestID(req sdk.Request) string {
	if extra := req.GetExtra(); extra != nil {
		if id := extra.Header.Get(requestHeader); id != "" {
			return id
		}
	}
	return s.NewID()
}

// meta is what the events of this call carry. With a key, the command is the
// key of this person, so that it is done once and for good.
func (c *call) meta() eventlog.Meta {
	m := eventlog.Meta{
		Command:     c.NewID(),
		Actor:       eventlog.Actor{Kind: eventlog.Agent, User: c.caller.User, Client: c.caller.Client, Grant: c.caller.Grant},
		Correlation: c.request,
		Causation:   "mcp:" + c.tool,
		Time:        c.Now().UTC(),
	}
	if key := c.text(keyArgument); key != "" {
		m.Command = "key:" + digest(c.caller.User, key)
		m.Fingerprint = digest(c.tool, c.canonical())
	}
	return m
}

// digest is a hash over two texts.
func digest(a, b string) string {
	sum := sha256.Sum256([]byte(a + "\x00" + b))
	return hex.EncodeToString(sum[:16])
}
