package cmd

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// recorder keeps what was last posted to /token.
type recorder struct{ form url.Values }

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, "/token") {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, err
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		if r.form, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(q)
}

// On a full disk nobody is logged out: a refresh token that cannot be rotated
// now is as good as before once there is room.
func TestAFullDiskLogsNobodyOut(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("SKIPPED: logging in on a full disk is not tried, since no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: filepath.Join(dir, "shop")}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Stop() })
	var sent recorder
	h, err := oauth(browser{user: "alice", password: shop.Users["alice"], callback: callback, say: func(string, ...any) {}}, &http.Client{Transport: &sent}, shopping)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := accessToken(t.Context(), shop.Endpoint, h); err != nil {
		t.Fatal(err)
	}
	source, err := h.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	if err != nil || token.RefreshToken == "" {
		t.Fatalf("%+v, %v", token, err)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}, "client_id": sent.form["client_id"]}
	post := func(form url.Values) (status int, code string) {
		t.Helper()
		resp, err := http.PostForm(shop.origin+"/token", form)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var said struct{ Error string }
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
			t.Error("there is no Retry-After")
		}
		return resp.StatusCode, said.Error
	}
	readyIs := func(want int) {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			resp, err := http.Get(shop.origin + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("/readyz answers %d, want %d", resp.StatusCode, want)
			}
		}
	}

	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1<<20))
	}
	_ = f.Close()
	readyIs(http.StatusServiceUnavailable)
	for range 3 {
		if status, code := post(refresh); status != http.StatusServiceUnavailable || code != "temporarily_unavailable" {
			t.Fatalf("a refresh on a full disk is answered %d %s", status, code)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	readyIs(http.StatusOK)
	if status, code := post(refresh); status != http.StatusOK {
		t.Fatalf("a refresh with room again is answered %d %s", status, code)
	}
}
