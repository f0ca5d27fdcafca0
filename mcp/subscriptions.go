package mcp

import (
	"fmt"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/eventlog"
)

// Bounds on what is subscribed to.
const (
	// maxURIs is how many resources one session or one listening hears of, and
	// maxPersonURIs how many all of a person's do.
	maxURIs       = 64
	maxPersonURIs = 512
	// maxStreams is how many streams a person may hold open, of both eras.
	maxStreams = 48
)

// subscriptions are who is to be told of which changes. The SDK keeps them by URI,
// for all who ever asked for it: shop://cart is everybody's, and who is told that
// it has changed is told what another person does (go-sdk #1265). It also walks
// over all of them at the end of each request, and keeps those of sessions that are
// gone. So they are kept here, by the streams of events that change a resource, of
// which a person's cart is one and another person's another.
type subscriptions struct {
	mu sync.Mutex
	// over is whether the shop stops: nobody is taken any more.
	over bool
	// by are those who hear of a stream; without a category it is a list.
	by map[eventlog.Stream]map[interest]struct{}
	// all are all subscribers, sessions those of the old era.
	all      map[*subscriber]struct{}
	sessions map[*sdk.ServerSession]*subscriber
	// named are those of the old era by the ids of their sessions.
	named map[string]*subscriber
	// people count the resources that each person hears of, streams those that each
	// holds open.
	people, streams map[string]int
}

// interest is one resource of one subscriber.
type interest struct {
	*subscriber
	uri string
}

// subscriber is a session of the old era or one subscriptions/listen of the new.
type subscriber struct {
	session *sdk.ServerSession
	// listen is the id of the request that listens; nil in the old era.
	listen any
	user   string
	over   chan struct{} // closed when it shall not be told any more

	// All below under the mutex of the subscriptions.

	// token is the newest that its session was seen with, or that of the listening.
	token *auth.TokenInfo
	uris  map[string][]eventlog.Stream
	// due are the resources that it has still to be told of.
	due map[string]struct{}
	// telling is whether it is told just now or in a moment, again whether it could
	// be told more since.
	telling, again bool
	ended          bool
}

func newSubscriptions() *subscriptions {
	return &subscriptions{
		by: map[eventlog.Stream]map[interest]struct{}{}, all: map[*subscriber]struct{}{},
		sessions: map[*sdk.ServerSession]*subscriber{}, named: map[string]*subscriber{},
		people: map[string]int{}, streams: map[string]int{},
	}
}

// refusal is why somebody is not told of changes.
func refusal(format string, args ...any) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: fmt.Sprintf(format, args...)}
}

// join takes a subscriber, who is told nothing until they are released. A session
// that subscribes twice at once is one subscriber: the first one is returned.
func (all *subscriptions) join(s *subscriber) (*subscriber, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.over {
		return nil, refusal("the shop is being stopped; subscribe again when it is back")
	}
	if first := all.sessions[s.session]; first != nil && s.listen == nil {
		return first, nil
	}
	s.over, s.uris, s.due, s.telling = make(chan struct{}), map[string][]eventlog.Stream{}, map[string]struct{}{}, true
	all.all[s] = struct{}{}
	if s.listen == nil {
		all.sessions[s.session] = s
		if id := s.session.ID(); id != "" {
			all.named[id] = s
		}
	}
	return s, nil
}

// of is the subscriber of a session of the old era, nil for none.
func (all *subscriptions) of(session *sdk.ServerSession) *subscriber {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.sessions[session]
}

// add lets a subscriber hear of a resource.
func (all *subscriptions) add(s *subscriber, uri string, streams []eventlog.Stream) error {
	all.mu.Lock()
	defer all.mu.Unlock()
	_, known := s.uris[uri]
	switch {
	case s.ended:
		return refusal("the subscription has ended; subscribe again")
	case known:
	case len(s.uris) >= maxURIs:
		return refusal("at most %d resources can be subscribed to at once; unsubscribe from one first", maxURIs)
	case all.people[s.user] >= maxPersonURIs:
		return refusal("at most %d resources can be subscribed to for one person; unsubscribe from some first", maxPersonURIs)
	default:
		all.people[s.user]++
		s.uris[uri] = nil
	}
	all.put(s, uri, streams)
	return nil
}

// put lets a subscriber who hears of a resource hear of it by these streams.
func (all *subscriptions) put(s *subscriber, uri string, streams []eventlog.Stream) {
	before, known := s.uris[uri]
	if !known {
		return
	}
	all.forget(interest{s, uri}, before)
	s.uris[uri] = streams
	for _, stream := range streams {
		if all.by[stream] == nil {
			all.by[stream] = map[interest]struct{}{}
		}
		all.by[stream][interest{s, uri}] = struct{}{}
	}
}

// remove ends a subscriber's hearing of a resource.
func (all *subscriptions) remove(s *subscriber, uri string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.take(s, uri)
}

func (all *subscriptions) take(s *subscriber, uri string) {
	streams, known := s.uris[uri]
	if !known {
		return
	}
	all.forget(interest{s, uri}, streams)
	delete(s.uris, uri)
	delete(s.due, uri)
	if all.people[s.user]--; all.people[s.user] <= 0 {
		delete(all.people, s.user)
	}
}

func (all *subscriptions) forget(i interest, streams []eventlog.Stream) {
	for _, stream := range streams {
		delete(all.by[stream], i)
		if len(all.by[stream]) == 0 {
			delete(all.by, stream)
		}
	}
}

// leave forgets a subscriber.
func (all *subscriptions) leave(s *subscriber) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if s.ended {
		return
	}
	for uri := range s.uris {
		all.take(s, uri)
	}
	s.ended = true
	close(s.over)
	delete(all.all, s)
	if s.listen == nil {
		delete(all.sessions, s.session)
		delete(all.named, s.session.ID())
	}
}

// end ends all subscriptions for good.
func (all *subscriptions) end() {
	all.mu.Lock()
	all.over = true
	rest := make([]*subscriber, 0, len(all.all))
	for s := range all.all {
		rest = append(rest, s)
	}
	all.mu.Unlock()
	for _, s := range rest {
		all.leave(s)
	}
}

// open counts one more stream of a person, or returns false if they have too many.
func (all *subscriptions) open(user string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.streams[user] >= maxStreams {
		return false
	}
	all.streams[user]++
	return true
}

func (all *subscriptions) shut(user string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.streams[user]--; all.streams[user] <= 0 {
		delete(all.streams, user)
	}
}
