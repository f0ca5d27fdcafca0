package authz_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"till/domain/grant"
)

func TestConnections(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	_, bobs := s.connect("bob")
	b := s.browser()
	if a := b.get("/account/connections"); a.Header.Get("Location") != "/login" {
		t.Fatalf("%d", a.StatusCode)
	}
	b.login(b.get("/login"), "alice", s.users["alice"])
	page := b.get("/account/connections")
	if strings.Count(page.body, "<section") != 1 || !strings.Contains(page.body, "Test agent") {
		t.Fatalf("the page shows %d connections", strings.Count(page.body, "<section"))
	}
	form := fields(page.body, "/account/connections")
	bobGrant := strings.TrimPrefix(strings.Split(bobs.Access, ".")[0], "at_")
	form.Set("grant", bobGrant)
	b.post("/account/connections", form)
	if !s.works(bobs.Access) {
		t.Error("alice disconnects bob's agent")
	}
	form.Set("grant", strings.TrimPrefix(strings.Split(tok.Access, ".")[0], "at_"))
	b.post("/account/connections", url.Values{"grant": form["grant"], "form": {"x"}}).shown(t, 400)
	if a := b.post("/account/connections", form); a.StatusCode != 200 || strings.Contains(a.body, "<section") || !strings.Contains(a.body, "no longer work") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if s.works(tok.Access) {
		t.Error("the token works after the disconnection")
	}
	s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")

	_, one := s.connect("alice")
	_, two := s.connect("alice")
	form = fields(b.get("/account/connections").body, "/account/connections")
	form.Set("grant", "all")
	b.post("/account/connections", form)
	if s.works(one.Access) || s.works(two.Access) || !s.works(bobs.Access) {
		t.Error("all, and only alice's, must be disconnected")
	}
	if last := s.events()[len(s.events())-1]; last.Type != "grant.revoked" || last.Actor.User == "" || !strings.Contains(string(last.Data), string(grant.ByUser)) {
		t.Errorf("the log does not say who did it: %+v %s", last.Actor, last.Data)
	}
}

// An agent that calls and one that only renewed its tokens are told apart.
func TestWhenAnAgentWasLastUsed(t *testing.T) {
	s := open(t)
	_, tok := s.connect("alice")
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	s.clock.Add(7 * time.Minute)
	if page := b.get("/account/connections"); !strings.Contains(page.body, "Last active 7 minutes ago") {
		t.Error("not since its tokens were issued")
	}
	if !s.works(tok.Access) {
		t.Fatal("the token does not work")
	}
	s.clock.Add(2 * time.Minute)
	if page := b.get("/account/connections"); !strings.Contains(page.body, "Last active 2 minutes ago") {
		t.Error("not since its last call")
	}
}

// TestAllMeansMoreThanTheViewsListAtOnce: who has more agents than one page of
// them is rid of them all.
func TestAllMeansMoreThanTheViewsListAtOnce(t *testing.T) {
	s := open(t)
	s.views.most = 2
	connect := func() (access []string) {
		for range 5 {
			_, tok := s.connect("alice")
			access = append(access, tok.Access)
			s.clock.Add(time.Second)
		}
		return access
	}
	gone := func(access []string, how string) {
		t.Helper()
		for i, token := range access {
			if s.works(token) {
				t.Errorf("%s: agent %d goes on", how, i)
			}
		}
	}
	all := connect()
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	form := fields(b.get("/account/connections").body, "/account/connections")
	// The oldest is on no page yet, and can be disconnected all the same.
	form.Set("grant", strings.TrimPrefix(strings.Split(all[0], ".")[0], "at_"))
	b.post("/account/connections", form)
	gone(all[:1], "one")
	form.Set("grant", "all")
	if a := b.post("/account/connections", form); !strings.Contains(a.body, "4 apps disconnected") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	gone(all, "all")

	all = connect()
	user, err := s.srv.Accounts().Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.srv.DisableAccount(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	gone(all, "disabled")
}
