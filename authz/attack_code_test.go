package authz_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"till/authz"
)

func TestAttackCode(t *testing.T) {
	s := open(t)
	client := s.register("Test agent", callback)
	fresh := func() string { t.Helper(); return s.browser().code("alice", s.request(client)).Get("code") }
	with := func(code string, pairs ...string) url.Values {
		form := s.redeemForm(client, code)
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}

	t.Run("35 43 replay of a code kills the family, also after an answer that got lost", func(t *testing.T) {
		code := fresh()
		tok := s.tokens(with(code))
		s.postForm("/token", with(code)).wants(t, 400, "invalid_grant")
		if s.works(tok.Access) {
			t.Error("the access token lives")
		}
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
	})
	t.Run("36 wrong verifier burns the code", func(t *testing.T) {
		code := fresh()
		s.postForm("/token", with(code, "code_verifier", strings.Repeat("x", 43))).wants(t, 400, "invalid_grant")
		s.postForm("/token", with(code)).wants(t, 400, "invalid_grant")
	})
	code := fresh()
	for name, v := range map[string]string{"none": "", "42": verifier[:42], "129": strings.Repeat("x", 129), "not unreserved": verifier[:42] + "ä"} {
		t.Run("37 verifier of "+name, func(t *testing.T) {
			s.postForm("/token", with(code, "code_verifier", v)).wants(t, 400, "invalid_request")
		})
	}
	t.Run("37 does not burn the code", func(t *testing.T) { s.tokens(with(code)) })
	t.Run("38 another client", func(t *testing.T) {
		other := s.register("Other", callback)
		s.postForm("/token", with(fresh(), "client_id", other)).wants(t, 400, "invalid_grant")
		s.postForm("/token", with(fresh(), "client_id", "https://client.test/doc")).wants(t, 400, "invalid_grant")
	})
	t.Run("38 unknown client", func(t *testing.T) {
		s.postForm("/token", with(fresh(), "client_id", "cli_"+strings.Repeat("x", 43))).wants(t, 401, "invalid_client")
		s.postForm("/token", with(fresh(), "client_id", "")).wants(t, 401, "invalid_client")
	})
	t.Run("40 expired", func(t *testing.T) {
		code := fresh()
		s.clock.Add(61 * time.Second)
		s.postForm("/token", with(code)).wants(t, 400, "invalid_grant")
	})
	t.Run("41 a code is no token", func(t *testing.T) {
		code := fresh()
		if s.works(code) {
			t.Error("it serves as a bearer token")
		}
		s.postForm("/token", refreshForm(client, code)).wants(t, 400, "invalid_grant")
	})
	t.Run("42 a guess does not burn the code", func(t *testing.T) {
		code := fresh()
		s.postForm("/token", with(code[:len(code)-1]+other(code[len(code)-1]))).wants(t, 400, "invalid_grant")
		s.tokens(with(code))
	})
}

// other returns another base64url character.
func other(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// race sends the form n times at once and returns the tokens of those that won.
func (s *shop) race(n int, form url.Values) []tokens {
	s.t.Helper()
	var mu sync.Mutex
	var won []tokens
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			a := s.postForm("/token", form)
			mu.Lock()
			defer mu.Unlock()
			if a.StatusCode == 200 {
				var t tokens
				if err := json.Unmarshal([]byte(a.body), &t); err != nil {
					s.t.Error(err)
				}
				won = append(won, t)
			} else if a.StatusCode != 400 || !strings.Contains(a.body, "invalid_grant") {
				s.t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
	close(start)
	wg.Wait()
	return won
}

func TestRaces(t *testing.T) {
	for round := range 5 {
		s := open(t, strict)
		client := s.register("Test agent", callback)
		q := s.browser().code("alice", s.request(client))
		t.Run("39 concurrent redemption", func(t *testing.T) {
			won := s.race(40, s.redeemForm(client, q.Get("code")))
			if len(won) != 1 {
				t.Fatalf("round %d: %d winners", round, len(won))
			}
			// The others were replays: the family is dead.
			if s.works(won[0].Access) || s.count("grant.tokens_issued") != 1 || s.count("grant.revoked") != 1 {
				t.Errorf("round %d: issued %d, revoked %d", round, s.count("grant.tokens_issued"), s.count("grant.revoked"))
			}
		})
		t.Run("45 concurrent refresh, strict", func(t *testing.T) {
			_, tok := s.connect("bob")
			issued := s.count("grant.tokens_issued")
			won := s.race(40, refreshForm(client, tok.Refresh))
			if len(won) != 1 || s.works(won[0].Access) || s.count("grant.tokens_issued") != issued+1 {
				t.Fatalf("round %d: %d winners", round, len(won))
			}
		})
	}
	t.Run("45 concurrent refresh with leeway stays one family", func(t *testing.T) {
		s := open(t, func(c *authz.Config) { c.RefreshLeeway = authz.DefaultRefreshLeeway })
		client, tok := s.connect("alice")
		won := s.race(12, refreshForm(client, tok.Refresh))
		if len(won) != 12 {
			t.Fatalf("%d of 12 processes stay connected", len(won))
		}
		for _, w := range won {
			if !s.works(w.Access) {
				t.Error("a token that was given out does not work")
			}
		}
		if n := s.count("grant.authorized"); n != 1 {
			t.Errorf("%d families", n)
		}
		s.clock.Add(31 * time.Second)
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
		for _, w := range won {
			if s.works(w.Access) {
				t.Error("a token outlives its family")
			}
		}
	})
}
