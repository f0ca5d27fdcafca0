package mcp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"till/domain/grant"
	"till/domain/order"
)

// cancellable is a way to call something and to cancel it: it calls at once and
// returns what cancels.
type cancellable struct {
	name string
	call func(t *testing.T, s *shop, name string, arguments any) (cancel func())
	// stops is whether the way reaches the call. A connection that breaks in the old
	// era says nothing about what its client wants.
	stops bool
	// notices is whether a call that goes past the SDK is ended by a notice.
	notices bool
}

const cancelled = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"the person changed their mind"}}`

func cancellables() []cancellable {
	overHTTP := func(t *testing.T, r *http.Request) (hangUp func()) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if res, err := http.DefaultClient.Do(r.WithContext(ctx)); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}()
		return cancel
	}
	overStreams := func(modern bool) func(*testing.T, *shop, string, any) func() {
		return func(t *testing.T, s *shop, name string, arguments any) func() {
			in, lines := io.Pipe()
			go func() { _ = s.face.Talk(context.Background(), in, io.Discard) }()
			t.Cleanup(func() { _ = lines.Close() })
			say := func(line string) {
				if _, err := io.WriteString(lines, strings.TrimSpace(line)+"\n"); err != nil {
					t.Error(err)
				}
			}
			call := string(legacyCall(name, arguments))
			if modern {
				call = strings.Replace(call, `"params":{`, `"params":{`+now+`,`, 1)
			} else {
				say(hello)
				say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
			}
			say(call)
			return func() { say(cancelled) }
		}
	}
	return []cancellable{
		{"a connection of the new era breaks", func(t *testing.T, s *shop, name string, arguments any) func() {
			return overHTTP(t, s.request(t, modernBody("tools/call", name, arguments), modernHeaders("tools/call", name)))
		}, true, false},
		{"a session of the old era cancels", func(t *testing.T, s *shop, name string, arguments any) func() {
			headers := s.legacyHeaders(s.session(t, "alice"))
			_ = overHTTP(t, s.request(t, legacyCall(name, arguments), headers))
			return func() { s.post(t, []byte(cancelled), headers, 202, nil) }
		}, true, true},
		{"a connection of the old era breaks", func(t *testing.T, s *shop, name string, arguments any) func() {
			return overHTTP(t, s.request(t, legacyCall(name, arguments), s.legacyHeaders(s.session(t, "alice"))))
		}, false, true},
		{"two streams, the old era", overStreams(false), true, false},
		{"two streams, the new era", overStreams(true), true, false},
	}
}

// TestACancelledCallStops, in every way that a client can cancel, whether it goes
// through the SDK or past it.
func TestACancelledCallStops(t *testing.T) {
	for _, way := range cancellables() {
		for _, straight := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/straight=%v", way.name, straight), func(t *testing.T) {
				s := newShop(t, anonymousIsAlice)
				begun, stopped, noticed := make(chan struct{}), make(chan error, 1), false
				wait := tool{name: "wait", output: basket{}, time: writeTime, run: func(ctx context.Context, c *call) (answer, error) {
					s.face.notices.mu.Lock()
					noticed = len(s.face.notices.runs) > 0
					s.face.notices.mu.Unlock()
					close(begun)
					for range 300 { // until it is sure that nothing reaches it
						select {
						case <-ctx.Done():
							stopped <- ctx.Err()
							return answer{}, ctx.Err()
						case <-time.After(time.Millisecond):
						}
					}
					stopped <- nil
					return viewCart(ctx, c)
				}}
				s.face.add(s.face.sdk, wait, map[reflect.Type]string{})
				if straight {
					s.face.quick[wait.name] = wait
				}
				cancel := way.call(t, s, "wait", args{})
				<-begun
				cancel()
				if err := <-stopped; (err != nil) != way.stops {
					t.Errorf("the call ends with %v", err)
				}
				if want := straight && way.notices; noticed != want {
					t.Errorf("it goes straight and a notice can end it: %v, want %v", noticed, want)
				}
			})
		}
	}
}

// anonymousIsAlice lets two streams be hers too.
func anonymousIsAlice(c *Config) {
	known := c.Caller
	hers := aliceWith(grant.Shopping()...)
	var anonymous Config
	hers(&anonymous)
	c.Caller = func(info *auth.TokenInfo) (Caller, bool) {
		if info == nil {
			return anonymous.Caller(nil)
		}
		return known(info)
	}
}

// TestACancelledPurchaseIsWholeOrNotAtAll: cancelled before its first event it has
// none, and one that has begun is finished, whoever listens.
func TestACancelledPurchaseIsWholeOrNotAtAll(t *testing.T) {
	for _, way := range cancellables() {
		t.Run(way.name, func(t *testing.T) {
			s := newShop(t, anonymousIsAlice)
			a := s.agent("alice", modernEra)
			a.ok("add_to_cart", args{"product": 2})
			quote := a.ok("review_checkout", nil).text("quote_id")
			s.gateway.slow = 400 * time.Millisecond
			first := way.call(t, s, "checkout", args{"quote_id": quote})
			status := func() order.Status {
				o, _, err := s.process.Orders.State(t.Context(), s.onlyOrder())
				if err != nil {
					t.Fatal(err)
				}
				return o.Status
			}
			eventually(t, "the purchase has begun", func() bool { return s.onlyOrder() != "" && status() != "" })

			// Another call waits for the first; cancelled, it leaves no trace.
			waiting := way.call(t, s, "checkout", args{"quote_id": quote, "idempotency_key": "never-done"})
			time.Sleep(50 * time.Millisecond)
			waiting()
			first()
			eventually(t, "the purchase is finished", func() bool { return status() == order.Placed })
			if way.stops {
				for _, e := range s.events() {
					if e.Command == "key:"+digest("usr_alice", "never-done") {
						t.Errorf("the cancelled call wrote %s", e.Type)
					}
				}
			}
			placed := 0
			for _, e := range s.events() {
				if e.Type == "order.placed" {
					placed++
				}
			}
			if placed != 1 {
				t.Errorf("it was placed %d times", placed)
			}
		})
	}
}

// onlyOrder is the id of the order that stands on the log, empty for none.
func (s *shop) onlyOrder() string {
	if s.head() == 0 {
		return ""
	}
	for _, e := range s.events() {
		if e.Stream.Category == order.Category {
			return e.Stream.ID
		}
	}
	return ""
}

// TestANotificationNeedsNoHeader of its method: the TypeScript SDK 2 sends none when
// it cancels. A call needs it, and what is said must be true.
func TestANotificationNeedsNoHeader(t *testing.T) {
	s := newShop(t)
	body := []byte(strings.Replace(cancelled, `"params":{`, `"params":{`+now+`,`, 1))
	for method, status := range map[string]int{"": 202, "notifications/cancelled": 202, "tools/call": 400} {
		headers := modernHeaders(method, "")
		if method == "" {
			headers.Del("Mcp-Method")
		}
		if res, said := send(t, s.request(t, body, headers)); res.StatusCode != status {
			t.Errorf("with the header %q: %d %s", method, res.StatusCode, said)
		}
	}
	headers := modernHeaders("", "view_cart")
	headers.Del("Mcp-Method")
	if res, said := send(t, s.request(t, modernBody("tools/call", "view_cart", nil), headers)); res.StatusCode != 400 || !strings.Contains(said, "-32020") {
		t.Errorf("a call without: %d %s", res.StatusCode, said)
	}
}
