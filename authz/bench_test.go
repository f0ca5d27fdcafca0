package authz_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"till/authz"
	"till/domain/decider"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
)

// mapViews answer from a map, as the real views do.
type mapViews struct {
	*memViews
	grants map[string]grant.State
}

func (v mapViews) Grant(_ context.Context, id string) (grant.State, decider.Version, bool, error) {
	g, ok := v.grants[id]
	return g, decider.Version{}, ok, nil
}

// BenchmarkCheck is the price of one call's token at 100,000 live grants; the
// rest of a call is not in it. Middleware adds what plants the caller.
func BenchmarkCheck(b *testing.B) {
	s, h, token := manyGrants(b)
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := s.Check(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("middleware", func(b *testing.B) {
		b.ReportAllocs()
		req := httptest.NewRequest("POST", "/mcp", nil)
		req.Host = "127.0.0.1:8000"
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		for b.Loop() {
			h.ServeHTTP(w, req)
		}
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	})
	b.Run("forged", func(b *testing.B) {
		b.ReportAllocs()
		forged := "at_" + strings.Repeat("A", 22) + ".1." + strings.Repeat("B", 43)
		for b.Loop() {
			if _, _, err := s.Check(b.Context(), forged); err == nil {
				b.Fatal("it works")
			}
		}
	})
}

func manyGrants(b *testing.B) (*authz.Server, http.Handler, string) {
	b.Helper()
	shop, views := benchShop(b)
	// One real grant, and as many others around it as a busy shop has.
	token := shop.token
	for i := range 100_000 {
		views.grants[fmt.Sprintf("grant-%017d", i)] = grant.State{ID: "x"}
	}
	h := shop.srv.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(*http.Request) []string { return nil })
	return shop.srv, h, token
}

type benched struct {
	srv   *authz.Server
	token string
}

func benchShop(b *testing.B) (benched, mapViews) {
	b.Helper()
	ts := types()
	log := memlog.New("bench")
	views := mapViews{newMemViews(log, ts), map[string]grant.State{}}
	srv, err := authz.New(authz.Config{
		Currency:  "USD",
		PublicURL: "http://127.0.0.1:8000", Secret: bytes.Repeat([]byte{7}, 32), Log: log, Types: ts, Views: views,
		Credentials: &memlog.Bucket{}, Pending: &memlog.Bucket{}, People: &memlog.Bucket{},
	})
	if err != nil {
		b.Fatal(err)
	}
	id := strings.Repeat("G", 22)
	token := "at_" + id + ".1." + strings.Repeat("S", 43)
	views.grants[id] = grant.State{
		ID: id, User: "usr_1", Client: "cli_1", Resource: srv.Resource(), Generation: 1,
		Access: []grant.Access{{Generation: 1, Hash: hashOf("at_" + id + "." + strings.Repeat("S", 43)), Scopes: grant.Shopping(), Expires: time.Now().Add(time.Hour)}},
	}
	return benched{srv, token}, views
}

func hashOf(text string) grant.Hash {
	sum := sha256.Sum256([]byte(text))
	return grant.Hash(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// BenchmarkDance is the whole way from the documents to the tokens over
// loopback, for a person who is logged in already: without the password hash.
func BenchmarkDance(b *testing.B) {
	s := open(b)
	person := s.browser()
	client := s.register("Test agent", callback)
	person.code("alice", s.request(client))
	for b.Loop() {
		s.clock.Add(10 * time.Second) // so that no limit stands in the way
		if person.get("/.well-known/oauth-protected-resource/mcp").StatusCode != 200 || person.get("/.well-known/oauth-authorization-server").StatusCode != 200 {
			b.Fatal("no documents")
		}
		client := s.register("Test agent", callback)
		s.tokens(s.redeemForm(client, person.code("alice", s.request(client)).Get("code")))
	}
}
