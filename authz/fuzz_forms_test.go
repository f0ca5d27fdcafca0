package authz_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// posted sends a form body byte for byte from alice's browser.
func (b *browser) posted(t *testing.T, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	at, err := url.Parse(b.s.url)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Host = at.Host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range b.c.Jar.Cookies(at) {
		req.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.s.srv.Handler().ServeHTTP(w, req)
	if w.Code >= 500 {
		t.Fatalf("%s %q: %d %s", path, body, w.Code, w.Body)
	}
	return w
}

// With the right transaction in the right browser, nothing logs in but the right
// password in its own field.
func FuzzLoginForm(f *testing.F) {
	s := open(f)
	b := s.browser()
	page := b.get(b.get("/authorize?" + s.request(s.register("Test agent", callback)).Encode()).Header.Get("Location"))
	right := fields(page.body, "/login")
	for _, more := range []string{"username=alice&password=x", "username=alice", "password=x", "username=alice&username=bob&password=x", "username=alice&password=" + strings.Repeat("x", 300),
		"username=%00&password=%ff", "username=%zz&password=;", "username=alice;password=x", "", "username=" + s.users["alice"] + "&password=alice"} {
		f.Add(more)
	}
	f.Fuzz(func(t *testing.T, more string) {
		w := b.posted(t, "/login", right.Encode()+"&"+more)
		form, _ := url.ParseQuery(more)
		if knows := form.Get("password") == s.users["alice"] || form.Get("password") == s.users["bob"] || form.Get("password") == s.users["admin"]; w.Code == http.StatusSeeOther && !knows {
			t.Fatalf("%q logs in", more)
		}
	})
}

// With the right transaction and session, nothing gives a code but the page's own
// form and its one button.
func FuzzConsentForm(f *testing.F) {
	s := open(f)
	b := s.browser()
	page := b.follow(b.get("/authorize?"+s.request(s.register("Test agent", callback)).Encode()), "alice")
	right := fields(page.body, "/consent")
	tx, form := right.Get("tx"), right.Get("form")
	f.Add(tx, form, "deny", "")
	f.Add(tx, form, "", "decision=allow")
	f.Add(tx, "", "allow", "form="+form)
	f.Add("", form, "allow", "tx="+tx)
	f.Add(tx, fields(page.body, "/logout").Get("form"), "allow", "")
	f.Add(tx+"x", form, "allow", "")
	f.Add(tx, form, "Allow", "&&=;%")
	f.Fuzz(func(t *testing.T, tx, form, decision, more string) {
		body := url.Values{"tx": {tx}, "form": {form}, "decision": {decision}}.Encode() + "&" + more
		w := b.posted(t, "/consent", body)
		to := w.Header().Get("Location")
		if own := tx == right.Get("tx") && form == right.Get("form"); (!own || decision != "allow") && strings.Contains(to, "code=") || !own && strings.Contains(to, "error=") {
			t.Fatalf("%q leads to %s", body, to)
		}
	})
}
