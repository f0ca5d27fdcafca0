package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// askable opens a session of the old era whose client can ask its person.
func (s *shop) askable(t *testing.T) http.Header {
	t.Helper()
	res, got := send(t, s.request(t, encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": map[string]any{
		"protocolVersion": string(legacyEra), "capabilities": map[string]any{"elicitation": map[string]any{}}, "clientInfo": map[string]any{"name": "wire", "version": "1"},
	}}), nil))
	headers := s.legacyHeaders(res.Header.Get("Mcp-Session-Id"))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("initialize: %d %s", res.StatusCode, got)
	}
	s.post(t, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), headers, http.StatusAccepted, nil)
	return headers
}

// waiting is a checkout of the old era whose person has been asked.
type waiting struct {
	messages *bufio.Scanner
	cut      context.CancelFunc
	question json.RawMessage // its id
}

// next is the next message of the stream, nil at its end.
func (w *waiting) next(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	for w.messages.Scan() {
		if data, ok := strings.CutPrefix(w.messages.Text(), "data: "); ok {
			var m map[string]json.RawMessage
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				t.Fatalf("%v: %s", err, data)
			}
			return m
		}
	}
	return nil
}

func (s *shop) waiting(t *testing.T, headers http.Header) *waiting {
	t.Helper()
	ctx, cut := context.WithCancel(t.Context())
	res, err := http.DefaultClient.Do(s.request(t, legacyCall("checkout", nil), headers).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cut(); _ = res.Body.Close() })
	w := &waiting{messages: bufio.NewScanner(res.Body), cut: cut}
	m := w.next(t)
	if w.question = m["id"]; string(m["method"]) != `"elicitation/create"` {
		t.Fatalf("it says %s", encode(m))
	}
	return w
}

// reply is the client's answer to the question.
func (w *waiting) reply(result string) []byte {
	return encode(map[string]any{"jsonrpc": "2.0", "id": w.question, "result": json.RawMessage(result)})
}

const wireYes = `{"action":"accept","content":{"buy":"yes"}}`

// TestWhereACallIsCutOff: whatever the connection does, a yes is one order and no
// yes is none.
func TestWhereACallIsCutOff(t *testing.T) {
	ends := func(t *testing.T, w *waiting, says string) {
		t.Helper()
		m := w.next(t)
		for m["method"] != nil { // a client is told that it need not ask any more
			m = w.next(t)
		}
		if got := string(encode(m)); !strings.Contains(got, says) {
			t.Errorf("the call ends with %s", got)
		}
	}
	for name, test := range map[string]struct {
		do     func(*testing.T, *shop, *waiting, http.Header)
		orders int
	}{
		"not at all": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			s.post(t, w.reply(wireYes), h, 202, nil)
			ends(t, w, `"status":"placed"`)
		}, 1},
		"answered twice": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			s.post(t, w.reply(wireYes), h, 202, nil)
			send(t, s.request(t, w.reply(wireYes), h))
			ends(t, w, `"status":"placed"`)
		}, 1},
		"answered by somebody else": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			r := s.request(t, w.reply(wireYes), h)
			r.Header.Set("Authorization", "Bearer bob")
			if res, _ := send(t, r); res.StatusCode != 403 {
				t.Errorf("a stranger's answer gets %d", res.StatusCode)
			}
			s.post(t, w.reply(`{"action":"decline"}`), h, 202, nil)
			ends(t, w, "confirmation_declined")
		}, 0},
		"after the question, then answered": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			w.cut()
			s.post(t, w.reply(wireYes), h, 202, nil)
			for range 100 {
				if s.placed() == 1 {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, 1},
		"after the answer": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			s.post(t, w.reply(wireYes), h, 202, nil)
			w.cut()
			for range 100 {
				if s.placed() == 1 {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, 1},
		"taken back": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			s.post(t, []byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`), h, 202, nil)
			w.next(t)
			send(t, s.request(t, w.reply(wireYes), h))
		}, 0},
		"the session ended": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			r := s.request(t, nil, h)
			r.Method = http.MethodDelete
			if res, _ := send(t, r); res.StatusCode != 204 {
				t.Errorf("its end gets %d", res.StatusCode)
			}
			send(t, s.request(t, w.reply(wireYes), h))
		}, 0},
		"the shop stops": {func(t *testing.T, s *shop, w *waiting, h http.Header) {
			s.face.End()
			ends(t, w, "confirmation_unanswered")
			s.serve()
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.agent("alice", legacyEra).ok("add_to_cart", args{"product": 9, "quantity": 3})
			headers := s.askable(t)
			w := s.waiting(t, headers)
			test.do(t, s, w, headers)
			if n := s.placed(); n != test.orders {
				t.Errorf("%d orders were placed", n)
			}
			// Tried again it is the same order, or another question.
			s.attended("alice", legacyEra, saysYes).call("checkout", nil)
			if n := s.placed(); n != 1 {
				t.Errorf("tried again, %d orders were placed", n)
			}
		})
	}
}

// TestAClientThatTakesNoStreamIsNotAsked: the question would never reach it.
func TestAClientThatTakesNoStreamIsNotAsked(t *testing.T) {
	s := newShop(t)
	s.agent("alice", legacyEra).ok("add_to_cart", args{"product": 9})
	r := s.request(t, legacyCall("checkout", nil), s.askable(t))
	r.Header.Set("Accept", "application/json")
	if _, body := send(t, r); !strings.Contains(body, `"status":"placed"`) {
		t.Errorf("it gets %s", body)
	}
}

// TestAWaitEnds: a person who is not there holds a call for five minutes, in which
// a client that wants to hears of it.
func TestAWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Config: Config{progress: 10 * time.Second}, stopping: t.Context()}
		var told int
		var last float64
		var got *sdk.ElicitResult
		var fail error
		server := sdk.NewServer(&sdk.Implementation{Name: "till"}, nil)
		server.AddTool(&sdk.Tool{Name: "buy", InputSchema: inputSchema(nil)}, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			c := &call{Server: s, sent: req}
			defer c.progressing(ctx, tool{})()
			got, fail = c.wait(ctx, &sdk.ElicitParams{Message: "Buy this?"})
			return &sdk.CallToolResult{}, nil
		})
		here, there := sdk.NewInMemoryTransports()
		if _, err := server.Connect(t.Context(), here, nil); err != nil {
			t.Fatal(err)
		}
		client := sdk.NewClient(&sdk.Implementation{Name: "test"}, &sdk.ClientOptions{
			ElicitationHandler: func(ctx context.Context, _ *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
			ProgressNotificationHandler: func(_ context.Context, req *sdk.ProgressNotificationClientRequest) {
				// At its very end it may have stopped waiting just before it tells.
				waits := strings.Contains(req.Params.Message, "person") || req.Params.Progress >= answerTime.Seconds()
				if told++; req.Params.Progress <= last || !waits {
					t.Errorf("after %v it is told %v: %s", last, req.Params.Progress, req.Params.Message)
				}
				last = req.Params.Progress
			},
		})
		session, err := client.Connect(t.Context(), there, &sdk.ClientSessionOptions{ProtocolVersion: string(legacyEra)})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		params := &sdk.CallToolParams{Name: "buy"}
		params.SetProgressToken("p")
		if _, err := session.CallTool(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		_ = session.Close()
		synctest.Wait() // the client may be told the last time just now
		if got != nil || fail != nil || took != answerTime || told < 25 || told > 30 {
			t.Errorf("after %v it ends with %v, %v; the client was told %d times", took, got, fail, told)
		}
	})
}
