package authz_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"till/authz/cimd"
)

func TestAttackRegistration(t *testing.T) {
	s := open(t)
	t.Run("62 oversized bodies", func(t *testing.T) {
		s.postJSON("/register", `{"redirect_uris":["`+strings.Repeat("x", 3<<20)+`"]}`).wants(t, 413, "invalid_client_metadata")
		s.postJSON("/register", strings.Repeat("[", 60000)).wants(t, 400, "invalid_client_metadata")
		var many []string
		for i := range 3000 {
			many = append(many, fmt.Sprintf("https://a.test/%d", i))
		}
		body, _ := json.Marshal(map[string]any{"redirect_uris": many})
		s.postJSON("/register", string(body)).wants(t, 400, "invalid_redirect_uri")
	})
	for name, body := range map[string]string{
		"empty": "", "array": "[]", "null": "null", "text": `"x"`, "wrong type": `{"redirect_uris":"x"}`, "number": `{"redirect_uris":[1]}`, "none": `{}`,
	} {
		t.Run("bad metadata, "+name, func(t *testing.T) {
			if a := s.postJSON("/register", body); a.StatusCode != 400 || a.json(t)["error_description"] == "" {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
	t.Run("one odd address does not sink the rest", func(t *testing.T) {
		a := s.postJSON("/register", `{"client_name":"Cursor","redirect_uris":["http://localhost:8787/callback","cursor://anysphere.cursor-mcp/oauth/callback","myapp:/x","https://www.cursor.com/agents/mcp/oauth/callback"]}`)
		if got := fmt.Sprint(a.json(t)["redirect_uris"]); a.StatusCode != 201 || got != "[http://localhost:8787/callback cursor://anysphere.cursor-mcp/oauth/callback https://www.cursor.com/agents/mcp/oauth/callback]" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("the same metadata is the same client", func(t *testing.T) {
		one := s.register("Claude", callback)
		s.clock.Add(time.Hour)
		if two := s.register("Claude", callback); two != one {
			t.Error("it is another one")
		}
		if other := s.register("Claude", callback, "https://client.test/cb"); other == one {
			t.Error("other metadata give the same client")
		}
		if n := s.count("client.registered"); n != 0 {
			t.Errorf("%d registrations are on the log before any consent", n)
		}
	})
	t.Run("registered for good at the first consent", func(t *testing.T) {
		s := open(t)
		client, _ := s.connect("alice")
		s.browser().code("bob", s.request(client))
		if n := s.count("client.registered"); n != 1 {
			t.Errorf("%d registrations", n)
		}
		s.clock.Add(8 * 24 * time.Hour)
		s.browser().code("alice", s.request(client))
		if again := s.register("Test agent", callback); again != client {
			t.Error("it registered as another client")
		}
	})
	t.Run("forgotten after seven days without a consent", func(t *testing.T) {
		client := s.register("Forgotten", callback)
		s.clock.Add(7*24*time.Hour + time.Second)
		s.browser().get("/authorize?"+s.request(client).Encode()).shown(t, 400)
		if again := s.register("Forgotten", callback); again != client {
			t.Error("it comes back as another client")
		}
		s.browser().code("alice", s.request(client))
	})
	t.Run("63 flood", func(t *testing.T) {
		s := open(t)
		limited := false
		for i := range 100 {
			a := s.postJSON("/register", fmt.Sprintf(`{"redirect_uris":["https://a.test/%d"]}`, i))
			if a.StatusCode == 429 {
				limited = a.Header.Get("Retry-After") != "" && a.json(t)["error"] != ""
			}
		}
		if !limited {
			t.Error("a hundred registrations at once are taken")
		}
		s.clock.Add(time.Minute)
		s.register("Later", callback)
		for range 100 { // one that registers at each try is no flood
			s.register("Later", callback)
		}
	})
	t.Run("36 kept from the newest registration on", func(t *testing.T) {
		s := open(t)
		client := s.register("Now and then", callback)
		for range 3 {
			s.clock.Add(5 * 24 * time.Hour)
			s.register("Now and then", callback)
		}
		s.clock.Add(6 * 24 * time.Hour)
		s.browser().code("alice", s.request(client))
	})
	t.Run("64 65 hostile metadata", func(t *testing.T) {
		a := s.postJSON("/register", `{"client_name":"Claude\u202e\u200b <script>alert(1)</script>\n`+strings.Repeat("x", 500)+`","client_uri":"javascript:alert(1)","logo_uri":"https://evil.test/logo.png","redirect_uris":["https://evil.test/cb"]}`)
		client := a.json(t)["client_id"].(string)
		for _, word := range []string{"logo", "client_uri", "\u202e", "\u200b", "null"} {
			if strings.Contains(a.body, word) {
				t.Errorf("the answer holds %q: %s", word, a.body)
			}
		}
		b := s.browser()
		q := s.request(client)
		q.Set("redirect_uri", "https://evil.test/cb")
		page := b.follow(b.get("/authorize?"+q.Encode()), "alice")
		for _, word := range []string{"<script", "logo.png", "javascript:", "\u202e", strings.Repeat("x", 81)} {
			if strings.Contains(page.body, word) {
				t.Errorf("the page holds %q", word)
			}
		}
		for _, word := range []string{"Not verified", "<code>evil.test</code>", "Claude"} {
			if !strings.Contains(page.body, word) {
				t.Errorf("the page lacks %q", word)
			}
		}
	})
	t.Run("66 67 no confidential client, no id of its choice", func(t *testing.T) {
		a := s.postJSON("/register", `{"client_id":"mine","client_secret":"x","token_endpoint_auth_method":"client_secret_basic","grant_types":["implicit","authorization_code","refresh_token"],"response_types":["token"],"redirect_uris":["`+callback+`"],"scope":""}`)
		v := a.json(t)
		if a.StatusCode != 201 || v["token_endpoint_auth_method"] != "none" || v["client_secret"] != nil || v["client_id"] == "mine" ||
			fmt.Sprint(v["response_types"]) != "[code]" || fmt.Sprint(v["grant_types"]) != "[authorization_code refresh_token]" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if strings.Contains(a.body, "null") || !strings.Contains(a.body, `"client_id_issued_at":17`) {
			t.Errorf("body %s", a.body)
		}
		if a := s.browser().get("/register"); a.StatusCode != 405 {
			t.Errorf("GET /register: %d", a.StatusCode)
		}
	})
}

func TestClientDocuments(t *testing.T) {
	s := open(t)
	const id = "https://agent.test/client.json"
	put := func(redirects ...string) {
		s.docs.mu.Lock()
		defer s.docs.mu.Unlock()
		s.docs.by[id] = cimd.Document{ID: id, Name: "Agent", Redirects: redirects}
	}
	const web = "https://agent.test/cb"
	put(web, callback)
	q := s.request(id)
	q.Set("redirect_uri", web)
	redeem := func(code string) tokens {
		form := s.redeemForm(id, code)
		form.Set("redirect_uri", web)
		return s.tokens(form)
	}

	b := s.browser()
	page := b.follow(b.get("/authorize?"+q.Encode()), "alice")
	if !strings.Contains(page.body, "Verified: agent.test") {
		t.Error("the page does not name the host that vouches")
	}
	tok := redeem(b.code("alice", q).Get("code"))
	if s.count("client.registered") != 0 {
		t.Error("a client with a document was registered")
	}
	t.Run("79 the same again is remembered", func(t *testing.T) {
		a := b.get("/authorize?" + q.Encode())
		if !strings.HasPrefix(a.Header.Get("Location"), web+"?code=") {
			t.Fatalf("%d to %s", a.StatusCode, a.Header.Get("Location"))
		}
	})
	t.Run("79 but not for more, elsewhere, on loopback, for others, or if asked anew", func(t *testing.T) {
		for name, change := range map[string][2]string{
			"consent": {"prompt", "consent"}, "loopback": {"redirect_uri", callback}, "choose": {"prompt", "select_account"},
		} {
			other := s.request(id)
			other.Set("redirect_uri", web)
			other.Set(change[0], change[1])
			if a := b.get("/authorize?" + other.Encode()); !strings.HasPrefix(a.Header.Get("Location"), "/consent?") {
				t.Errorf("%s: %d to %s", name, a.StatusCode, a.Header.Get("Location"))
			}
		}
		if a := s.browser().get("/authorize?" + q.Encode()); !strings.HasPrefix(a.Header.Get("Location"), "/login?") {
			t.Errorf("another browser: %d to %s", a.StatusCode, a.Header.Get("Location"))
		}
		narrow := s.request(id)
		narrow.Set("redirect_uri", web)
		narrow.Set("scope", "catalog:read")
		bob := s.browser()
		bob.code("bob", narrow)
		if a := bob.get("/authorize?" + q.Encode()); !strings.HasPrefix(a.Header.Get("Location"), "/consent?") {
			t.Errorf("more scopes: %d to %s", a.StatusCode, a.Header.Get("Location"))
		}
	})
	t.Run("71 the document changes midway", func(t *testing.T) {
		code := b.code("alice", q).Get("code")
		put("https://agent.test/new")
		redeem(code) // the grant keeps its address
		b.get("/authorize?"+q.Encode()).shown(t, 400)
		s.tokens(refreshForm(id, tok.Refresh))
	})
	t.Run("72 fetches are limited", func(t *testing.T) {
		s := open(t)
		limited := 0
		for i := range 40 {
			if a := s.browser().get("/authorize?" + s.request(fmt.Sprintf("https://agent.test/%d.json", i)).Encode()); a.StatusCode == 429 && a.Header.Get("Retry-After") != "" {
				limited++
			}
		}
		if limited < 15 {
			t.Errorf("%d of 40 were limited", limited)
		}
	})
}
