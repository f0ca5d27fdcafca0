package mcp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

const (
	// pulse is how long an open stream is silent at most: proxies cut what says
	// nothing for 30 to 60 seconds.
	pulse = 15 * time.Second
	// takeTime is how long a client may take to take in what is written. One that
	// has stopped reading would hold its stream for ever.
	takeTime = 30 * time.Second
)

// beating keeps the event streams of next alive: while nothing else is said on one,
// it says a comment, which clients pass over. The SDK has nothing of the kind yet
// (go-sdk #1229). A call that may take long becomes a stream with the first of them,
// where its client takes streams; all others are answered before. It stands right
// before the SDK, so that each write is one event and none falls between the parts
// of another.
func (s *Server) beating(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := Needs(r)
		get := r.Method == http.MethodGet
		if !get && !q.listens() && !s.long(q) {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		r = r.WithContext(ctx)
		b := &heart{w: w, said: http.Header{}, every: s.pulse, cut: cancel, begins: !get && !q.listens() && q.accepts != onlyJSON, logger: s.Logger}
		if get {
			token := auth.TokenInfoFromContext(ctx)
			if caller, ok := s.Caller(token); ok {
				if !s.subscriptions.open(caller.User) {
					tooManyStreams(w)
					return
				}
				defer s.subscriptions.shut(caller.User)
			}
			b.good = func() bool { _, ok := s.good(token); return ok }
			b.opened = func() { s.retell(r.Header.Get("Mcp-Session-Id"), token) }
			b.touch = s.toucher(next, r)
		}
		b.start()
		defer b.end()
		next.ServeHTTP(b, r)
	})
}

func tooManyStreams(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "30")
	answerJSON(w, http.StatusTooManyRequests, map[string]string{"error": "rate_limited",
		"error_description": fmt.Sprintf("At most %d streams can be open for one person. Close one first.", maxStreams)})
}

// listens is whether the request is one that is told of changes.
func (q Request) listens() bool { return q.Method == "subscriptions/listen" }

// long is whether a call may take so long that a proxy would cut it off.
func (s *Server) long(q Request) bool {
	return q.Method == "tools/call" && slices.Contains(s.slow, q.Name)
}

// heart is an answer that may become a stream, or is one. The SDK writes to it from
// several goroutines, and the timer is one more.
type heart struct {
	w      http.ResponseWriter
	every  time.Duration
	logger *slog.Logger
	// cut ends the request.
	cut func()
	// begins is whether a comment may be the first that is said.
	begins bool
	// good is whether the stream may go on, opened is called once it is open, and
	// touch with each beat; nil for none.
	good   func() bool
	opened func()
	touch  func()

	mu    sync.Mutex
	said  http.Header // what the SDK has set
	timer *time.Timer
	spoke bool // since the last beat
	// begun is whether the header is out, stream whether it is one of a stream, and
	// ours whether a comment was its first.
	begun, stream, ours, over bool
}

// Header returns a map of its own: the SDK sets headers when the timer may write.
func (b *heart) Header() http.Header { return b.said }

func (b *heart) start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(b.every, b.beat)
}

// end is the last: nothing is written after it.
func (b *heart) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	b.timer.Stop()
	if b.stream {
		_ = http.NewResponseController(b.w).SetWriteDeadline(time.Time{}) // the connection may serve on
	}
	if !b.begun { // what the SDK has set and not sent
		maps.Copy(b.w.Header(), b.said)
	}
}

// beat says a comment if nothing else was said since the last.
func (b *heart) beat() {
	defer func() {
		if fault := recover(); fault != nil { // nobody stands behind a timer
			b.logger.Error("panic", slog.Any("fault", fault), "stack", string(debug.Stack()))
			b.cut()
		}
	}()
	b.mu.Lock()
	over := b.over
	b.mu.Unlock()
	switch {
	case over:
		return
	case b.good != nil && !b.good():
		b.cut()
		return
	case b.touch != nil:
		b.touch()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.begun && !b.stream {
		return
	}
	b.timer.Reset(b.every)
	if b.spoke || !b.begun && !b.begins {
		b.spoke = false
		return
	}
	if !b.begun {
		b.ours = true
		h := b.w.Header()
		h["Content-Type"] = []string{"text/event-stream"}
		h["Cache-Control"] = []string{"no-cache, no-transform"}
		b.head(http.StatusOK)
	}
	if _, err := b.put([]byte(": still here\n\n")); err != nil {
		b.cut()
		return
	}
	_ = http.NewResponseController(b.w).Flush() // the next write tells
}

// head sends the header.
func (b *heart) head(status int) {
	b.begun = true
	b.stream = b.isStream()
	b.w.WriteHeader(status)
}

func (b *heart) isStream() bool { return b.w.Header().Get("Content-Type") == "text/event-stream" }

// put writes and sees to it that a client that does not read is cut off.
func (b *heart) put(p []byte) (int, error) {
	if b.stream {
		_ = http.NewResponseController(b.w).SetWriteDeadline(time.Now().Add(takeTime))
	}
	return b.w.Write(p)
}

// WriteHeader implements [http.ResponseWriter].
func (b *heart) WriteHeader(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.begun || b.over {
		return
	}
	maps.Copy(b.w.Header(), b.said)
	b.head(status)
	if b.stream && b.opened != nil {
		time.AfterFunc(0, b.opened) // not under the mutex: it leads to a write
	}
}

// Write implements [http.ResponseWriter]. What comes whole on what a comment has
// made a stream is put into an event.
func (b *heart) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, io.ErrClosedPipe
	}
	b.spoke = true
	first := !b.begun
	if first {
		maps.Copy(b.w.Header(), b.said)
		b.begun = true // with what is written
		b.stream = b.isStream()
	}
	said := p
	if b.ours && bytes.HasPrefix(p, []byte("{")) {
		said = append(append([]byte("event: message\ndata: "), p...), "\n\n"...)
	}
	if _, err := b.put(said); err != nil {
		b.cut()
		return 0, err
	}
	if first { // a lone answer has become plain JSON on its way, see unstream
		b.stream = b.isStream()
	}
	return len(p), nil
}

// FlushError implements what [http.ResponseController] looks for.
func (b *heart) FlushError() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || !b.begun {
		return nil
	}
	return http.NewResponseController(b.w).Flush()
}

// toucher keeps the session of a stream from being taken for idle: the SDK counts
// requests only, and a client that only listens makes none.
func (s *Server) toucher(sessions http.Handler, r *http.Request) func() {
	last := time.Now()
	return func() {
		if time.Since(last) < s.idle/3 {
			return
		}
		last = time.Now()
		const ping = `{"jsonrpc":"2.0","id":"till-still-here","method":"ping"}`
		q := r.Clone(r.Context())
		q.Method, q.Body, q.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(ping)), int64(len(ping))
		q.Header["Content-Type"] = []string{"application/json"}
		q.Header["Accept"] = []string{"application/json, text/event-stream"}
		sessions.ServeHTTP(unheard{}, q)
	}
}

// unheard is the answer that nobody reads.
type unheard struct{}

func (unheard) Header() http.Header         { return http.Header{} }
func (unheard) Write(p []byte) (int, error) { return len(p), nil }
func (unheard) WriteHeader(int)             {}
