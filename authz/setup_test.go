package authz_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"till/authz"
	"till/domain/account"
)

// invited fills in the page that a link leads to.
func (b *browser) invited(link string, form url.Values) answer {
	b.s.t.Helper()
	page := b.get(link)
	if page.StatusCode != 200 {
		return page
	}
	all := fields(page.body, "/setup")
	for name, values := range form {
		all[name] = values
	}
	return b.post("/setup", all)
}

func password(p string) url.Values { return url.Values{"password": {p}, "again": {p}} }

func link(t *testing.T) func(string, error) string {
	return func(l string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

func TestSetupOfTheFirstAdministrator(t *testing.T) {
	s := open(t)
	first, second := link(t)(s.srv.InviteFirst()), link(t)(s.srv.InviteFirst())
	b := s.browser()
	for problem, form := range map[string]url.Values{
		"not the same":     {"username": {"root"}, "password": {"a fine password"}, "again": {"another password"}},
		"8 to 256":         {"username": {"root"}, "password": {"short"}, "again": {"short"}},
		"A login name has": {"username": {"<script>alert(1)</script>"}, "password": {"a fine password"}, "again": {"a fine password"}},
		"is taken":         {"username": {"alice"}, "password": {"a fine password"}, "again": {"a fine password"}},
	} {
		a := b.invited(first, form)
		if a.StatusCode != 400 || !strings.Contains(a.body, problem) || strings.Contains(a.body, "a fine p") || strings.Contains(a.body, "<script") {
			t.Errorf("%v: %d %s", form, a.StatusCode, a.body)
		}
	}
	form := password("a fine password")
	form.Set("username", "Root")
	if a := b.invited(first, form); a.StatusCode != 303 || a.Header.Get("Location") != "/account/connections" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := b.get("/account/connections"); a.StatusCode != 200 || !strings.Contains(a.body, "root") {
		t.Errorf("they are not logged in: %d", a.StatusCode)
	}
	who, err := s.srv.Accounts().CheckPassword(t.Context(), "root", "a fine password")
	if err != nil || who.Role != account.Admin {
		t.Errorf("%+v %v", who, err)
	}
	form.Set("username", "second")
	for _, used := range []string{first, second} {
		s.browser().get(used).shown(t, 400)
		sealed, _ := url.Parse(used)
		again := url.Values{"link": {sealed.Query().Get("link")}, "username": {"second"}, "password": {"a fine password"}, "again": {"a fine password"}}
		s.browser().post("/setup", again).shown(t, 400)
	}
	if _, err := s.srv.Accounts().Find(t.Context(), "second"); !errors.Is(err, authz.ErrNobody) {
		t.Errorf("a second administrator: %v", err)
	}
	if told := s.lines.String(); strings.Contains(told, first[len(first)-40:]) || strings.Contains(told, "a fine password") {
		t.Error("the link or the password is in the log")
	}
}

func TestSetupOfAnAccount(t *testing.T) {
	s := open(t)
	if _, err := s.srv.Invite(t.Context(), "Alice", account.Customer); !errors.Is(err, authz.ErrTaken) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := s.srv.Invite(t.Context(), "a b", account.Customer); !errors.Is(err, authz.ErrLogin) {
		t.Errorf("no name: %v", err)
	}
	if _, err := s.srv.Invite(t.Context(), "carol", "owner"); !errors.Is(err, account.ErrRole) {
		t.Errorf("no role: %v", err)
	}
	l := link(t)(s.srv.Invite(t.Context(), "Carol", account.Customer))
	form := password("a fine password")
	form.Set("username", "mallory") // not theirs to choose
	if a := s.browser().invited(l, form); a.StatusCode != 303 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	who, err := s.srv.Accounts().CheckPassword(t.Context(), "carol", "a fine password")
	if err != nil || who.Role != account.Customer {
		t.Errorf("%+v %v", who, err)
	}
	s.browser().get(l).shown(t, 400)
}

func TestANewPassword(t *testing.T) {
	s := open(t)
	user, err := s.srv.Accounts().Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.srv.InviteAgain(t.Context(), "usr_nobody"); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("nobody: %v", err)
	}
	_, agent := s.connect("alice")
	before := s.browser()
	before.login(before.get("/login"), "alice", s.users["alice"])
	used, other := link(t)(s.srv.InviteAgain(t.Context(), user)), link(t)(s.srv.InviteAgain(t.Context(), user))

	at, _ := url.Parse(used)
	whole := at.Query().Get("link")
	for _, broken := range []string{"", "x", whole[:len(whole)-1], whole[1:], strings.Repeat("A", 5000), whole[:20] + "AAAA" + whole[24:]} {
		s.browser().get("/setup?link="+url.QueryEscape(broken)).shown(t, 400)
	}
	form := password("another password")
	form.Set("link", whole)
	s.browser().post("/setup", form, "Sec-Fetch-Site", "cross-site").shown(t, 403)

	// Of many at the same time one works.
	var wg sync.WaitGroup
	var worked atomic.Int64
	for range 20 {
		b := s.browser()
		wg.Go(func() {
			if b.post("/setup", form).StatusCode == 303 {
				worked.Add(1)
			}
		})
	}
	wg.Wait()
	if worked.Load() != 1 {
		t.Errorf("%d of twenty worked", worked.Load())
	}
	if _, err := s.srv.Accounts().CheckPassword(t.Context(), "alice", s.users["alice"]); !errors.Is(err, authz.ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
	if a := before.get("/account/connections"); a.StatusCode == 200 {
		t.Error("a session of the old password lives")
	}
	if !s.works(agent.Access) {
		t.Error("an agent was disconnected")
	}
	s.browser().get(other).shown(t, 400) // made for the password before

	late := link(t)(s.srv.InviteAgain(t.Context(), user))
	s.clock.Add(24*time.Hour + time.Second)
	s.browser().get(late).shown(t, 400)
}

// Behind a proxy of the shop's own each person has their own limit, and nobody
// another's by writing the header.
func TestLimitsBehindAProxy(t *testing.T) {
	loopback, err := authz.ParseProxies([]string{"loopback"})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, func(c *authz.Config) { c.Proxies = loopback })
	clients := 0
	register := func(from string) int {
		clients++ // another one each time: the same one again is not counted
		req, err := http.NewRequest("POST", s.url+"/register", strings.NewReader(fmt.Sprintf(`{"redirect_uris":["http://127.0.0.1/%d"]}`, clients)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Forwarded-For", from)
		return s.do(http.DefaultClient, req).StatusCode
	}
	n := 0
	for register("198.51.100.1") == 201 {
		if n++; n > 1000 {
			t.Fatal("no limit")
		}
	}
	if got := register("6.6.6.6, 198.51.100.1"); got != 429 {
		t.Errorf("under another name in front: %d", got)
	}
	if got := register("198.51.100.2"); got != 201 {
		t.Errorf("somebody else: %d", got)
	}
}
