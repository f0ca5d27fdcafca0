package authz_test

import (
	"context"
	"strings"
	"testing"

	"till/authz"
	"till/domain/eventlog"
)

// losing is a log whose next append is lost: before it is stored or, as in a
// crash between the append and the answer, after.
type losing struct {
	eventlog.Log
	before, after bool
}

func (l *losing) Append(ctx context.Context, changes ...eventlog.Change) (eventlog.Position, error) {
	if l.before {
		l.before = false
		return 0, eventlog.ErrUnavailable
	}
	at, err := l.Log.Append(ctx, changes...)
	if l.after {
		l.after = false
		return 0, eventlog.ErrUnavailable
	}
	return at, err
}

// 43: the client never hears its tokens, so it asks again. That may not be told
// from a thief's attempt: it starts anew, and no second family ever lives.
func TestAttackLostAnswer(t *testing.T) {
	crashing := func(t *testing.T, options ...option) (*shop, *losing) {
		log := &losing{}
		return open(t, append(options, func(c *authz.Config) { log.Log = c.Log; c.Log = log })...), log
	}
	dead := func(t *testing.T, s *shop, token string) {
		t.Helper()
		id := strings.Split(token, ".")[0]
		g, _, known, err := s.views.Grant(t.Context(), id[strings.Index(id, "_")+1:])
		if err != nil || !known || g.Revoked.IsZero() || len(g.Access)+len(g.Refresh) > 0 {
			t.Errorf("the family that nobody heard of lives: %+v %v", g, err)
		}
	}
	t.Run("43 a redemption", func(t *testing.T) {
		s, log := crashing(t)
		client := s.register("Test agent", callback)
		code := s.browser().code("alice", s.request(client)).Get("code")
		log.after = true
		s.postForm("/token", s.redeemForm(client, code)).wants(t, 503, "temporarily_unavailable")
		if n := s.count("grant.tokens_issued"); n != 1 {
			t.Fatalf("%d pairs were issued: the crash came at the wrong time", n)
		}
		for range 2 {
			s.postForm("/token", s.redeemForm(client, code)).wants(t, 400, "invalid_grant")
		}
		if issued, revoked := s.count("grant.tokens_issued"), s.count("grant.revoked"); issued != 1 || revoked != 1 {
			t.Errorf("issued %d, revoked %d", issued, revoked)
		}
		dead(t, s, code)
		// The person allows it once more and all is well.
		again := s.tokens(s.redeemForm(client, s.browser().code("alice", s.request(client)).Get("code")))
		if !s.works(again.Access) {
			t.Error("the new family does not live")
		}
	})
	t.Run("43 a redemption that was not stored may be tried again", func(t *testing.T) {
		s, log := crashing(t)
		client := s.register("Test agent", callback)
		form := s.redeemForm(client, s.browser().code("alice", s.request(client)).Get("code"))
		log.before = true
		s.postForm("/token", form).wants(t, 503, "temporarily_unavailable")
		if tok := s.tokens(form); !s.works(tok.Access) || s.count("grant.tokens_issued") != 1 {
			t.Error("the second attempt is worth nothing")
		}
	})
	t.Run("43 a refresh, strict", func(t *testing.T) {
		s, log := crashing(t, strict)
		client, tok := s.connect("alice")
		log.after = true
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 503, "temporarily_unavailable")
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 400, "invalid_grant")
		if s.works(tok.Access) {
			t.Error("the access token lives")
		}
		dead(t, s, tok.Access)
	})
	t.Run("43 a refresh within the leeway goes on in the same family", func(t *testing.T) {
		s, log := crashing(t)
		client, tok := s.connect("alice")
		log.after = true
		s.postForm("/token", refreshForm(client, tok.Refresh)).wants(t, 503, "temporarily_unavailable")
		next := s.tokens(refreshForm(client, tok.Refresh))
		if !s.works(next.Access) || s.count("grant.authorized") != 1 || s.count("grant.revoked") != 0 {
			t.Error("the client does not go on")
		}
	})
}
