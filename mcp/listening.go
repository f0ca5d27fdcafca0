package mcp

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
	"till/domain/grant"
)

// subscribing answers for the subscriptions of both eras in place of the SDK.
func (s *Server) subscribing(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		if session, ok := req.GetSession().(*sdk.ServerSession); ok && session.ID() != "" {
			s.retell(session.ID(), token(req)) // by its newest token
			s.alive.note(session.ID(), token(req), s.Now())
		}
		switch r := req.(type) {
		case *sdk.SubscribeRequest:
			return s.subscribe(ctx, r)
		case *sdk.UnsubscribeRequest:
			if to := s.subscriptions.of(r.Session); to != nil {
				s.subscriptions.remove(to, r.Params.URI)
			}
			return &nothing{}, nil
		case *sdk.SubscriptionsListenRequest:
			return s.listen(ctx, r)
		}
		return next(ctx, method, req)
	}
}

// nothing is a result that says nothing.
type nothing struct{ sdk.ResultBase }

// subscribe lets a session of the old era hear of a resource.
func (s *Server) subscribe(ctx context.Context, req *sdk.SubscribeRequest) (sdk.Result, error) {
	if req.Session.ID() == "" && !onStreams(ctx) {
		return nil, refusal("only a session can be told of changes: send initialize first, and with each request the Mcp-Session-Id that it answers with")
	}
	c, err := s.hearing(req)
	if err != nil {
		return nil, err
	}
	streams, err := c.streamsOf(ctx, req.Params.URI)
	if err != nil {
		return nil, err
	}
	fresh := &subscriber{session: req.Session, user: c.caller.User, token: token(req)}
	to, err := s.subscriptions.join(fresh)
	if err != nil {
		return nil, err
	}
	if to == fresh {
		s.release(to)
		go func() {
			_ = req.Session.Wait() // however it ends
			s.subscriptions.leave(to)
		}()
	}
	if err := s.subscriptions.add(to, req.Params.URI, streams); err != nil {
		return nil, err
	}
	return &nothing{}, nil
}

// hearing is the call of somebody who wants to hear of changes.
func (s *Server) hearing(req sdk.Request) (*call, error) {
	s.follow()
	c := &call{Server: s, tool: "resources/subscribe", request: s.requestID(req)}
	var ok bool
	if c.caller, ok = s.Caller(token(req)); !ok {
		return nil, errUnauthenticated
	}
	return c, nil
}

// streamsOf are the streams that change a resource which the caller may read. What
// is another person's is as missing as what does not exist.
func (c *call) streamsOf(ctx context.Context, uri string) ([]eventlog.Stream, error) {
	k, name, ok := kindOf(uri)
	if !ok || len(uri) > maxURI {
		return c.fixtureStreams(uri)
	}
	if !grant.Covers(c.caller.Scopes, k.scopes...) {
		return nil, refusal("The access token lacks the scope %s that %s needs. Ask the person to connect the shop again and to allow it.", list(k.scopes), clip(uri, maxURI))
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	streams, err := k.streams(ctx, c, name)
	if err != nil {
		return nil, c.unread(uri, err)
	}
	return streams, nil
}

// listen is subscriptions/listen of the new era: it tells of changes until the
// client goes, its token is not good any more or the shop stops.
func (s *Server) listen(ctx context.Context, req *sdk.SubscriptionsListenRequest) (sdk.Result, error) {
	// The SDK takes it in the old era too. There it would listen under a wrong id, since
	// a session keeps the context of its first request.
	if req.ProtocolVersion() < modernSince {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: `method not found: "subscriptions/listen"`}
	}
	want := req.Params.Notifications
	if want == nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: `subscriptions/listen must say what to listen to, such as "notifications":{"resourceSubscriptions":["shop://cart"]}`}
	}
	id, ok := listenID(ctx, req)
	if !ok {
		return nil, refusal("subscriptions/listen must be a request with an id")
	}
	c, err := s.hearing(req)
	if err != nil {
		return nil, err
	}
	if !s.subscriptions.open(c.caller.User) {
		return nil, refusal("at most %d streams can be open for one person; close one first", maxStreams)
	}
	defer s.subscriptions.shut(c.caller.User)
	to := &subscriber{session: req.Session, listen: id, user: c.caller.User, token: token(req)}
	if _, err := s.subscriptions.join(to); err != nil {
		return nil, err
	}
	defer s.subscriptions.leave(to)
	agreed, err := c.agree(ctx, to, want)
	if err != nil {
		return nil, err
	}
	meta := sdk.Meta{sdk.MetaKeySubscriptionID: id}
	if err := notify(ctx, s.sending, req.Session, listenAcknowledged, &sdk.SubscriptionsAcknowledgedParams{Notifications: agreed, Meta: meta}); err != nil {
		return nil, err
	}
	s.release(to)
	if agreed.ToolsListChanged || agreed.PromptsListChanged || agreed.ResourcesListChanged || len(agreed.ResourceSubscriptions) > 0 {
		s.until(ctx, to)
	}
	return &sdk.SubscriptionsListenResult{Meta: sdk.Meta{sdk.MetaKeySubscriptionID: id}}, nil
}

// agree lets a listening hear of all that it wants and can be told.
func (c *call) agree(ctx context.Context, to *subscriber, want *sdk.NotificationSubscriptions) (agreed sdk.NotificationSubscriptions, err error) {
	for _, l := range []struct {
		wants, can bool
		changed    string
		agreed     *bool
	}{
		{want.ToolsListChanged, c.lists.tools, toolsChanged, &agreed.ToolsListChanged},
		{want.PromptsListChanged, c.lists.prompts, promptsChanged, &agreed.PromptsListChanged},
		{want.ResourcesListChanged, c.lists.resources, resourcesChanged, &agreed.ResourcesListChanged},
	} {
		if *l.agreed = l.wants && l.can; *l.agreed {
			if err := c.subscriptions.add(to, l.changed, []eventlog.Stream{listStream(l.changed)}); err != nil {
				return agreed, err
			}
		}
	}
	if len(want.ResourceSubscriptions) > maxURIs {
		return agreed, refusal("at most %d resources can be listened to at once", maxURIs)
	}
	for _, uri := range want.ResourceSubscriptions {
		if slices.Contains(agreed.ResourceSubscriptions, uri) {
			continue
		}
		streams, err := c.streamsOf(ctx, uri)
		if err == nil {
			err = c.subscriptions.add(to, uri, streams)
		}
		if err != nil {
			return agreed, err
		}
		agreed.ResourceSubscriptions = append(agreed.ResourceSubscriptions, uri)
	}
	return agreed, nil
}

// until waits for the end of a listening.
func (s *Server) until(ctx context.Context, to *subscriber) {
	tick := time.NewTicker(s.pulse)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-to.over:
			return
		case <-tick.C:
			if _, ok := s.good(to.token); !ok {
				return
			}
		}
	}
}

// listenScopes are what a token must hold to hear of all that a listening names, so
// that a client is asked for them before it listens.
func listenScopes(wants json.RawMessage) (scopes []string) {
	var n struct {
		ResourceSubscriptions []string `json:"resourceSubscriptions"`
	}
	_ = json.Unmarshal(wants, &n) // what is wrong with it is said by who listens
	for _, uri := range n.ResourceSubscriptions[:min(len(n.ResourceSubscriptions), maxURIs)] {
		for _, scope := range resourceScopes(uri) {
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	return scopes
}

// listenID is the id of the request that listens, which the SDK keeps to itself:
// over HTTP the chain has read it, over two streams their reader.
func listenID(ctx context.Context, req *sdk.SubscriptionsListenRequest) (id any, ok bool) {
	raw := json.RawMessage(nil)
	if onStreams(ctx) && req.Extra != nil {
		raw = json.RawMessage(req.Extra.Header.Get(messageHeader))
	} else if q, ok := ctx.Value(requestKey{}).(*Request); ok {
		raw = q.id
	}
	if len(raw) == 0 || json.Unmarshal(raw, &id) != nil || id == nil {
		return nil, false
	}
	switch id.(type) {
	case string, float64:
		return json.RawMessage(raw), true // as it was sent
	}
	return nil, false
}

// End ends all that is pushed, for good, each listening with its answer, and lets no
// call wait for a person any longer, so that the shop can close. All others are
// answered as before.
func (s *Server) End() {
	s.stop()
	s.subscriptions.end()
	s.following.Do(func() {}) // nobody begins any more
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unwatch != nil {
		s.unwatch()
	}
}
