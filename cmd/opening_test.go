package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// asker asks an address whenever something is logged: it stands in the middle
// of what the shop does.
type asker struct {
	slog.Handler
	addr  string
	mu    *sync.Mutex
	heard map[string][]string // what was answered, by what was logged
}

func (a asker) Enabled(context.Context, slog.Level) bool { return true }
func (a asker) WithAttrs([]slog.Attr) slog.Handler       { return a }
func (a asker) WithGroup(string) slog.Handler            { return a }

func (a asker) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "opened" && r.Message != "the views are built from the log" {
		return nil // some are logged under locks
	}
	when := r.Message
	r.Attrs(func(at slog.Attr) bool { when += " " + at.Value.String(); return at.Key != "what" })
	var said []string
	for _, path := range []string{"/healthz", "/readyz", "/mcp", "/token"} {
		resp, err := http.Get("http://" + a.addr + path)
		if err != nil {
			said = append(said, path+" "+err.Error())
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		said = append(said, fmt.Sprintf("%s %d retry:%s %s", path, resp.StatusCode, resp.Header.Get("Retry-After"), body))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard[when] = said
	return nil
}

// While a shop opens, whatever it is doing, its address answers: it is there, it
// is not ready and says why, and everything else is to come again.
func TestAShopThatOpensSaysSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	for _, start := range []string{"first", "second, with the views lost"} {
		ask := asker{addr: addr, mu: &sync.Mutex{}, heard: map[string][]string{}}
		shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir, Logger: slog.New(ask)}, Addr: addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := shop.Stop(); err != nil {
			t.Fatal(err)
		}
		whys := map[string]bool{}
		ask.mu.Lock()
		for when, said := range ask.heard {
			for i, want := range []string{"/healthz 200", `/readyz 503 retry:1 {"ready":false`, "/mcp 503 retry:2", "/token 503 retry:2"} {
				if !strings.HasPrefix(said[i], want) {
					t.Errorf("%s start, %s: %s, want %s", start, when, said[i], want)
				}
			}
			_, why, _ := strings.Cut(said[1], `"why":"`)
			whys[why] = true
		}
		ask.mu.Unlock()
		t.Logf("%s start: %v", start, whys)
		if len(whys) < 2 {
			t.Errorf("%s start: only %v was said", start, whys)
		}
		if err := forgetViews(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func forgetViews(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "views.db*"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

func TestGrouped(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 10000000: "10,000,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
