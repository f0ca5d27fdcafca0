package cmd

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/eventlog/jslog"
)

// 99: even who stands inside the program, on a connection to its NATS server,
// cannot take an event back.
func TestAttackLog(t *testing.T) {
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: t.TempDir()}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Stop()
	nc, err := jslog.ConnectInProcess(t.Context(), shop.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("99 nothing is deleted", func(t *testing.T) {
		stream, err := js.Stream(t.Context(), "till")
		if err != nil {
			t.Fatal(err)
		}
		before := stream.CachedInfo()
		if before.State.Msgs == 0 {
			t.Fatal("the log is empty: nothing could be deleted")
		}
		for what, err := range map[string]error{
			"delete":        stream.DeleteMsg(t.Context(), before.State.FirstSeq),
			"secure delete": stream.SecureDeleteMsg(t.Context(), before.State.FirstSeq),
			"purge":         stream.Purge(t.Context()),
			"purge of one":  stream.Purge(t.Context(), jetstream.WithPurgeSubject(before.Config.Subjects[0])),
		} {
			if err == nil {
				t.Errorf("%s is allowed", what)
			}
		}
		// Nor can the bolt be drawn back first.
		for what, edit := range map[string]func(*jetstream.StreamConfig){
			"deletes": func(c *jetstream.StreamConfig) { c.DenyDelete = false },
			"purges":  func(c *jetstream.StreamConfig) { c.DenyPurge = false },
		} {
			config := before.Config
			edit(&config)
			if _, err := js.UpdateStream(t.Context(), config); err == nil {
				t.Errorf("%s can be allowed", what)
			}
		}
		after, err := stream.Info(t.Context())
		if err != nil || after.State.Msgs < before.State.Msgs || after.State.NumDeleted > 0 || after.State.FirstSeq != before.State.FirstSeq {
			t.Errorf("the log was %+v and is %+v, %v", before.State, after.State, err)
		}
	})
	// An event of a version that nobody knows might be a revocation.
	t.Run("99 nothing is shown or sold on top of an unknown version", func(t *testing.T) {
		token, err := Login(t.Context(), shop.Endpoint, "alice", shop.Users["alice"], shopping)
		if err != nil {
			t.Fatal(err)
		}
		call := func(tool, arguments string) (int, string) {
			t.Helper()
			body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}`
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.Endpoint, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Accept", "application/json, text/event-stream")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, string(data)
		}
		if status, said := call("add_to_cart", `{"product":"catnip-mouse"}`); status != 200 || strings.Contains(said, `"isError":true`) {
			t.Fatalf("the shop does not sell: %d %s", status, said)
		}
		strange := eventlog.Stream{Category: cart.Category, ID: "usr_strange"}
		at, err := shop.log.Append(t.Context(), eventlog.Change{Stream: strange, Events: []eventlog.Envelope{{
			Stream: strange, Number: 1, Type: "cart.cleared", Version: 99,
			Meta: eventlog.Meta{Command: "cmd_strange", Time: time.Now().UTC()}, Data: []byte(`{}`),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := shop.views.Wait(t.Context(), at); !errors.Is(err, eventlog.ErrUnknownType) {
			t.Fatalf("the views go on: %v", err)
		}
		head, err := shop.log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for tool, arguments := range map[string]string{"view_cart": `{}`, "add_to_cart": `{"product":"catnip-mouse"}`, "checkout": `{}`, "get_order_history": `{}`, "list_products": `{}`} {
			if status, said := call(tool, arguments); status != http.StatusServiceUnavailable && !strings.Contains(said, `"isError":true`) {
				t.Errorf("%s is answered %d %s", tool, status, said)
			}
		}
		if _, err := Login(t.Context(), shop.Endpoint, "bob", shop.Users["bob"], shopping); err == nil {
			t.Error("a new agent is let in")
		}
		if now, err := shop.log.Head(t.Context()); err != nil || now != head {
			t.Errorf("%d events were written on top of it, %v", now-head, err)
		}
		resp, err := http.Get("http://" + shop.listening + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("/readyz answers %d", resp.StatusCode)
		}
	})
}
