package mcp

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/catalog"
	"till/domain/grant"
	"till/domain/stock"
)

// listener is a client that is told of changes.
type listener struct {
	*agent
	mu   sync.Mutex
	told []string
}

// listener connects a client with a token of somebody, who listens for changes.
func (s *shop) listener(token string, e era) *listener {
	s.t.Helper()
	l := &listener{}
	c := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, req *sdk.ResourceUpdatedNotificationRequest) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.told = append(l.told, req.Params.URI)
		},
	})
	session, err := c.Connect(s.t.Context(), &sdk.StreamableClientTransport{
		Endpoint: s.url, HTTPClient: &http.Client{Transport: bearer{token, e}},
	}, &sdk.ClientSessionOptions{ProtocolVersion: string(e)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = session.Close() })
	l.agent = &agent{session, s.t}
	return l
}

func (l *listener) subscribe(uris ...string) {
	l.t.Helper()
	for _, uri := range uris {
		if err := l.Subscribe(l.t.Context(), &sdk.SubscribeParams{URI: uri}); err != nil {
			l.t.Fatalf("%s: %v", uri, err)
		}
	}
}

func (l *listener) times(uri string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, told := range l.told {
		if told == uri {
			n++
		}
	}
	return n
}

// eventually waits until it is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to be: " + what)
		}
	}
}

// listening waits until so many are told of changes: a client of the new era does
// not say when its listening has begun.
func (s *shop) listening(uris int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprint(uris, " subscriptions"), func() bool {
		all := s.face.subscriptions
		all.mu.Lock()
		defer all.mu.Unlock()
		n := 0
		for _, of := range all.people {
			n += of
		}
		return n == uris
	})
}

// TestChangesArePushed to who has asked for them, whoever makes them, in both eras.
func TestChangesArePushed(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		l, other := s.listener("alice", e), s.agent("alice", legacyEra)
		other.ok("add_to_cart", args{"product": 9})
		id := other.ok("checkout", nil).text("order_id")
		product, unloved := "shop://products/catnip-mouse", "shop://products/cozy-cat-bed"
		l.subscribe("shop://cart", "shop://orders/"+strings.ToLower(id), product, unloved, "shop://policies/returns")
		s.listening(5)

		other.ok("add_to_cart", args{"product": 2})
		eventually(t, "the cart is told", func() bool { return l.times("shop://cart") > 0 })
		if l.times(product) != 0 {
			t.Error("what lies in a cart changes no stock")
		}
		other.ok("checkout", nil)
		eventually(t, "the stock is told", func() bool { return l.times(product) > 0 })
		before := l.times(product)
		do(s, s.products, "2", catalog.Command(catalog.Offer{Product: catalog.Product{ID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Category: "toys", Description: "Another.",
			Variants: variants("MOUSE-CATNIP", "", 599)}}))
		eventually(t, "the price is told", func() bool { return l.times(product) > before })
		if n := l.times(unloved); n != 0 {
			t.Errorf("what did not change is told %d times", n)
		}
		if err := l.Unsubscribe(t.Context(), &sdk.UnsubscribeParams{URI: "shop://cart"}); err != nil {
			t.Fatal(err)
		}
		s.listening(4)
		before = l.times("shop://cart")
		other.ok("add_to_cart", args{"product": 1})
		s.settle()
		if l.times("shop://cart") != before {
			t.Error("it is told after it has unsubscribed")
		}
	})
}

// settle waits until everybody is told of what is on the log.
func (s *shop) settle() {
	s.t.Helper()
	time.Sleep(2 * gathering)
	eventually(s.t, "everybody is told", func() bool {
		all := s.face.subscriptions
		all.mu.Lock()
		defer all.mu.Unlock()
		for to := range all.all {
			if to.telling {
				return false
			}
		}
		return true
	})
	time.Sleep(gathering)
}

// TestNobodyHearsOfOthers: every person subscribes to the same address of their
// cart, and hears of their own alone, not even that another's has changed.
func TestNobodyHearsOfOthers(t *testing.T) {
	s := newShop(t)
	const people = 12
	var ls []*listener
	for i := range people {
		l := s.listener(fmt.Sprint("user", i), []era{modernEra, legacyEra}[i%2])
		l.subscribe("shop://cart")
		ls = append(ls, l)
	}
	s.listening(people)
	want := make([]bool, people)
	for i := 0; i < people; i += 3 {
		s.agent(fmt.Sprint("user", i), modernEra).ok("add_to_cart", args{"product": 2})
		want[i] = true
		eventually(t, "the owner is told", func() bool { return ls[i].times("shop://cart") > 0 })
	}
	s.settle()
	for i, l := range ls {
		if told := l.times("shop://cart"); (told > 0) != want[i] {
			t.Errorf("user %d is told %d times of a cart; is it theirs: %v", i, told, want[i])
		}
	}
}

// TestABurstIsToldInFew: a client reads anew each time that it is told.
func TestABurstIsToldInFew(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		s := newShop(t)
		l, other := s.listener("alice", e), s.agent("alice", modernEra)
		l.subscribe("shop://cart")
		s.listening(1)
		began := time.Now()
		for range 40 {
			other.ok("add_to_cart", args{"product": 2})
		}
		s.settle()
		most := int(time.Since(began)/gathering) + 1
		if n := l.times("shop://cart"); n == 0 || n > most || n > 30 {
			t.Errorf("40 changes were told %d times in %v", n, time.Since(began))
		}
	})
}

// TestARevokedTokenHearsNothing: what was good at the subscribing is looked at
// again before anything is pushed, and ends the stream when it is not.
func TestARevokedTokenHearsNothing(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		var revoked sync.Map
		s := newShop(t, func(c *Config) {
			c.pulse = 50 * time.Millisecond
			c.Still = func(info *auth.TokenInfo) bool { _, gone := revoked.Load(info.UserID); return !gone }
		})
		l, b := s.listener("alice", e), s.listener("bob", e)
		l.subscribe("shop://products/catnip-mouse")
		b.subscribe("shop://products/catnip-mouse")
		s.listening(2)
		revoked.Store("alice", true)
		carol := s.agent("carol", modernEra)
		carol.ok("add_to_cart", args{"product": 2})
		carol.ok("checkout", nil)
		eventually(t, "bob is told", func() bool { return b.times("shop://products/catnip-mouse") > 0 })
		s.settle()
		if n := l.times("shop://products/catnip-mouse"); n != 0 {
			t.Errorf("who has a revoked token is told %d times", n)
		}
		eventually(t, "her stream is closed", func() bool {
			all := s.face.subscriptions
			all.mu.Lock()
			defer all.mu.Unlock()
			return all.streams["usr_alice"] == 0
		})
	})
}

// TestAPanicWhileTellingEndsNothing else.
func TestAPanicWhileTellingEndsNothing(t *testing.T) {
	eachEra(t, func(t *testing.T, e era) {
		var once sync.Once
		s := newShop(t, func(c *Config) {
			c.Still = func(*auth.TokenInfo) bool { once.Do(func() { panic("a fault") }); return true }
		})
		l, other := s.listener("alice", e), s.agent("alice", modernEra)
		l.subscribe("shop://cart")
		s.listening(1)
		other.ok("add_to_cart", args{"product": 2})
		s.settle()
		if !strings.Contains(s.logged.String(), "pushing.go") {
			t.Error("the log does not say where")
		}
		other.ok("add_to_cart", args{"product": 2})
		eventually(t, "it is told of the next", func() bool { return l.times("shop://cart") > 0 })
	})
}

// TestWhatCameWhileNobodyListenedIsTold once the session of the old era has a
// stream again.
func TestWhatCameWhileNobodyListenedIsTold(t *testing.T) {
	s := newShop(t)
	headers := s.legacyHeaders(s.session(t, "alice"))
	s.post(t, encode(map[string]any{"jsonrpc": "2.0", "id": 3, "method": "resources/subscribe", "params": map[string]any{"uri": "shop://cart"}}), headers, 200, nil)
	s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2})
	s.settle()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r := s.request(t, nil, headers).WithContext(ctx)
	r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, buf := "", make([]byte, 4096)
	for err == nil && !strings.Contains(said, "data: ") { // the SDK begins with a comment
		n := 0
		n, err = res.Body.Read(buf)
		said += string(buf[:n])
	}
	if err != nil || !strings.Contains(said, `"notifications/resources/updated"`) || !strings.Contains(said, "shop://cart") || strings.Contains(said, "subscriptionId") {
		t.Errorf("the stream begins with %q, %v", said, err)
	}
}

// TestANewVariantIsHeardOf by who subscribed before there was one.
func TestANewVariantIsHeardOf(t *testing.T) {
	s := newShop(t)
	l := s.listener("alice", modernEra)
	uri := "shop://products/catnip-mouse"
	l.subscribe(uri)
	s.listening(1)
	do(s, s.products, "2", catalog.Command(catalog.Offer{Product: catalog.Product{ID: "2", Handle: "catnip-mouse", Title: "Catnip Mouse", Category: "toys", Description: "Now in two sizes.",
		Options: []string{"size"}, Variants: variants("MOUSE-CATNIP", "small", 499, "MOUSE-BIG", "big", 899)}}))
	eventually(t, "the product is told", func() bool { return l.times(uri) > 0 })
	s.settle()
	before := l.times(uri)
	do(s, s.process.Stocks, "MOUSE-BIG", stock.Command(stock.Open{OnHand: 5}))
	eventually(t, "its stock is told", func() bool { return l.times(uri) > before })
}

// TestASessionHearsByItsNewestToken: the one that it subscribed with ends after
// minutes, and its client goes on with another.
func TestASessionHearsByItsNewestToken(t *testing.T) {
	var ended sync.Map
	s := newShop(t, func(c *Config) {
		c.Still = func(info *auth.TokenInfo) bool { _, gone := ended.Load(strings.Join(info.Scopes, " ")); return !gone }
	})
	headers := s.legacyHeaders(s.session(t, "alice"))
	stream := s.stream(t, headers)
	s.post(t, subscribeTo("shop://cart"), headers, 200, nil) // with all scopes
	ended.Store(strings.Join(grant.Shopping(), " "), true)
	s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2})
	s.settle()
	r := s.request(t, legacyCall("view_cart", nil), headers)
	r.Header.Set("Authorization", "Bearer alice:"+grant.CartWrite)
	if res, body := send(t, r); res.StatusCode != 200 {
		t.Fatal(body)
	}
	if said := heardOf(t, stream.Body, "shop://cart", 1); strings.Count(said, resourceUpdated) != 1 {
		t.Errorf("it is told %q", said)
	}
}
