package authz_test

import (
	"strings"
	"testing"
	"time"
)

// The whole way of one agent: in, renewed, out.
func TestFlow(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	if tok.Scope != "catalog:read cart:write orders:read orders:write" || tok.Expires != 600 {
		t.Fatalf("tokens %+v", tok)
	}
	a := s.call("Bearer " + tok.Access)
	if a.StatusCode != 200 || !strings.Contains(a.body, `"Name":"Test agent"`) || !strings.Contains(a.body, client) ||
		a.json(t)["user_id"] != s.events()[len(s.events())-1].Actor.User+"/"+client { // 88
		t.Fatalf("/mcp: %d %s", a.StatusCode, a.body)
	}

	s.clock.Add(11 * time.Minute)
	if s.works(tok.Access) {
		t.Fatal("an access token outlives its ten minutes")
	}
	next := s.tokens(refreshForm(client, tok.Refresh))
	if !s.works(next.Access) {
		t.Fatal("the renewed token does not work")
	}

	a = s.postForm("/revoke", map[string][]string{"token": {next.Refresh}, "client_id": {client}})
	if a.StatusCode != 200 || s.works(next.Access) {
		t.Fatalf("revoke: %d %s, the sibling works: %v", a.StatusCode, a.body, s.works(next.Access))
	}
	s.postForm("/token", refreshForm(client, next.Refresh)).wants(t, 400, "invalid_grant")

	for _, e := range s.events() {
		if e.Stream.Category == "grant" && (e.Actor.User == "" || e.Actor.Client != client || e.Actor.Grant != e.Stream.ID || e.Time.IsZero()) {
			t.Errorf("%s does not say who, by what and when: %+v", e.Type, e.Meta)
		}
	}
}
