package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/net/html"
)

// browser goes through the login and consent pages over HTTP as a person's
// browser would: it follows redirects, keeps cookies, fills in the forms that
// it is shown and presses their buttons. It has no other way in.
type browser struct {
	user, password string
	// callback is where the authorization server sends the person back to.
	callback string
	// say is told each step.
	say func(format string, args ...any)
}

// steps bounds how many pages a login may have.
const steps = 12

// authorize opens the authorization URL and returns what the server sends back
// to the callback. It is an auth.AuthorizationCodeFetcher.
func (b browser) authorize(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	back, err := b.visit(ctx, args.URL)
	if err != nil {
		return nil, err
	}
	return result(back)
}

// visit opens the authorization URL and returns the address at the callback to
// which the server sends the person back.
func (b browser) visit(ctx context.Context, address string) (*url.URL, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	b.say("GET  %s", req.URL.Path)
	for range steps {
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		page, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		if to, err := resp.Location(); err == nil {
			if b.isCallback(to) {
				return to, nil
			}
			b.say("GET  %s", to.Path)
			req, err = http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
			if err != nil {
				return nil, err
			}
			continue
		}
		if req, err = b.submit(ctx, req.URL, string(page), resp.StatusCode); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the login did not end after %d pages", steps)
}

func (b browser) isCallback(to *url.URL) bool {
	return strings.HasPrefix(to.String(), b.callback+"?")
}

// result reads the authorization response (RFC 6749 section 4.1.2).
func result(to *url.URL) (*auth.AuthorizationResult, error) {
	q := to.Query()
	if e := q.Get("error"); e != "" {
		return nil, fmt.Errorf("the authorization was refused: %s: %s", e, q.Get("error_description"))
	}
	return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
}

// submit fills in the form of a page.
func (b browser) submit(ctx context.Context, at *url.URL, page string, status int) (*http.Request, error) {
	f, err := readForm(page)
	if err != nil || status >= 500 {
		return nil, fmt.Errorf("%s answers %d: %s", at.Path, status, short(f.said(), 300))
	}
	if f.password != "" {
		if status >= 400 || f.alert != "" {
			return nil, fmt.Errorf("the login was refused: %s", short(f.said(), 300))
		}
		if b.password == "" {
			return nil, errors.New("the login page asks for a password and none is known")
		}
		f.values.Set(f.user, b.user)
		f.values.Set(f.password, b.password)
	}
	if f.allow != "" {
		f.values.Set(f.allow, f.allowValue)
	}
	to, err := at.Parse(f.action)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(f.values.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", at.Scheme+"://"+at.Host)
	if f.password != "" {
		b.say("POST %s  as %s", to.Path, b.user)
	} else {
		b.say("POST %s  %s=%s", to.Path, f.allow, f.allowValue)
	}
	return req, nil
}

// form is what a person sees of a page's form.
type form struct {
	action string
	values url.Values
	// user and password are the names of the login's fields.
	user, password string
	// allow is the name of the button that is not "deny".
	allow, allowValue string
	// text is what the page says, alert what it says is wrong.
	text, alert string
}

func (f form) said() string {
	if f.alert != "" {
		return f.alert
	}
	return strings.TrimSpace(f.text)
}

// readForm reads the form that leads on: the login, or the one with a button to
// allow. Others on the page (log out) are left alone.
func readForm(page string) (form, error) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return form{}, err
	}
	found := form{}
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "script" && n.Parent.Data != "title":
			if s := strings.TrimSpace(n.Data); s != "" {
				found.text += s + " "
				if attr(n.Parent, "role") == "alert" {
					found.alert += s
				}
			}
		case n.Type == html.ElementNode && n.Data == "form" && found.values == nil && strings.EqualFold(attr(n, "method"), "post"):
			f := form{action: attr(n, "action"), values: url.Values{}}
			f.fields(n)
			if f.password != "" || f.allow != "" {
				f.text, f.alert = found.text, found.alert
				found = f
			}
		}
	}
	if found.values == nil {
		return found, errors.New("the page has no form")
	}
	return found, nil
}

func (f *form) fields(formNode *html.Node) {
	for n := range formNode.Descendants() {
		if n.Type != html.ElementNode || attr(n, "name") == "" {
			continue
		}
		name, value := attr(n, "name"), attr(n, "value")
		switch kind := attr(n, "type"); {
		case n.Data == "button" || kind == "submit":
			if value == "allow" {
				f.allow, f.allowValue = name, value
			}
		case n.Data != "input" && n.Data != "select":
		case kind == "password":
			f.password = name
		case kind == "text" || kind == "email" || kind == "":
			f.user = name
		case kind == "checkbox" && !has(n, "checked"):
		default:
			f.values.Add(name, value)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}
