package authz_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// browser is a person's browser: cookies, no redirects followed.
type browser struct {
	s *shop
	c *http.Client
}

func (s *shop) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (s *shop) do(c *http.Client, req *http.Request) answer {
	s.t.Helper()
	res, err := c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (b *browser) get(path string) answer {
	b.s.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.s.url + path
	}
	req, err := http.NewRequest("GET", path, nil)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return b.s.do(b.c, req)
}

// post sends a form as a browser does from the shop's own page.
func (b *browser) post(path string, form url.Values, headers ...string) answer {
	b.s.t.Helper()
	req, err := http.NewRequest("POST", b.s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.s.do(b.c, req)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// fields returns the hidden fields of the page's last form, or of the form
// that posts to the path.
func fields(page, path string) url.Values {
	form := url.Values{}
	_, part, ok := strings.Cut(page, `action="`+path+`"`)
	if !ok {
		return form
	}
	part, _, _ = strings.Cut(part, "</form>")
	for _, m := range hiddenField.FindAllStringSubmatch(part, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}

// login fills in the login page at the path.
func (b *browser) login(page answer, login, password string) answer {
	b.s.t.Helper()
	form := fields(page.body, "/login")
	form.Set("username", login)
	form.Set("password", password)
	return b.post("/login", form)
}

// follow goes through login (if asked) to the consent page.
func (b *browser) follow(a answer, login string) answer {
	b.s.t.Helper()
	for range 5 {
		next := a.Header.Get("Location")
		if a.StatusCode != 303 || !strings.HasPrefix(next, "/") {
			return a
		}
		a = b.get(next)
		if strings.HasPrefix(next, "/login") {
			a = b.login(a, login, b.s.users[login])
		}
	}
	b.s.t.Fatal("the pages go in a circle")
	return a
}

func (b *browser) decide(page answer, decision string) answer {
	b.s.t.Helper()
	form := fields(page.body, "/consent")
	form.Set("decision", decision)
	return b.post("/consent", form)
}
