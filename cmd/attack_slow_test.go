package cmd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// 92: a client that is slow or says too much is cut off, and meanwhile the shop
// answers others.
func TestAttackSlowClient(t *testing.T) {
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	dial := func(t *testing.T, say string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", shop.listening)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
		return c
	}
	head := "POST /token HTTP/1.1\r\nHost: " + shop.listening + "\r\n"
	t.Run("92 headers that do not end", func(t *testing.T) {
		const many = 200
		begin := time.Now()
		var slow []net.Conn
		for range many {
			slow = append(slow, dial(t, head+"X-Slow: "))
		}
		for i := range 8 { // a little more each half second changes nothing
			_, _ = io.WriteString(slow[0], fmt.Sprint(i))
			resp, err := http.Get("http://" + shop.listening + "/healthz")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("others are not served: %v", err)
			}
			_ = resp.Body.Close()
			time.Sleep(500 * time.Millisecond)
		}
		for _, c := range slow {
			_ = c.SetReadDeadline(begin.Add(7 * time.Second))
			if _, err := io.ReadAll(c); err != nil {
				t.Fatalf("it is not cut off: %v", err)
			}
		}
		if took := time.Since(begin); took < 4*time.Second {
			t.Errorf("a slow client has only %v", took)
		}
	})
	t.Run("92 headers without measure", func(t *testing.T) {
		for size, want := range map[int]int{16 << 10: http.StatusBadRequest, 40 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			c := dial(t, head+"Connection: close\r\nX-Large: "+strings.Repeat("x", size)+"\r\n\r\n")
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%d bytes of headers are answered %d, want %d", size, resp.StatusCode, want)
			}
		}
	})
	// To wait for it would take half a minute, so the limit itself is looked at.
	t.Run("92 a body that does not end", func(t *testing.T) {
		if d := shop.server.ReadTimeout; d <= 0 || d > 30*time.Second {
			t.Errorf("a body may take %v", d)
		}
		if d := shop.server.IdleTimeout; d <= 0 || d > 2*time.Minute {
			t.Errorf("an idle connection may stay for %v", d)
		}
		if shop.server.WriteTimeout != 0 {
			t.Error("streams are cut off")
		}
	})
}
