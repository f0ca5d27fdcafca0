package mcp

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
)

// BenchmarkCallBesideSubscribers compares calls while nobody listens, and while a
// thousand do: each to their own cart and to one product.
func BenchmarkCallBesideSubscribers(b *testing.B) {
	for _, subscribers := range []int{0, 1000} {
		s := newShop(b, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
		s.agent("alice", modernEra).ok("add_to_cart", args{"product": 2, "quantity": 2})
		client := &http.Client{Transport: &http.Transport{}}
		for i := range subscribers {
			v := &visitor{s, b, fmt.Sprint("u", i), client}
			v.open(v.request(b.Context(), http.MethodPost, modernListen("shop://cart", "shop://products/2"), modernHeaders("subscriptions/listen", "")))
		}
		for _, tool := range []string{"view_cart", "update_cart_quantity"} {
			for _, e := range []era{modernEra, legacyEra} {
				b.Run(fmt.Sprintf("%d/%s/%s", subscribers, e, tool), func(b *testing.B) {
					in := args{}
					if tool != "view_cart" {
						in = args{"product": 2, "quantity": 2}
					}
					benchCall(b, s, e, s.url, tool, in)
				})
			}
		}
		client.CloseIdleConnections()
	}
}

// BenchmarkChange is what the projector spends on telling of one change while
// many subscribe: to others' carts, which costs nothing, and all to this one stream.
func BenchmarkChange(b *testing.B) {
	for _, subscribers := range []int{0, 1000, 50_000} {
		s := newShop(b, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
		all := s.face.subscriptions
		for i := range subscribers {
			to := &subscriber{user: fmt.Sprint(i), listen: i}
			if _, err := all.join(to); err != nil {
				b.Fatal(err)
			}
			c := &call{Server: s.face, caller: Caller{User: to.user}}
			streams, _ := cartStreams(b.Context(), c, "")
			if err := all.add(to, cartURI, streams); err != nil {
				b.Fatal(err)
			}
		}
		c := &call{Server: s.face, caller: Caller{User: "somebody else"}}
		streams, _ := cartStreams(b.Context(), c, "")
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			for b.Loop() {
				s.face.changed(streams)
			}
		})
	}
}
