package authz_test

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"till/domain/cart"
	"till/domain/decider"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/spending"
)

// allowing consents with the limits typed into the page and returns the client and
// what the shop answered.
func (b *browser) allowing(login string, scope string, typed ...string) (client string, a answer) {
	b.s.t.Helper()
	client = b.s.register("Test agent", callback)
	request := b.s.request(client)
	request.Set("scope", scope)
	page := b.follow(b.get("/authorize?"+request.Encode()), login)
	page.shown(b.s.t.(*testing.T), 200)
	form := fields(page.body, "/consent")
	for i, name := range []string{"per_order", "per_day", "ask_above"} {
		if i < len(typed) {
			form.Set(name, typed[i])
		}
	}
	form.Set("decision", "allow")
	return client, b.post("/consent", form)
}

// spends does something to what the agent may spend, nil only looks.
func (s *shop) spends(user, client string, cmd spending.Command) spending.State {
	s.t.Helper()
	h := decider.NewHandler(spending.Decider(), types(), s.log, s.views)
	if cmd != nil {
		if _, err := h.Do(s.t.Context(), spending.ID(user, client), cmd, eventlog.Meta{}); err != nil {
			s.t.Fatal(err)
		}
	}
	state, _, err := h.State(s.t.Context(), spending.ID(user, client))
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

func (s *shop) user(login string) string {
	s.t.Helper()
	id, err := s.srv.Accounts().Find(s.t.Context(), login)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

const shopping = grant.CatalogRead + " " + grant.CartWrite + " " + grant.OrdersRead + " " + grant.OrdersWrite

func usd(minor int64) *money.Amount {
	a := money.Of(minor, "USD")
	return &a
}

func TestLimitsAtTheConsent(t *testing.T) {
	s := open(t)
	b := s.browser()
	client, a := b.allowing("alice", shopping, "$50", "100,00", "0")
	if a.StatusCode != 303 || !strings.Contains(a.Header.Get("Location"), "code=") {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	alice := s.user("alice")
	rules := s.spends(alice, client, nil).Rules
	if *rules.PerOrder != *usd(5000) || *rules.PerDay != *usd(10000) || *rules.AskAbove != *usd(0) {
		t.Fatalf("set were %+v", rules)
	}
	all := s.events()
	at := func(name string) int {
		return slices.IndexFunc(all, func(e eventlog.Envelope) bool { return e.Type == name })
	}
	if set := at("spending.rules_set"); set < 0 || set > at("grant.authorized") || all[set].Actor.User != alice || all[set].Actor.Kind != eventlog.User {
		t.Errorf("the limits come after the grant, or of nobody: %d, %d", set, at("grant.authorized"))
	}

	t.Run("stand on the next consent of the agent", func(t *testing.T) {
		request := s.request(client)
		request.Set("scope", shopping)
		page := b.follow(b.get("/authorize?"+request.Encode()), "alice")
		for _, want := range []string{`name="per_order" type="text" inputmode="decimal" autocomplete="off" maxlength="20" value="50.00"`, `value="100.00"`, `value="0.00"`, "<details class=\"limits\" open>"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		// An answer without the fields leaves them as they are.
		if a := b.decide(page, "allow"); a.StatusCode != 303 {
			t.Fatalf("%d", a.StatusCode)
		}
		if s.spends(alice, client, nil).Rules.PerOrder == nil {
			t.Error("the limits are lifted")
		}
	})
	t.Run("are nobody else's", func(t *testing.T) {
		if s.spends(s.user("bob"), client, nil).Rules.Any() {
			t.Error("bob has alice's limits")
		}
	})
	t.Run("are not asked where nothing can be bought", func(t *testing.T) {
		request := s.request(s.register("Reader", callback))
		request.Set("scope", grant.CatalogRead)
		if page := b.follow(b.get("/authorize?"+request.Encode()), "alice"); strings.Contains(page.body, "per_order") {
			t.Error("the page asks for limits")
		}
	})
}

// wasOf is what a page's form says of the rules that it shows.
func wasOf(page string) string {
	_, part, _ := strings.Cut(page, `name="was" value="`)
	was, _, _ := strings.Cut(part, `"`)
	return was
}

// What a person set is not lifted by a page of before, and does not get lost when
// the agent registers anew.
func TestLimitsAreNotLost(t *testing.T) {
	consent := func(s *shop, b *browser, name, redirect string) (client string, page answer) {
		client = s.register(name, redirect)
		request := s.request(client)
		request.Set("redirect_uri", redirect)
		page = b.follow(b.get("/authorize?"+request.Encode()), "alice")
		page.shown(t, 200)
		return client, page
	}
	allow := func(b *browser, page answer, perOrder string) answer {
		form := fields(page.body, "/consent")
		form.Set("per_order", perOrder)
		form.Set("per_day", "")
		form.Set("ask_above", "")
		form.Set("decision", "allow")
		return b.post("/consent", form)
	}
	t.Run("by going back to a consent", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		client, page := consent(s, b, "Test agent", callback)
		if a := allow(b, page, ""); a.StatusCode != 303 {
			t.Fatalf("%d", a.StatusCode)
		}
		alice := s.user("alice")
		s.spends(alice, client, spending.SetRules{User: alice, Client: client, Rules: spending.Rules{PerOrder: usd(500)}, At: s.clock.Now()})
		allow(b, page, "").shown(t, 400)
		if s.spends(alice, client, nil).Rules.PerOrder == nil {
			t.Error("it lifted the limit")
		}
	})
	t.Run("by a page that was opened before", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		client, page := consent(s, b, "Test agent", callback)
		alice := s.user("alice")
		s.spends(alice, client, spending.SetRules{User: alice, Client: client, Rules: spending.Rules{PerOrder: usd(500)}, At: s.clock.Now()})
		again := allow(b, page, "")
		if again.StatusCode != 400 || !strings.Contains(again.body, "The limits were changed since you opened this page") {
			t.Errorf("%d %s", again.StatusCode, again.body)
		}
		if s.spends(alice, client, nil).Rules.PerOrder == nil {
			t.Error("it lifted the limit")
		}
		if a := allow(b, again, "7"); a.StatusCode != 303 || *s.spends(alice, client, nil).Rules.PerOrder != *usd(700) {
			t.Errorf("after a second look: %d", a.StatusCode)
		}
	})
	t.Run("by registering anew", func(t *testing.T) {
		s := open(t)
		b := s.browser()
		_, page := consent(s, b, "Test agent", "http://127.0.0.1:3333/cb")
		allow(b, page, "5")
		client, page := consent(s, b, "Test agent", "http://127.0.0.1:4444/cb")
		if !strings.Contains(page.body, "An app of this name has these limits already") || !strings.Contains(page.body, `value="5.00"`) || !strings.Contains(page.body, `<details class="limits" open>`) {
			t.Errorf("the page says nothing of them: %s", page.body)
		}
		if a := allow(b, page, "5.00"); a.StatusCode != 303 || *s.spends(s.user("alice"), client, nil).Rules.PerOrder != *usd(500) {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if _, page := consent(s, b, "Another agent", "http://127.0.0.1:5555/cb"); strings.Contains(page.body, "An app of this name") {
			t.Error("another agent is taken for it")
		}
	})
}

func TestLimitsThatCannotBeTaken(t *testing.T) {
	s := open(t)
	for _, typed := range []string{"fifty", "1,000", "1.000", "1,000.00", "-5", "5.001", "€5", "NaN", "1e3", "99999999999999999999", "<b>5"} {
		client, a := s.browser().allowing("alice", shopping, typed)
		a.shown(t, 400)
		if shown := html.EscapeString(typed); !strings.Contains(a.body, `value="`+shown+`"`) || !strings.Contains(a.body, "must be an amount in USD such as 50.00") {
			t.Errorf("%q is told as %s", typed, a.body)
		}
		if s.spends(s.user("alice"), client, nil).Rules.Any() {
			t.Errorf("%q became a rule", typed)
		}
	}
	for _, e := range s.events() {
		if e.Type == "grant.authorized" || e.Type == "spending.rules_set" {
			t.Fatalf("%s without valid limits", e.Type)
		}
	}
}

// Enter in a field must neither allow nor deny.
func TestEnterInALimitDecidesNothing(t *testing.T) {
	s := open(t)
	b := s.browser()
	request := s.request(s.register("Test agent", callback))
	request.Set("scope", shopping)
	page := b.follow(b.get("/authorize?"+request.Encode()), "alice")
	form, _, _ := strings.Cut(page.body[strings.Index(page.body, `action="/consent"`):], "</form>")
	if first := form[strings.Index(form, "<button"):]; !strings.Contains(first[:strings.Index(first, ">")], `value="check"`) {
		t.Fatalf("the form's first button is %s", first)
	}
	fields := fields(page.body, "/consent")
	fields.Set("decision", "check")
	fields.Set("per_order", "12.50")
	again := b.post("/consent", fields)
	if again.StatusCode != 200 || !strings.Contains(again.body, `value="12.50"`) {
		t.Errorf("%d %s", again.StatusCode, again.body)
	}
	fields.Set("per_order", "much")
	if again := b.post("/consent", fields); !strings.Contains(again.body, "must be an amount") {
		t.Errorf("%d %s", again.StatusCode, again.body)
	}
	fields.Set("per_order", "12.50")
	fields.Set("decision", "allow")
	if a := b.post("/consent", fields); a.StatusCode != 303 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestLimitsOnTheConnectionsPage(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	_, bobs := s.connect("bob")
	id := strings.TrimPrefix(strings.Split(tok.Access, ".")[0], "at_")
	bobsID := strings.TrimPrefix(strings.Split(bobs.Access, ".")[0], "at_")
	b := s.browser()
	b.login(b.get("/login"), "alice", s.users["alice"])
	page := b.get("/account/connections")
	if !strings.Contains(page.body, "No limit on what it may spend.") {
		t.Fatal(page.body)
	}
	form := fields(page.body, "/account/connections")
	set := func(of string, typed ...string) answer {
		t.Helper()
		form.Set("was", wasOf(b.get("/account/connections").body))
		form.Set("rules", of)
		for i, name := range []string{"per_order", "per_day", "ask_above"} {
			form.Set(name, typed[i])
		}
		return b.post("/account/connections", form)
	}
	saved := set(id, "50", "100", "20")
	for _, want := range []string{"Saved. It holds from now on.", "At most $50.00 per order", "At most $100.00 in 24 hours", "Asks you before orders above $20.00", "Spent in the last 24 hours: $0.00 in 0 orders", "Change the limits"} {
		if saved.StatusCode != 200 || !strings.Contains(saved.body, want) {
			t.Errorf("%d, the page lacks %q", saved.StatusCode, want)
		}
	}
	if a := set(id, "50", "much", "20"); a.StatusCode != 400 || !strings.Contains(a.body, "The limit in 24 hours must be an amount") || !strings.Contains(a.body, `value="much"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	bare := fields(page.body, "/account/connections")
	bare.Set("rules", id)
	b.post("/account/connections", bare).shown(t, 404) // says nothing, so it lifts nothing
	set(bobsID, "1", "1", "1").shown(t, 404)
	set("nonsense", "1", "1", "1").shown(t, 404)
	alice := s.user("alice")
	if r := s.spends(alice, client, nil).Rules; *r.PerDay != *usd(10000) {
		t.Errorf("the rules are %+v", r)
	}

	now := s.clock.Now()
	s.spends(alice, client, spending.Reserve{Reservation: "CS-1/1", Purchase: "p", Amount: *usd(1234), At: now})
	s.spends(alice, client, spending.Ask{Purchase: "pq", Order: "CS-2", Lines: []cart.Line{{Item: cart.Item{Title: "Cat Tree", Price: *usd(4500)}, Quantity: 1}}, Total: *usd(4500), At: now})
	page = b.get("/account/connections")
	for _, want := range []string{"$12.34 in 1 order.", "It asked just now to buy for $45.00.", "/account/approve?request=" + spending.Agent(client) + ".pq"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if cleared := set(id, "", "", ""); !strings.Contains(cleared.body, "No limit on what it may spend.") {
		t.Error("the limits cannot be lifted by the person")
	}
}

// A discount stands between the lines and the total, or they would not add up.
func TestAnApprovalOfADiscountedPurchase(t *testing.T) {
	s := open(t)
	client, _ := s.connect("alice")
	alice := s.user("alice")
	s.spends(alice, client, spending.SetRules{User: alice, Client: client, Rules: spending.Rules{AskAbove: usd(2000)}, At: s.clock.Now()})
	s.spends(alice, client, spending.Ask{Purchase: "pq1", Order: "CS-1", At: s.clock.Now(), Total: *usd(8100),
		Lines: []cart.Line{{Item: cart.Item{Title: "Cat Tree", Price: *usd(4500)}, Quantity: 2}}})
	link, err := url.Parse(s.srv.ApprovalURL(client, "pq1"))
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.login(b.get(b.get(link.RequestURI()).Header.Get("Location")), "alice", s.users["alice"])
	page := b.get(link.RequestURI())
	for _, want := range []string{"Before the discount</th><td>$90.00", "Discount code</th><td>-$9.00", "Total</th><td>$81.00"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q: %s", want, page.body)
		}
	}
}

func TestAnApproval(t *testing.T) {
	s := open(t)
	client, tok := s.connect("alice")
	alice := s.user("alice")
	s.spends(alice, client, spending.SetRules{User: alice, Client: client, Rules: spending.Rules{AskAbove: usd(2000)}, At: s.clock.Now()})
	ask := func(purchase string) string {
		s.spends(alice, client, spending.Ask{Purchase: purchase, Order: "CS-1", At: s.clock.Now(), Total: *usd(9000),
			Lines: []cart.Line{{Item: cart.Item{Title: "Cat <Tree>", Variant: "large", Price: *usd(4500)}, Quantity: 2}}})
		link, err := url.Parse(s.srv.ApprovalURL(client, purchase))
		if err != nil {
			t.Fatal(err)
		}
		return link.RequestURI()
	}
	link := ask("pq1")
	waits := func(purchase string) bool {
		r, ok := s.spends(alice, client, nil).Find(purchase)
		return ok && r.Waits(s.clock.Now())
	}

	b := s.browser()
	a := b.get(link)
	if a.StatusCode != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/login?tx=") {
		t.Fatalf("without a login: %d %s", a.StatusCode, a.body)
	}
	a = b.login(b.get(a.Header.Get("Location")), "alice", s.users["alice"])
	if a.Header.Get("Location") != link {
		t.Fatalf("the login leads to %q, not to %q", a.Header.Get("Location"), link)
	}
	page := b.get(link)
	for _, want := range []string{"Approve this purchase?", "Test agent", "2 × Cat &lt;Tree&gt; (large)", "$45.00 each", "$90.00", "You want to be asked above $20.00.", "Logged in as <strong>alice</strong>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	form := fields(page.body, "/account/approve")
	with := func(name, value string) url.Values {
		f := url.Values{}
		for k, v := range form {
			f[k] = v
		}
		f.Set("decision", "approve")
		f.Set(name, value)
		return f
	}

	t.Run("needs the page's own form", func(t *testing.T) {
		b.get(link + "&decision=approve")
		b.post("/account/approve", with("form", "x")).shown(t, 400)
		b.post("/account/approve", with("request", spending.Agent(client)+".pq2")).shown(t, 400) // the form of one is no answer to another
		b.post("/account/approve", with("decision", "perhaps")).shown(t, 400)
		b.post("/account/approve", with("request", spending.Agent(client)+".p q/1")).shown(t, 404)
		b.post("/account/approve", with("decision", "approve"), "Sec-Fetch-Site", "cross-site").shown(t, 403)
		if !waits("pq1") {
			t.Error("it was answered")
		}
	})
	t.Run("is not the agent's to give", func(t *testing.T) {
		for _, method := range []string{"GET", "POST"} {
			req, _ := http.NewRequest(method, s.url+link, strings.NewReader(with("decision", "approve").Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Authorization", "Bearer "+tok.Access)
			if a := s.do(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, req); a.StatusCode == 200 {
				t.Errorf("%s: %d %s", method, a.StatusCode, a.body)
			}
		}
		if !waits("pq1") {
			t.Error("it was answered")
		}
	})
	t.Run("is nobody else's to give", func(t *testing.T) {
		bob := s.browser()
		bob.login(bob.get("/login"), "bob", s.users["bob"])
		foreign := bob.get(link)
		if foreign.StatusCode != 404 || strings.Contains(foreign.body, "Cat") || !strings.Contains(foreign.body, "There is no such request") {
			t.Errorf("%d %s", foreign.StatusCode, foreign.body)
		}
		f := fields(foreign.body, "/account/approve")
		f.Set("request", form.Get("request"))
		f.Set("form", form.Get("form"))
		f.Set("decision", "approve")
		bob.post("/account/approve", f).shown(t, 400)
		if !waits("pq1") {
			t.Error("it was answered")
		}
	})
	t.Run("yes, no, and yes again", func(t *testing.T) {
		for _, step := range []struct{ decision, title, says string }{
			{"approve", "You said yes", "The app may buy exactly this within 60 minutes."},
			{"deny", "You said no", "The app cannot buy this."},
			{"approve", "You said yes", "Go back to it"},
		} {
			a := b.post("/account/approve", with("decision", step.decision))
			if a.StatusCode != 200 || !strings.Contains(a.body, step.title) || !strings.Contains(a.body, step.says) {
				t.Errorf("%s: %d %s", step.decision, a.StatusCode, a.body)
			}
		}
		if last := s.events()[len(s.events())-1]; last.Type != "spending.approved" || last.Actor.User != alice || last.Actor.Kind != eventlog.User || last.Actor.Client != "" {
			t.Errorf("the log says %s by %+v", last.Type, last.Actor)
		}
	})
	t.Run("what was bought", func(t *testing.T) {
		s.spends(alice, client, spending.Reserve{Reservation: "CS-1/1", Purchase: "pq1", Amount: *usd(9000), At: s.clock.Now()})
		if a := b.get(link); !strings.Contains(a.body, "The app went on to buy it") || strings.Contains(a.body, "<button type=\"submit\" name=\"decision\"") {
			t.Errorf("%s", a.body)
		}
	})
	t.Run("too late", func(t *testing.T) {
		late := ask("pq3")
		page := b.get(late)
		s.clock.Add(spending.RequestLife)
		b.login(b.get("/login"), "alice", s.users["alice"]) // the session has ended meanwhile
		page = b.get(late)
		if !strings.Contains(page.body, "Too late to answer") || strings.Contains(page.body, "name=\"decision\"") {
			t.Errorf("%s", page.body)
		}
	})
	t.Run("links that lead nowhere", func(t *testing.T) {
		for _, path := range []string{"/account/approve", "/account/approve?request=a", "/account/approve?request=a.", "/account/approve?request=a.%00", "/account/approve?request=a." + strings.Repeat("a", 200)} {
			b.get(path).shown(t, 404)
		}
	})
	t.Run("an app that was disconnected", func(t *testing.T) {
		gone := ask("pq4")
		form := fields(b.get("/account/connections").body, "/account/connections")
		form.Set("grant", "all")
		b.post("/account/connections", form)
		if a := b.get(gone); !strings.Contains(a.body, "An app that is no longer connected") {
			t.Error(a.body)
		}
	})
	t.Run("not you", func(t *testing.T) {
		out := fields(b.get(link).body, "/logout")
		a := b.post("/logout", out)
		if a.StatusCode != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/login?tx=") {
			t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Location"))
		}
		if a = b.login(b.get(a.Header.Get("Location")), "bob", s.users["bob"]); a.Header.Get("Location") != link {
			t.Errorf("bob's login leads to %q", a.Header.Get("Location"))
		}
	})
}
