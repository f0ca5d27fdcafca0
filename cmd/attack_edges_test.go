package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Go lets a head be this much larger than MaxHeaderBytes before it answers 431.
const headSlop = 4 << 10

// 92: the sizes at which the shop says no, to the byte, whether a body says its
// length or not.
func TestAttackSizes(t *testing.T) {
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	t.Run("92 a head", func(t *testing.T) {
		for size, want := range map[int]int{32 << 10: 200, 32<<10 + headSlop: 200, 32<<10 + headSlop + 1: 431, 64 << 10: 431} {
			head := "GET /healthz HTTP/1.1\r\nHost: " + shop.listening + "\r\nConnection: close\r\nX-Large: "
			head += strings.Repeat("x", size-len(head)-4) + "\r\n\r\n"
			if got := say(t, shop, head); got != want {
				t.Errorf("a head of %d bytes is answered %d, want %d", size, got, want)
			}
		}
	})
	t.Run("92 a body", func(t *testing.T) {
		token, err := Login(t.Context(), shop.Endpoint, "alice", shop.Users["alice"], shopping)
		if err != nil {
			t.Fatal(err)
		}
		form := "application/x-www-form-urlencoded"
		for path, c := range map[string]struct {
			most       int
			kind       string
			fits, over int
		}{
			"/token":    {16 << 10, form, 400, 413},
			"/revoke":   {16 << 10, form, 401, 413},
			"/register": {64 << 10, "application/json", 400, 413},
			"/login":    {64 << 10, form, 400, 400},
			"/consent":  {64 << 10, form, 400, 400},
			"/setup":    {64 << 10, form, 400, 400},
			"/mcp":      {256 << 10, "application/json", 200, 413},
		} {
			for size, want := range map[int]int{c.most: c.fits, c.most + 1: c.over, c.most * 4: c.over} {
				begin, end := `token=`, ``
				switch path {
				case "/register":
					begin, end = `{"redirect_uris":["`, `"]}`
				case "/mcp":
					begin, end = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_products","arguments":{"query":"`, `"}}}`
				}
				body := begin + strings.Repeat("x", size-len(begin)-len(end)) + end
				head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n", path, shop.listening, token, c.kind)
				for how, request := range map[string]string{
					"with its length": fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body),
					"in a chunk":      fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body),
				} {
					if got := say(t, shop, request); got != want {
						t.Errorf("%s: a body of %d bytes %s is answered %d, want %d", path, size, how, got, want)
					}
				}
			}
		}
	})
}

// say sends a request byte for byte and returns the status of its answer.
func say(t *testing.T, shop *Running, request string) int {
	t.Helper()
	c, err := net.Dial("tcp", shop.listening)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }() // it may be refused midway
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.40q: %v", request, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// 92: with limits short enough to wait for: a head, a body and a pause that last too
// long end the connection, at every address, and a slow body is no success.
func TestAttackSlowness(t *testing.T) {
	const headers, request, idle = 300 * time.Millisecond, 900 * time.Millisecond, 500 * time.Millisecond
	shop, err := Serve(t.Context(), ServeOptions{
		Options: Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0", Demo: true, incoming: incoming{headers, request, idle},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Stop() }) // after the parts, which run at once
	token, err := Login(t.Context(), shop.Endpoint, "alice", shop.Users["alice"], shopping)
	if err != nil {
		t.Fatal(err)
	}
	// ends is how long the connection lasts while it is fed, and what came back.
	ends := func(t *testing.T, begin string) (time.Duration, string) {
		t.Helper()
		c, err := net.Dial("tcp", shop.listening)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		start := time.Now()
		if _, err := io.WriteString(c, begin); err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				time.Sleep(40 * time.Millisecond)
				if _, err := io.WriteString(c, "a"); err != nil {
					return
				}
			}
		}()
		_ = c.SetReadDeadline(start.Add(15 * time.Second))
		answer, err := io.ReadAll(c)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("it is not cut off")
		}
		return time.Since(start), string(answer)
	}
	head := "POST %s HTTP/1.1\r\nHost: " + shop.listening + "\r\nSec-Fetch-Site: same-origin\r\nAuthorization: Bearer " + token + "\r\nContent-Type: %s\r\n"
	t.Run("92 a head", func(t *testing.T) {
		t.Parallel()
		if took, answer := ends(t, fmt.Sprintf(head, "/token", "text/plain")+"X-Slow: "); took < headers || answer != "" {
			t.Errorf("it is cut off after %v with %q", took, answer)
		}
	})
	for path, kind := range map[string]string{
		"/token": "application/x-www-form-urlencoded", "/revoke": "application/x-www-form-urlencoded", "/register": "application/json",
		"/login": "application/x-www-form-urlencoded", "/consent": "application/x-www-form-urlencoded", "/setup": "application/x-www-form-urlencoded", "/mcp": "application/json",
	} {
		t.Run("92 a body for "+path, func(t *testing.T) {
			t.Parallel()
			took, answer := ends(t, fmt.Sprintf(head, path, kind)+"Content-Length: 9000\r\n\r\n")
			if took < request-50*time.Millisecond {
				t.Errorf("it is cut off after %v", took)
			}
			if answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 4") {
				t.Errorf("it is answered %.200s", answer)
			}
		})
	}
	t.Run("92 a pause", func(t *testing.T) {
		t.Parallel()
		c, err := net.Dial("tcp", shop.listening)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		start := time.Now()
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: "+shop.listening+"\r\n\r\n")
		_ = c.SetReadDeadline(start.Add(10 * time.Second))
		if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
			t.Errorf("%v %s", err, answer)
		}
		if took := time.Since(start); took < idle {
			t.Errorf("it is let go after %v", took)
		}
	})
}
