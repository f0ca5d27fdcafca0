package mcp

import (
	"context"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
	"till/domain/grant"
)

const (
	// gathering is how long changes are gathered before a subscriber is told: a
	// checkout is many events, and a client reads anew for each time it is told.
	gathering = 50 * time.Millisecond
	// pushTime bounds the telling of one change to one client.
	pushTime = 10 * time.Second
)

// Names that the SDK keeps to itself.
const (
	resourceUpdated    = "notifications/resources/updated"
	toolsChanged       = "notifications/tools/list_changed"
	promptsChanged     = "notifications/prompts/list_changed"
	resourcesChanged   = "notifications/resources/list_changed"
	listenAcknowledged = "notifications/subscriptions/acknowledged"
)

// listStream stands for a list in the subscriptions: it changes with no event.
func listStream(changed string) eventlog.Stream { return eventlog.Stream{ID: changed} }

// follow begins to watch the views, once somebody is to be told of changes.
func (s *Server) follow() {
	s.following.Do(func() {
		stop := s.Views.Watch(s.changed)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unwatch = stop
	})
}

// changed lets all be told who hear of one of the streams; of anything for nil. It
// runs on the projector, between two batches.
func (s *Server) changed(streams []eventlog.Stream) {
	all := s.subscriptions
	all.mu.Lock()
	defer all.mu.Unlock()
	if streams == nil {
		for stream, heard := range all.by {
			if stream.Category != "" {
				s.due(heard)
			}
		}
		return
	}
	for _, stream := range streams {
		s.due(all.by[stream])
	}
}

func (s *Server) due(heard map[interest]struct{}) {
	for i := range heard {
		i.due[i.uri] = struct{}{}
		s.soon(i.subscriber)
	}
}

// soon tells a subscriber what is due in a moment, if it is not told already. It
// is called under the mutex.
func (s *Server) soon(to *subscriber) {
	if !to.telling && !to.ended && len(to.due) > 0 {
		to.telling = true
		time.AfterFunc(gathering, func() { s.tell(to) })
	}
}

// release lets a subscriber be told from now on, and of what came since they joined.
func (s *Server) release(to *subscriber) {
	s.subscriptions.mu.Lock()
	defer s.subscriptions.mu.Unlock()
	to.telling = false
	s.soon(to)
}

// retell tells the session of the old era what it could not be told before: it had
// no stream open, or no good token.
func (s *Server) retell(session string, token *auth.TokenInfo) {
	s.subscriptions.mu.Lock()
	defer s.subscriptions.mu.Unlock()
	if to := s.subscriptions.named[session]; to != nil {
		if token != nil {
			to.token = token
		}
		to.again = to.telling
		s.soon(to)
	}
}

// good is who stands behind a token that was seen at a request, if it is good now.
func (s *Server) good(token *auth.TokenInfo) (Caller, bool) {
	c, ok := s.Caller(token)
	switch {
	case !ok:
	case token == nil:
	case !token.Expiration.IsZero() && !s.Now().Before(token.Expiration):
		ok = false
	case s.Still != nil && !s.Still(token):
		ok = false
	}
	return c, ok
}

// tell tells a subscriber all that is due. Each has at most one goroutine for it,
// and none while nothing changes.
func (s *Server) tell(to *subscriber) {
	all := s.subscriptions
	all.mu.Lock()
	due, token := to.due, to.token
	to.due = map[string]struct{}{}
	all.mu.Unlock()
	untold := s.tellSafely(to, token, slices.Sorted(maps.Keys(due)))
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, uri := range untold { // it waits until a stream or a token is seen
		if _, heard := to.uris[uri]; heard {
			to.due[uri] = struct{}{}
		}
	}
	to.telling = false
	if len(untold) == 0 || to.again {
		to.again = false
		s.soon(to)
	}
}

// tellSafely is tellAll that survives a panic, since nobody stands behind it.
func (s *Server) tellSafely(to *subscriber, token *auth.TokenInfo, uris []string) (untold []string) {
	defer func() {
		if fault := recover(); fault != nil {
			s.Logger.Error("panic", "method", resourceUpdated, slog.Any("fault", fault), "stack", string(debug.Stack()))
		}
	}()
	return s.tellAll(to, token, uris)
}

// tellAll tells of the resources that the subscriber may still read, and returns
// those of which it may be told later.
func (s *Server) tellAll(to *subscriber, token *auth.TokenInfo, uris []string) (untold []string) {
	caller, ok := s.good(token)
	if !ok || caller.User != to.user {
		if to.listen != nil {
			s.subscriptions.leave(to) // its token stays what it is
		}
		return uris
	}
	for _, uri := range uris {
		if !grant.Covers(caller.Scopes, resourceScopes(uri)...) {
			continue
		}
		if err := s.push(to, uri); err != nil {
			untold = append(untold, uri)
			continue
		}
		if strings.HasPrefix(uri, productURI) {
			s.rewatch(to, caller, uri)
		}
	}
	return untold
}

// rewatch lets a subscriber hear of variants that a product has got since.
func (s *Server) rewatch(to *subscriber, caller Caller, uri string) {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	c := &call{Server: s, tool: "resources/subscribe", caller: caller}
	if streams, err := c.streamsOf(ctx, uri); err == nil && len(streams) > 0 {
		s.subscriptions.mu.Lock()
		defer s.subscriptions.mu.Unlock()
		s.subscriptions.put(to, uri, streams)
	}
}

// push sends one notification to one client: over its listening, or over the stream
// that the session of the old era holds open.
func (s *Server) push(to *subscriber, uri string) error {
	ctx, cancel := context.WithTimeout(context.Background(), pushTime)
	defer cancel()
	meta := sdk.Meta{}
	if to.listen != nil {
		meta[sdk.MetaKeySubscriptionID] = to.listen
	}
	switch uri {
	case toolsChanged:
		return notify(ctx, s.sending, to.session, uri, &sdk.ToolListChangedParams{Meta: meta})
	case promptsChanged:
		return notify(ctx, s.sending, to.session, uri, &sdk.PromptListChangedParams{Meta: meta})
	case resourcesChanged:
		return notify(ctx, s.sending, to.session, uri, &sdk.ResourceListChangedParams{Meta: meta})
	}
	return notify(ctx, s.sending, to.session, resourceUpdated, &sdk.ResourceUpdatedNotificationParams{URI: uri, Meta: meta})
}

// notify sends a notification to one session, for which the SDK offers nothing: it
// is what the SDK itself hands to its sending middleware.
func notify[P sdk.Params](ctx context.Context, send sdk.MethodHandler, to *sdk.ServerSession, method string, params P) error {
	_, err := send(ctx, method, &sdk.ServerRequest[P]{Session: to, Params: params})
	return err
}
