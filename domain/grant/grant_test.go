package grant_test

import (
	"testing"
	"time"

	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
	"till/domain/grant"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return noon.Add(d) }

const leeway = 30 * time.Second

var consent = grant.Authorize{
	ID: "g1", User: "usr_1", Client: "cli_1", ClientName: "Agent", Resource: "https://shop.test/mcp",
	Redirect: "http://127.0.0.1/cb", Scopes: []string{grant.CatalogRead, grant.OrdersWrite},
	Challenge: "challenge", Code: "code", CodeExpires: at(time.Minute), Until: at(30 * 24 * time.Hour), At: noon,
}

func authorized() grant.Event {
	return grant.Authorized{
		ID: "g1", User: "usr_1", Client: "cli_1", ClientName: "Agent", Resource: "https://shop.test/mcp",
		Redirect: "http://127.0.0.1/cb", Scopes: []string{grant.CatalogRead, grant.OrdersWrite},
		Challenge: "challenge", Code: "code", CodeExpires: at(time.Minute), Until: at(30 * 24 * time.Hour), At: noon,
	}
}

// pair is the tokens of generation n, minted at the time.
func pair(n string, when time.Duration) grant.Pair {
	return grant.Pair{Access: grant.Hash("a" + n), Refresh: grant.Hash("r" + n), Expires: at(when + 10*time.Minute), At: at(when)}
}

func redeem(when time.Duration) grant.Redeem {
	return grant.Redeem{Code: "code", Client: "cli_1", Redirect: "http://127.0.0.1/cb", Challenge: "challenge", Pair: pair("1", when)}
}

func redeemed() grant.Event {
	return grant.TokensIssued{
		Generation: 1, Access: "a1", Refresh: "r1", Expires: at(10*time.Minute + time.Second),
		Scopes: []string{grant.CatalogRead, grant.OrdersWrite}, At: at(time.Second),
	}
}

func renew(token, n string, when time.Duration) grant.Renew {
	return grant.Renew{Presented: grant.Hash(token), Ours: true, Client: "cli_1", Leeway: leeway, Pair: pair(n, when)}
}

func TestAuthorize(t *testing.T) {
	story.Given(t, grant.Decider()).When(consent).Then(authorized())
	story.Given(t, grant.Decider(), authorized()).When(consent).Refused(grant.ErrExists)
	for name, change := range map[string]func(*grant.Authorize){
		"no user":      func(c *grant.Authorize) { c.User = "" },
		"no scope":     func(c *grant.Authorize) { c.Scopes = nil },
		"no challenge": func(c *grant.Authorize) { c.Challenge = "" },
		"no time":      func(c *grant.Authorize) { c.CodeExpires = c.At },
	} {
		t.Run(name, func(t *testing.T) {
			c := consent
			change(&c)
			story.Given(t, grant.Decider()).When(c).Refused(grant.ErrIncomplete)
		})
	}
}

func TestRedeem(t *testing.T) {
	t.Run("gives the first tokens", func(t *testing.T) {
		s := story.Given(t, grant.Decider(), authorized()).When(redeem(time.Second)).Then(redeemed()).State()
		if _, err := s.Check(1, "a1", at(time.Minute)); err != nil {
			t.Error(err)
		}
		if _, err := s.Check(1, "a1", at(11*time.Minute)); err != grant.ErrExpired {
			t.Error(err)
		}
		if _, err := s.Check(1, "other", at(time.Minute)); err != grant.ErrUnknown {
			t.Error(err)
		}
		if _, err := s.Check(2, "a1", at(time.Minute)); err != grant.ErrUnknown {
			t.Error(err)
		}
	})
	t.Run("a second time kills the family", func(t *testing.T) {
		s := story.Given(t, grant.Decider(), authorized(), redeemed()).
			When(redeem(2 * time.Second)).Then(grant.Revoked{Reason: grant.CodeReplayed, At: at(2 * time.Second)}).
			When(redeem(3 * time.Second)).Refused(grant.ErrRevoked).State()
		if _, err := s.Check(1, "a1", at(3*time.Second)); err != grant.ErrRevoked {
			t.Error(err)
		}
	})
	t.Run("gives no refresh token to a client without that grant type", func(t *testing.T) {
		e := authorized().(grant.Authorized)
		e.Until = time.Time{}
		want := redeemed().(grant.TokensIssued)
		want.Refresh = ""
		story.Given(t, grant.Decider(), grant.Event(e)).When(redeem(time.Second)).Then(want)
	})
	for name, c := range map[string]struct {
		change func(*grant.Redeem)
		burnt  bool
		err    error
	}{
		"wrong verifier burns the code": {func(c *grant.Redeem) { c.Challenge = "other" }, true, nil},
		"wrong client burns the code":   {func(c *grant.Redeem) { c.Client = "cli_2" }, true, nil},
		"wrong redirect burns the code": {func(c *grant.Redeem) { c.Redirect += "/" }, true, nil},
		"a guess does nothing":          {func(c *grant.Redeem) { c.Code = "guess" }, false, grant.ErrUnknown},
		"an empty guess does nothing":   {func(c *grant.Redeem) { c.Code = "" }, false, grant.ErrUnknown},
		"late":                          {func(c *grant.Redeem) { c.At = at(time.Minute) }, false, grant.ErrExpired},
		"other resource":                {func(c *grant.Redeem) { c.Resource = "https://other.test/mcp" }, false, grant.ErrTarget},
		"no redirect is fine":           {func(c *grant.Redeem) { c.Redirect = "" }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := redeem(time.Second)
			c.change(&cmd)
			s := story.Given(t, grant.Decider(), authorized()).When(cmd)
			switch {
			case c.burnt:
				s.Then(grant.Revoked{Reason: grant.CodeMisused, At: cmd.At}).When(redeem(2 * time.Second)).Refused(grant.ErrRevoked)
			case c.err != nil:
				s.Refused(c.err)
			default:
				s.Then(redeemed())
			}
		})
	}
}

func TestRenew(t *testing.T) {
	issued := func(n, from int, hash string, when, fromUntil time.Duration) grant.Event {
		return grant.TokensIssued{
			Generation: n, From: from, Access: grant.Hash("a" + hash), Refresh: grant.Hash("r" + hash), Expires: at(when + 10*time.Minute),
			Scopes: []string{grant.CatalogRead, grant.OrdersWrite}, FromUntil: at(fromUntil), At: at(when),
		}
	}
	began := story.Given(t, grant.Decider(), authorized(), redeemed())
	t.Run("rotates", func(t *testing.T) {
		s := story.Given(t, grant.Decider(), authorized(), redeemed()).
			When(renew("r1", "2", time.Minute)).Then(issued(2, 1, "2", time.Minute, time.Minute+leeway)).State()
		if _, err := s.Check(1, "a1", at(time.Minute+leeway)); err != grant.ErrExpired {
			t.Errorf("the old access token outlives the leeway: %v", err)
		}
		if _, err := s.Check(1, "a1", at(time.Minute+leeway-1)); err != nil {
			t.Errorf("the old access token dies within the leeway: %v", err)
		}
	})
	t.Run("within the leeway the old one gets another successor, and both go on", func(t *testing.T) {
		story.Given(t, grant.Decider(), authorized(), redeemed()).
			When(renew("r1", "2", time.Minute)).
			When(renew("r1", "3", time.Minute+10*time.Second)).Then(issued(3, 1, "3", time.Minute+10*time.Second, time.Minute+leeway)).
			When(renew("r2", "4", 10*time.Minute)).Then(issued(4, 2, "4", 10*time.Minute, 10*time.Minute+leeway)).
			When(renew("r3", "5", 11*time.Minute)).Then(issued(5, 3, "5", 11*time.Minute, 11*time.Minute+leeway))
	})
	t.Run("a second use does not lengthen the leeway", func(t *testing.T) {
		story.Given(t, grant.Decider(), authorized(), redeemed()).
			When(renew("r1", "2", time.Minute)).
			When(renew("r1", "3", time.Minute+29*time.Second)).
			When(renew("r1", "4", time.Minute+31*time.Second)).Then(grant.Revoked{Reason: grant.RefreshReused, At: at(time.Minute + 31*time.Second)})
	})
	t.Run("after the leeway reuse kills the family", func(t *testing.T) {
		story.Given(t, grant.Decider(), authorized(), redeemed()).
			When(renew("r1", "2", time.Minute)).
			When(renew("r1", "3", 2*time.Minute)).Then(grant.Revoked{Reason: grant.RefreshReused, At: at(2 * time.Minute)}).
			When(renew("r2", "4", 2*time.Minute)).Refused(grant.ErrRevoked)
	})
	t.Run("of a generation long gone kills it too", func(t *testing.T) {
		story.Given(t, grant.Decider(), authorized(), redeemed()).
			When(renew("r1", "2", 5*time.Minute)).When(renew("r2", "3", 10*time.Minute)).When(renew("r3", "4", 15*time.Minute)).
			When(renew("r1", "5", 20*time.Minute)).Then(grant.Revoked{Reason: grant.RefreshReused, At: at(20 * time.Minute)})
	})
	t.Run("without leeway one use is all", func(t *testing.T) {
		cmd := renew("r1", "2", time.Minute)
		cmd.Leeway = 0
		again := renew("r1", "3", time.Minute)
		again.Leeway = 0
		s := story.Given(t, grant.Decider(), authorized(), redeemed()).When(cmd)
		if _, err := s.State().Check(1, "a1", at(time.Minute)); err != grant.ErrExpired {
			t.Errorf("the old access token lives on: %v", err)
		}
		s.When(again).Then(grant.Revoked{Reason: grant.RefreshReused, At: at(time.Minute)})
	})
	t.Run("a guess ends nothing", func(t *testing.T) {
		cmd := renew("guess", "2", time.Minute)
		cmd.Ours = false
		story.Given(t, grant.Decider(), authorized(), redeemed()).When(cmd).Refused(grant.ErrUnknown)
	})
	t.Run("another client ends nothing", func(t *testing.T) {
		cmd := renew("r1", "2", time.Minute)
		cmd.Client = "cli_2"
		story.Given(t, grant.Decider(), authorized(), redeemed()).When(cmd).Refused(grant.ErrUnknown)
	})
	t.Run("narrows one access token only", func(t *testing.T) {
		cmd := renew("r1", "2", time.Minute)
		cmd.Scopes = []string{grant.OrdersRead}
		s := story.Given(t, grant.Decider(), authorized(), redeemed()).When(cmd)
		if a, err := s.State().Check(2, "a2", at(time.Minute)); err != nil || !grant.Covers(a.Scopes, grant.OrdersRead) || grant.Covers(a.Scopes, grant.OrdersWrite) {
			t.Errorf("%v %v", a, err)
		}
		s = s.When(renew("r2", "3", 2*time.Minute))
		if a, _ := s.State().Check(3, "a3", at(2*time.Minute)); !grant.Covers(a.Scopes, grant.OrdersWrite) {
			t.Errorf("what was granted is lost: %v", a)
		}
	})
	t.Run("never widens", func(t *testing.T) {
		cmd := renew("r1", "2", time.Minute)
		cmd.Scopes = []string{grant.CartWrite}
		story.Given(t, grant.Decider(), authorized(), redeemed()).When(cmd).Refused(grant.ErrScope)
	})
	t.Run("ends absolutely", func(t *testing.T) {
		began.When(renew("r1", "2", 30*24*time.Hour)).Refused(grant.ErrExpired)
	})
	t.Run("of nothing", func(t *testing.T) {
		story.Given(t, grant.Decider()).When(renew("r1", "2", 0)).Refused(grant.ErrUnknown)
	})
}

func TestRevoke(t *testing.T) {
	cmd := grant.Revoke{Reason: grant.ByUser, At: at(time.Minute)}
	story.Given(t, grant.Decider(), authorized(), redeemed()).
		When(cmd).Then(grant.Revoked{Reason: grant.ByUser, At: at(time.Minute)}).
		When(cmd).Then()
	story.Given(t, grant.Decider()).When(cmd).Refused(grant.ErrUnknown)
}

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		granted []string
		need    string
		covers  bool
	}{
		{[]string{grant.OrdersWrite}, grant.OrdersRead, true},
		{[]string{grant.OrdersRead}, grant.OrdersWrite, false},
		{[]string{grant.CartWrite}, grant.CatalogRead, true},
		{[]string{grant.CartWrite}, grant.OrdersRead, false},
		{[]string{grant.ShopAdmin}, grant.CatalogRead, true},
		{[]string{grant.ShopAdmin}, grant.OrdersWrite, false},
		{[]string{"foreign"}, grant.CatalogRead, false},
		{nil, grant.CatalogRead, false},
	} {
		if got := grant.Covers(c.granted, c.need); got != c.covers {
			t.Errorf("%v covers %s: %v", c.granted, c.need, got)
		}
	}
	if got := grant.Choose([]string{"foo", grant.ShopAdmin}, false); len(got) != 1 || got[0] != grant.CatalogRead {
		t.Errorf("a customer who asks for the shop gets %v", got)
	}
	if got := grant.Choose([]string{grant.ShopAdmin, grant.CartWrite}, true); len(got) != 2 || got[1] != grant.ShopAdmin {
		t.Errorf("an administrator gets %v", got)
	}
}

func TestGolden(t *testing.T) {
	types := eventlog.NewTypes()
	grant.Register(types)
	full := authorized().(grant.Authorized)
	full.Verified = "client.test"
	golden.Check(t, types, full,
		grant.TokensIssued{
			Generation: 2, From: 1, Access: "a2", Refresh: "r2", Expires: at(11 * time.Minute),
			Scopes: []string{grant.CatalogRead}, FromUntil: at(90 * time.Second), At: at(time.Minute),
		},
		grant.Revoked{Reason: grant.RefreshReused, At: at(time.Hour)},
	)
}
