package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Bounds on a conversation over two streams.
const (
	// callsAtOnce is how many calls run at once; the next line waits for room. It is
	// more than the listenings that one person may hold open (maxStreams).
	callsAtOnce = 64
	// lastAnswers is how long the end waits for the answers to what was asked.
	lastAnswers = 5 * time.Second
)

// Talk speaks MCP with one client over two streams, a JSON-RPC message a line, in
// both protocol eras. It returns when in has ended or ctx has, and what was asked
// before is answered. Nothing but messages is written to out. The SDK's own
// transport for this ends at the first line that is no message, and waits for no
// answer when its input ends.
func (s *Server) Talk(ctx context.Context, in io.Reader, out io.Writer) error {
	t := &talk{Server: s, out: out, stop: ctx.Done(), lines: make(chan line), closed: make(chan struct{}), over: make(chan struct{}),
		room: make(chan struct{}, callsAtOnce), calls: map[jsonrpc.ID]underWay{}}
	go t.take(in)
	session, err := s.sdk.Connect(context.WithValue(context.WithoutCancel(ctx), streamsKey{}, true), t, nil)
	if err != nil {
		return err
	}
	ended, late := make(chan error, 1), make(chan struct{})
	go func() { ended <- session.Wait() }()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswers+time.Second, func() { close(late) }) })()
	select {
	case err = <-ended:
	case <-late: // it waits for a client that does not read
	case <-t.over:
		select {
		case err = <-ended:
		case <-time.After(time.Second): // it does not get rid of its last answer
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		s.Logger.Warn("the client does not read its answers any more", "error", t.failed)
		return nil
	}
	return err
}

// talk is the SDK's transport and its only connection.
type talk struct {
	*Server
	out   io.Writer
	stop  <-chan struct{}
	lines chan line
	room  chan struct{} // holds one for each call under way

	closing sync.Once
	closed  chan struct{}
	ending  sync.Once
	over    chan struct{} // nothing more is read

	writing sync.Mutex

	mu     sync.Mutex
	calls  map[jsonrpc.ID]underWay
	failed error // why nothing more can be written
}

// underWay is a call that is not answered yet.
type underWay struct {
	request, method, name string
	began                 time.Time
}

// messageHeader holds the id of a message as it was sent, which the SDK keeps to
// itself. Only what came over two streams is believed, see onStreams.
const messageHeader = "Till-Message-Id"

type streamsKey struct{}

// onStreams is whether a message came over two streams, and so in a session.
func onStreams(ctx context.Context) bool { return ctx.Value(streamsKey{}) != nil }

// Connect implements [sdk.Transport].
func (t *talk) Connect(context.Context) (sdk.Connection, error) { return t, nil }

// SessionID implements [sdk.Connection]; two streams are one session without a name.
func (t *talk) SessionID() string { return "" }

// Close ends the reading.
func (t *talk) Close() error {
	t.closing.Do(func() { close(t.closed) })
	return nil
}

// Read returns the next message that may be taken; it has answered all others.
func (t *talk) Read(context.Context) (jsonrpc.Message, error) {
	for {
		select {
		case <-t.stop:
			return t.last()
		default:
		}
		select {
		case <-t.stop:
			return t.last()
		case <-t.closed:
			return nil, io.EOF
		case l, ok := <-t.lines:
			if !ok {
				return t.last()
			}
			if m := t.admit(l); m != nil {
				return m, nil
			}
		}
	}
}

// last lets the calls under way be answered: the SDK cancels them when the reading
// ends.
func (t *talk) last() (jsonrpc.Message, error) {
	defer t.ending.Do(func() { close(t.over) })
	t.End() // what listens would never be answered
	late := time.After(lastAnswers)
	for range callsAtOnce {
		select {
		case t.room <- struct{}{}: // one more has been answered
		case <-late:
			return nil, io.EOF
		case <-t.closed:
			return nil, io.EOF
		}
	}
	return nil, io.EOF
}

// admit turns a line into a message as the chain over HTTP does: by the same
// bounds, with an id of its own for the log, and only while the person's account
// is open. It returns nil for one that it has refused.
func (t *talk) admit(l line) jsonrpc.Message {
	var q Request
	f := l.fault
	if f == nil {
		f = q.look(l.data)
	}
	if f != nil {
		t.refuse(q.id, f.code, inLines(f.message))
		return nil
	}
	m, err := jsonrpc.DecodeMessage(l.data)
	r, asks := m.(*jsonrpc.Request)
	if answer, ok := m.(*jsonrpc.Response); err != nil || ok && answer.Result == nil && answer.Error == nil {
		t.refuse(q.id, invalidRequest, "the line is no JSON-RPC message: it holds neither a method nor an answer")
		return nil
	}
	if !asks {
		return m
	}
	a := underWay{request: t.NewID(), method: r.Method, name: q.Name, began: t.Now()}
	r.Extra = &sdk.RequestExtra{Header: http.Header{requestHeader: {a.request}, messageHeader: {string(q.id)}}}
	if !r.IsCall() {
		return r
	}
	if _, ok := t.Caller(nil); !ok {
		t.refuse(q.id, invalidRequest, "the account that this shop was started for is disabled or forgotten; ask its administrator, or start the shop for another --user")
		return nil
	}
	if !t.note(r.ID, a) {
		t.refuse(nil, invalidRequest, fmt.Sprintf("a call with the id %s is under way; give each call an id of its own", clip(string(q.id), 60)))
		return nil
	}
	select {
	case t.room <- struct{}{}:
		return r
	case <-t.stop:
		t.answered(r.ID, "stopped")
		t.refuse(q.id, jsonrpc.CodeInternalError, "the shop is being stopped; nothing was done, ask again when it is back")
		return nil
	case <-t.closed:
		return nil
	}
}

// note remembers a call until it is answered, or returns false if one with its id is
// not.
func (t *talk) note(id jsonrpc.ID, a underWay) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, twice := t.calls[id]; twice {
		return false
	}
	t.calls[id] = a
	return true
}

// Write writes a message. A call gives its room back once its answer is written.
func (t *talk) Write(_ context.Context, m jsonrpc.Message) error {
	r, answers := m.(*jsonrpc.Response)
	outcome := "ok"
	if answers && r.Error != nil {
		var coded *jsonrpc.Error
		if !errors.As(r.Error, &coded) {
			// The SDK would send it with the code 0, which says nothing.
			coded = &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: r.Error.Error()}
			r.Error = coded
		}
		outcome = fmt.Sprintf("error %d", coded.Code)
	}
	data, err := jsonrpc.EncodeMessage(m)
	// Who hears the answer may use its id again at once.
	if answers && t.answered(r.ID, outcome) {
		defer func() { <-t.room }()
	}
	if err == nil {
		err = t.say(data)
	}
	return err
}

// answered forgets a call and writes one line about it into the log, which holds no
// argument. It returns whether there was one.
func (t *talk) answered(id jsonrpc.ID, outcome string) bool {
	t.mu.Lock()
	a, known := t.calls[id]
	delete(t.calls, id)
	t.mu.Unlock()
	if known {
		t.Logger.LogAttrs(context.Background(), slog.LevelInfo, "mcp request", slog.String("request", a.request), slog.String("method", clip(a.method, 60)),
			slog.String("name", clip(a.name, 60)), slog.String("outcome", outcome), slog.Duration("took", t.Now().Sub(a.began)))
	}
	return known
}

// refuse answers what is no message for the SDK.
func (t *talk) refuse(id []byte, code int, message string) {
	t.Logger.Info("mcp request refused", "code", code, "why", message)
	_ = t.say(encode(errorAnswer(id, code, message))) // kept in failed
}

// say writes a line. Who does not read any more is told nothing further.
func (t *talk) say(message []byte) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	_, err := t.out.Write(append(message, '\n'))
	if err != nil {
		t.mu.Lock()
		t.failed = err
		t.mu.Unlock()
		_ = t.Close()
	}
	return err
}
