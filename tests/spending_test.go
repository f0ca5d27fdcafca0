package tests

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"till/cmd"
)

// onPages is somebody at a browser, logged in to their own pages.
type onPages struct {
	t    *testing.T
	http *http.Client
	base string
}

func visit(t *testing.T, shop *cmd.Running, user string) *onPages {
	t.Helper()
	return browse(t, shop.Endpoint, user, shop.Users[user])
}

func browse(t *testing.T, endpoint, user, password string) *onPages {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &onPages{t, &http.Client{Jar: jar}, strings.TrimSuffix(endpoint, "/mcp")}
	page := p.press("/login", p.get("/login"), url.Values{"username": {user}, "password": {password}})
	if !strings.Contains(page, "Your connections") {
		t.Fatalf("%s is not logged in: %s", user, page)
	}
	return p
}

func (p *onPages) get(path string) string {
	p.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = p.base + path
	}
	resp, err := p.http.Get(path)
	return p.read(resp, err)
}

// press sends the page's form for the path with what the person typed and pressed.
func (p *onPages) press(path, page string, typed url.Values) string {
	p.t.Helper()
	_, form, ok := strings.Cut(page, `action="`+path+`"`)
	if !ok {
		p.t.Fatalf("the page has no form for %s: %s", path, page)
	}
	form, _, _ = strings.Cut(form, "</form>")
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		typed.Set(m[1], html.UnescapeString(m[2]))
	}
	resp, err := p.http.PostForm(p.base+path, typed)
	return p.read(resp, err)
}

func (p *onPages) read(resp *http.Response, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(body)
}

// limit sets what the person's only agent may spend.
func (p *onPages) limit(perOrder, perDay, askAbove string) {
	p.t.Helper()
	page := p.get("/account/connections")
	_, id, _ := strings.Cut(page, `name="rules" value="`)
	id, _, _ = strings.Cut(id, `"`)
	saved := p.press("/account/connections", page, url.Values{"rules": {id}, "per_order": {perOrder}, "per_day": {perDay}, "ask_above": {askAbove}})
	if !strings.Contains(saved, "Saved.") {
		p.t.Fatalf("not saved: %s", saved)
	}
}

// The whole way of limits: a person sets them in the browser, an agent meets them
// at the checkout, the person says yes in the browser, and the log tells it all.
func TestAnAgentWithLimits(t *testing.T) {
	dir := t.TempDir()
	shop := serve(t, dir)
	alice, browser := shopper(t, shop, "alice"), visit(t, shop, "alice")
	browser.limit("40", "70", "20")
	refused := func(in args, code string) answer {
		t.Helper()
		out, err := alice.try("checkout", in)
		if err != nil || !out.IsError || out.text("code") != code {
			t.Fatalf("%v, %s, want %s", err, out.Text, code)
		}
		return out
	}

	// Little enough that nobody is asked.
	alice.call("add_to_cart", args{"product": "catnip-mouse"})
	if out := alice.call("checkout", args{"quote_id": alice.call("review_checkout", nil).text("quote_id")}); out.text("order_id") == "" {
		t.Fatal(out.Text)
	}

	// More than that: the review says so, the checkout asks, and only the browser answers.
	alice.call("add_to_cart", args{"product": "cozy-cat-bed"})
	review := alice.call("review_checkout", nil)
	quote := args{"quote_id": review.text("quote_id")}
	if review.text("warnings.0.code") != "approval_required" {
		t.Errorf("the review warns of %v", review.at("warnings"))
	}
	asked := refused(quote, "approval_required")
	refused(quote, "approval_required")
	link := asked.text("approve_url")
	if !strings.HasPrefix(link, browser.base+"/account/approve?") || !strings.Contains(asked.Text, "cannot approve it yourself") {
		t.Fatalf("the link is %q in %s", link, asked.Text)
	}
	if page := browser.get("/account/connections"); !strings.Contains(page, html.EscapeString(strings.TrimPrefix(link, browser.base))) {
		t.Error("the connections page does not name the request")
	}
	if page := visit(t, shop, "bob").get(link); !strings.Contains(page, "There is no such request") {
		t.Error("bob sees what alice is asked")
	}
	page := browser.get(link)
	if !strings.Contains(page, "1 × Cozy Cat Bed") || !strings.Contains(page, "$29.99") {
		t.Fatalf("the page asks %s", page)
	}
	if said := browser.press("/account/approve", page, url.Values{"decision": {"deny"}}); !strings.Contains(said, "You said no") {
		t.Fatal(said)
	}
	refused(quote, "approval_denied")
	if review := alice.call("review_checkout", nil); review.text("quote_id") != "" || review.text("problems.0.code") != "approval_denied" {
		t.Errorf("reviewed after a no: %s", review.Text)
	}
	if said := browser.press("/account/approve", browser.get(link), url.Values{"decision": {"approve"}}); !strings.Contains(said, "You said yes") {
		t.Fatal(said)
	}
	order := alice.call("checkout", quote).text("order_id")
	if page := browser.get(link); !strings.Contains(page, "The app went on to buy it") {
		t.Error("the link does not say that it was bought")
	}

	// The limits, with no way round them: $4.99 and $29.99 of $70 are spent.
	alice.call("add_to_cart", args{"product": "cozy-cat-bed", "quantity": 2})
	over := refused(nil, "spending_limit_exceeded")
	if !strings.Contains(over.Text, "at most $40.00 per order") || !strings.Contains(over.Text, browser.base+"/account/connections") {
		t.Errorf("told %s", over.Text)
	}
	alice.call("update_cart_quantity", args{"product": "cozy-cat-bed", "quantity": 1})
	alice.call("add_to_cart", args{"product": "catnip-mouse", "quantity": 2})
	if over := refused(nil, "spending_limit_exceeded"); !strings.Contains(over.Text, "of the $70.00") || !strings.Contains(over.Text, "$35.02 are left") {
		t.Errorf("told %s", over.Text)
	}
	// Connecting the agent anew does not begin a new day.
	again := connect(t, shop.Endpoint, login(t, shop.Endpoint, "alice", shop.Users["alice"], scopes))
	if review := again.call("review_checkout", nil); review.text("problems.0.code") != "spending_limit_exceeded" {
		t.Errorf("connected anew: %s", review.Text)
	}

	// All of it stands after a restart, and on the log.
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	out := new(strings.Builder)
	for _, line := range [][]string{{"events", "--data", dir, "--security"}, {"why", "order", order, "--data", dir}} {
		if code := cmd.Main(line, strings.NewReader(""), out, out); code != 0 {
			t.Fatalf("till %v: %s", line, out)
		}
	}
	for _, want := range []string{
		"set what the agent may spend: $40.00 per order, $70.00 in 24 hours, above $20.00 only with a yes", "asked the person to approve 1 × Cozy Cat Bed", "said no to the purchase for $29.99",
		"approved the purchase for $29.99", "counted $29.99 of order " + order, "What its agent may spend:",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not tell %q:\n%s", want, out)
		}
	}
}
