package authz

import (
	"strings"
	"testing"
)

// Who may open an account by logging in, where a whole provider cannot show it.
func TestWhomAProviderLetsIn(t *testing.T) {
	mail := func(address, hosted string) claims { return claims{Email: address, Verified: true, Hosted: hosted} }
	for name, test := range map[string]struct {
		issuer  string
		domains []string
		claims  claims
		want    bool
	}{
		"a verified address":                    {"https://login.example.com", []string{"example.com"}, mail("Carol@Example.COM", ""), true},
		"one of several domains":                {"https://login.example.com", []string{"example.org", "example.com"}, mail("carol@example.com", ""), true},
		"an unverified one":                     {"https://login.example.com", []string{"example.com"}, claims{Email: "carol@example.com"}, false},
		"nothing":                               {"https://login.example.com", []string{"example.com"}, claims{}, false},
		"nothing, open to everybody":            {"https://login.example.com", []string{Everybody}, claims{}, true},
		"nothing said":                          {"https://login.example.com", nil, mail("carol@example.com", "example.com"), false},
		"a hosted domain, not Google's":         {"https://login.example.com", []string{"example.com"}, claims{Hosted: "example.com"}, false},
		"Google, of the workspace":              {google, []string{"example.com"}, mail("carol@example.com", "example.com"), true},
		"Google, an account under that address": {google, []string{"example.com"}, mail("carol@example.com", ""), false},
		"Google, of another workspace":          {google, []string{"example.com"}, mail("carol@example.com", "evil.example"), false},
		"Google, nothing said":                  {google, nil, mail("carol@example.com", "example.com"), false},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := OpenID{Issuer: test.issuer, ClientID: "till", Domains: test.domains}.check()
			if err != nil {
				t.Fatal(err)
			}
			if got := o.admits(test.claims); got != test.want {
				t.Errorf("%v", got)
			}
		})
	}
}

// A name that is shown beside others' must not be taken for one of theirs.
func TestNamesOfAProvidersPeople(t *testing.T) {
	for want, id := range map[string]identity{
		"carol@example.com":           {Provider: "login.example.com", Subject: "1", claims: claims{Email: "Carol@example.com", Verified: true, Username: "x"}},
		"login.example.com-carol":     {Provider: "login.example.com", Subject: "1", claims: claims{Email: "carol@example.com", Username: "Carol"}},
		"login.example.com-a-b-c-d":   {Provider: "login.example.com", Subject: "1", claims: claims{Username: "a b@c/d"}},
		"127.0.0.1-9000-248289761001": {Provider: "127.0.0.1:9000", Subject: "248289761001"},
		"login.example.com--script-":  {Provider: "login.example.com", Subject: "<script>"},
	} {
		name, varies := id.loginName()
		if normal, err := normalLogin(name); err != nil || normal != name || varies == (id.email() != "") {
			t.Errorf("%q %v %v", name, varies, err)
		}
		if name != want {
			t.Errorf("%q, want %q", name, want)
		}
	}
	long := identity{Provider: "login.example.com", Subject: strings.Repeat("0123456789", 9)}
	if name, _ := long.loginName(); len(name) != 64 {
		t.Errorf("%d characters: %q", len(name), name)
	}
}

// What is said of a refused token repeats none of it that could be used.
func FuzzWhyNot(f *testing.F) {
	u := &upstream{OpenID: OpenID{Issuer: "https://login.example.com", ClientID: "till"}}
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoidGlsbCJ9.")
	f.Add("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4IiwiYXVkIjpbMV19.AAAA")
	f.Add("a.b.c")
	f.Add("..")
	f.Fuzz(func(t *testing.T, raw string) {
		why := u.whyNot(raw)
		if why == "" || len(why) > 300 || printable(why) != why || (len(raw) > 40 && strings.Contains(why, raw)) {
			t.Errorf("%q", why)
		}
	})
}
