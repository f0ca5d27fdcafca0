package authz_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"till/authz"
	"till/domain/account"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
)

// refusing is a log that does not take one type of event, as often as it says.
type refusing struct {
	eventlog.Log
	name  string
	times *int
}

func (l refusing) Append(ctx context.Context, changes ...eventlog.Change) (eventlog.Position, error) {
	for _, c := range changes {
		for _, e := range c.Events {
			if e.Type == l.name && *l.times > 0 {
				*l.times--
				return 0, errCut
			}
		}
	}
	return l.Log.Append(ctx, changes...)
}

// Wherever opening an account at the first login is cut off, the next login goes on:
// one account, one link, and the name is nobody else's meanwhile.
func TestOpenIDCutOffAnywhere(t *testing.T) {
	for writes := 0; ; writes++ {
		p := newIDP(t)
		left := -1
		s := open(t, p.through("example.com"), func(c *authz.Config) {
			c.Credentials, c.People = cut{c.Credentials, &left}, cut{c.People, &left}
		})
		client := s.register("Test agent", callback)
		in := s.begin(client)
		left = writes
		whole := in.get(in.callback).StatusCode == 303
		left = -1
		s.isCarols(t, client)
		if whole {
			if writes < 3 {
				t.Errorf("it takes %d writes only: the test sees nothing", writes)
			}
			break
		}
	}
	for _, name := range []string{"account.opened", "account.linked", "session.started"} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			times := 0
			s := open(t, p.through("example.com"), func(c *authz.Config) { c.Log = refusing{c.Log, name, &times} })
			client := s.register("Test agent", callback)
			in := s.begin(client)
			times = 1
			if a := in.get(in.callback); a.StatusCode == 303 || times != 0 {
				t.Fatalf("%d", a.StatusCode)
			}
			s.isCarols(t, client)
		})
	}
}

func (s *shop) isCarols(t *testing.T, client string) {
	t.Helper()
	for range 2 {
		in := s.begin(client)
		if a := in.get(in.callback); a.StatusCode != 303 {
			t.Fatalf("the next login: %d %s", a.StatusCode, a.body)
		}
	}
	if who := s.account(t, "carol@example.com"); len(who.Logins) != 1 {
		t.Errorf("%+v", who)
	}
	if s.count("account.opened") != 4 || s.count("account.linked") != 1 || len(s.links(t)) != 1 {
		t.Errorf("%d accounts, %d links in events, %d in the bucket", s.count("account.opened"), s.count("account.linked"), len(s.links(t)))
	}
}

// 87: while an account for a login at the provider is half opened, somebody with a
// password takes its name. The name is theirs then, and the login opens nothing of it.
func TestAttackOpenIDHalfOpened(t *testing.T) {
	p := newIDP(t)
	times := 0
	s := open(t, p.through("example.com"), func(c *authz.Config) { c.Log = refusing{c.Log, "account.opened", &times} })
	client := s.register("Test agent", callback)
	in := s.begin(client)
	times = 1
	if a := in.get(in.callback); a.StatusCode == 303 {
		t.Fatal("it was not cut off")
	}
	user, err := s.srv.Accounts().OpenAccount(t.Context(), "carol@example.com", "another's password", account.Customer)
	if err != nil {
		t.Fatal(err)
	}
	in = s.begin(client)
	if a := in.get(in.callback); a.StatusCode != 409 || s.count("account.linked") != 0 || s.count("session.started") != 0 {
		t.Errorf("%d, %d links", a.StatusCode, s.count("account.linked"))
	}
	if who := s.account(t, "carol@example.com"); who.User != user || len(who.Logins) != 0 {
		t.Errorf("%+v", who)
	}
}

// Wherever a rotation of the secret is cut off, the next one finishes it, and the
// login at the provider is hers as before.
func TestOpenIDRekeyCutOffAnywhere(t *testing.T) {
	old, new := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	for writes := 0; ; writes++ {
		p := newIDP(t)
		var people *memlog.Bucket
		s := open(t, p.through("example.com"), func(c *authz.Config) { people = c.People.(*memlog.Bucket) })
		in := s.begin(s.register("Test agent", callback))
		in.get(in.callback)
		accounts, before := []account.State{s.account(t, "carol@example.com")}, s.links(t)
		left := writes
		_, err := authz.Rekey(t.Context(), cut{people, &left}, cut{s.credentials, &left}, accounts, old, new)
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		whole := err == nil
		if _, err := authz.Rekey(t.Context(), people, s.credentials, accounts, old, new); err != nil {
			t.Fatal(err)
		}
		if after := s.links(t); len(before) != 1 || len(after) != 1 || before[0] == after[0] {
			t.Fatalf("%v became %v", before, after)
		}
		next := open(t, p.through(), func(c *authz.Config) {
			c.Secret, c.Credentials, c.People, c.Log, c.Views = new, copied(t, s.credentials), people, s.log, s.views
		})
		b := next.browser()
		b.get(b.atProvider(b.get("/login")))
		if page := b.get("/account/connections"); !strings.Contains(page.body, "<strong>carol@example.com</strong>") {
			t.Fatalf("after %d writes: %d %s", writes, page.StatusCode, page.body)
		}
		if whole {
			return
		}
	}
}

// deaf is a bucket that cannot be read while it says so.
type deaf struct {
	eventlog.Bucket
	now *bool
}

func (d deaf) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if *d.now {
		return nil, 0, eventlog.ErrUnavailable
	}
	return d.Bucket.Get(ctx, key)
}

// While the shop cannot tell whose a login is, it is nobody's to be given away.
func TestOpenIDOutage(t *testing.T) {
	for name, which := range map[string]func(*authz.Config) *eventlog.Bucket{
		"the keys of people": func(c *authz.Config) *eventlog.Bucket { return &c.People },
		"the credentials":    func(c *authz.Config) *eventlog.Bucket { return &c.Credentials },
	} {
		t.Run(name, func(t *testing.T) {
			p := newIDP(t)
			out := false
			s := open(t, p.through("example.com"), func(c *authz.Config) { b := which(c); *b = deaf{*b, &out} })
			b := s.browser()
			b.login(b.get("/login"), "alice", s.users["alice"])
			href := hrefOf(b.get("/account/connections").body, "/login/openid?link=")
			b.get(b.get(b.get(href).Header.Get("Location")).Header.Get("Location"))
			client, accounts := s.register("Test agent", callback), s.count("account.opened")
			in := s.begin(client)
			out = true
			if a := in.get(in.callback); a.StatusCode != 503 {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
			out = false
			in = s.begin(client)
			if page := in.get(in.get(in.callback).Header.Get("Location")); !strings.Contains(page.body, "<strong>alice</strong>") || s.count("account.opened") != accounts {
				t.Errorf("it is no longer hers: %d %s", page.StatusCode, page.body)
			}
		})
	}
}

// overtaken is a bucket in which another tab of the same person was a moment faster.
type overtaken struct {
	eventlog.Bucket
	user string
}

func (o overtaken) Create(ctx context.Context, key string, value []byte) error {
	if strings.HasPrefix(key, "openid.") {
		value = []byte(o.user)
	}
	if err := o.Bucket.Create(ctx, key, value); err != nil || !strings.HasPrefix(key, "openid.") {
		return err
	}
	return eventlog.ErrKeyExists
}

// Of two tabs in which somebody logs in for the first time both open the one account.
func TestOpenIDSecondTab(t *testing.T) {
	p := newIDP(t)
	const user = "usr_AAAAAAAAAAAAAAAAAAAAAA"
	s := open(t, p.through("example.com"), func(c *authz.Config) { c.Credentials = overtaken{c.Credentials, user} })
	client := s.register("Test agent", callback)
	in := s.begin(client)
	if a := in.get(in.callback); a.StatusCode != 303 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if who := s.account(t, "carol@example.com"); who.User != user {
		t.Errorf("%+v", who)
	}
	s.isCarols(t, client)
}
