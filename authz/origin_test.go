package authz

import (
	"net/http"
	"testing"
)

func TestWhereARequestComesFrom(t *testing.T) {
	all, err := ParseProxies([]string{"10.0.0.7", "172.16.0.0/12", "loopback", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		connection string
		forwarded  []string
		want       string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"198.51.100.9"}, "192.0.2.1"}, // nobody of ours says so
		{"10.0.0.7:5", []string{"198.51.100.9"}, "198.51.100.9"},
		{"10.0.0.8:5", []string{"198.51.100.9"}, "10.0.0.8"},
		{"10.0.0.7:5", nil, "10.0.0.7"},
		{"127.0.0.1:5", []string{"6.6.6.6, 198.51.100.9"}, "198.51.100.9"}, // the first was written by whoever came
		{"127.0.0.1:5", []string{"6.6.6.6", "198.51.100.9, 172.20.1.1"}, "198.51.100.9"},
		{"127.0.0.1:5", []string{"6.6.6.6, nonsense"}, "127.0.0.1"},
		{"127.0.0.1:5", []string{"6.6.6.6, nonsense, 172.20.1.1"}, "172.20.1.1"},
		{"127.0.0.1:5", []string{"198.51.100.9:4711"}, "198.51.100.9"},
		{"127.0.0.1:5", []string{" ::ffff:198.51.100.9 "}, "198.51.100.9"},
		{"[::1]:5", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		{"[fd00::1]:5", []string{"[2001:db8:1:2::9]:80"}, "2001:db8:1:2::/64"},
		{"[::ffff:10.0.0.7]:5", []string{"198.51.100.9"}, "198.51.100.9"},
		{"pipe", []string{"198.51.100.9"}, "?"},
	} {
		r := &http.Request{RemoteAddr: c.connection, Header: http.Header{"X-Forwarded-For": c.forwarded, "Forwarded": {"for=7.7.7.7"}}}
		s := &Server{cfg: Config{Proxies: all}}
		if got := s.from(r); got != c.want {
			t.Errorf("%s with %q comes from %s, want %s", c.connection, c.forwarded, got, c.want)
		}
	}
	for _, text := range []string{"", "proxy", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.7:80"} {
		if all, err := ParseProxies([]string{text}); err == nil {
			t.Errorf("%q is taken for %v", text, all)
		}
	}
}
