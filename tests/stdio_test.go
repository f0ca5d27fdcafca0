package tests

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/cmd"
)

// over is the SDK's client at the other end.
func over(t *testing.T, version, dir string, flags ...string) *agent {
	t.Helper()
	c := stdio(t, dir, flags...)
	errs := &lockedText{}
	c.Stderr = errs
	client := sdk.NewClient(&sdk.Implementation{Name: "till-tests", Version: "1"}, nil)
	session, err := client.Connect(context.Background(), &sdk.CommandTransport{Command: c, TerminateDuration: 20 * time.Second}, &sdk.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	t.Cleanup(func() { _ = session.Close() })
	return &agent{session, t}
}

func TestStdioShopsToTheEnd(t *testing.T) {
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir() + "/shop"
			alice := over(t, version, dir, "--user", "alice")
			if got := alice.InitializeResult().ProtocolVersion; got != version {
				t.Errorf("it speaks %s", got)
			}
			list, err := alice.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(list.Tools) != 17 {
				t.Errorf("there are %d tools", len(list.Tools))
			}
			alice.call("search_products", args{"query": "scrathing post"})
			alice.call("add_to_cart", args{"product": "catnip-mouse", "quantity": "2"})
			if in, err := alice.try("add_to_cart", args{"product": "catnip-moose"}); err != nil || !in.IsError || !strings.Contains(in.Text, "catnip-mouse") {
				t.Errorf("an unknown product is answered %v, %v", in, err)
			}
			quote := alice.call("review_checkout", nil).text("quote_id")
			order := alice.call("checkout", args{"quote_id": quote}).text("order_id")
			if again := alice.call("checkout", args{"quote_id": quote}).text("order_id"); again != order || order == "" {
				t.Errorf("the quote is order %q and %q", order, again)
			}
			if err := alice.Close(); err != nil {
				t.Errorf("it ends with %v", err)
			}
			// Another start, and over HTTP: it is one shop.
			alice = over(t, version, dir, "--user", "alice")
			if got := alice.call("get_order_history", nil).text("orders.0.order_id"); got != order {
				t.Errorf("after a start the history begins with %q", got)
			}
			if err := alice.Close(); err != nil {
				t.Error(err)
			}
			shop := serve(t, dir)
			if got := shopper(t, shop, "alice").call("get_order_history", nil).text("orders.0.order_id"); got != order {
				t.Errorf("over HTTP the history begins with %q", got)
			}
			var why strings.Builder
			if code := cmd.Main([]string{"why", "order", order, "--data", dir}, strings.NewReader(""), &why, os.Stderr); code != 0 || !strings.Contains(why.String(), "stdio") {
				t.Errorf("till why exits %d: %s", code, &why)
			}
		})
	}
}

// What is no message is answered as over HTTP, and the conversation goes on.
func TestStdioTakesOnlyMessages(t *testing.T) {
	p := pipe(t, t.TempDir()+"/shop", "--user", "alice")
	p.begins()
	for _, c := range []struct {
		line, says string
		code       int
		id         any
	}{
		{`hello`, "not valid JSON", -32700, nil},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call"`, "not valid JSON", -32700, nil},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, "a line of its own", -32600, nil},
		{`{"jsonrpc":"1.0","id":1,"method":"ping"}`, "JSON-RPC 2.0", -32600, 1.0},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}`, "twice", -32600, 1.0},
		{`{"jsonrpc":"2.0","id":null,"method":"ping"}`, "the id", -32600, nil},
		{`{"jsonrpc":"2.0","id":2}`, "neither a method", -32600, 2.0},
		{`{"jsonrpc":"2.0","id":3,"method":"shop/steal"}`, "method not found", -32601, 3.0},
		{`{"jsonrpc":"2.0","id":4,"method":"ping","params":` + strings.Repeat(`{"a":`, 80) + "1" + strings.Repeat("}", 81), "deeper", -32700, nil},
		{`{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":"` + strings.Repeat("x", 300<<10) + `"}}`, "256 KiB", -32600, nil},
		{strings.Repeat("x", 9<<20), "256 KiB", -32600, nil},
	} {
		p.says("%s", c.line)
		m, ok := p.hears()
		if !ok || m.Error == nil || m.Error.Code != c.code || m.ID != c.id || !strings.Contains(m.Error.Message, c.says) {
			t.Errorf("%.60s is answered %+v %+v", c.line, m, m.Error)
		}
	}
	p.says("\r\n\n") // nothing is no message and no fault
	p.says(`{"jsonrpc":"2.0","id":9,"method":"ping"}` + "\r")
	if m, ok := p.hears(); !ok || m.ID != 9.0 || m.Error != nil {
		t.Errorf("after all that ping is answered %+v", m)
	}
	_ = p.in.Close()
	if m, more := p.hears(); more {
		t.Errorf("at the end it says %+v", m)
	}
	if code := p.ends(); code != 0 {
		t.Errorf("it exits with %d: %s", code, p.errs)
	}
}

// What was asked before the end is answered before the end.
func TestStdioAnswersBeforeItEnds(t *testing.T) {
	for name, end := range map[string]func(*pipes){
		"the input ends": func(p *pipes) { _ = p.in.Close() },
		"SIGTERM":        func(p *pipes) { _ = p.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			p := pipe(t, t.TempDir()+"/shop", "--user", "alice")
			p.begins()
			const calls = 100
			for id := 1; id <= calls; id++ {
				p.calls(id, "add_to_cart", `{"product":"catnip-mouse"}`)
			}
			// Of those that it has not read when the signal comes it knows nothing.
			heard := map[any]bool{}
			if name == "SIGTERM" {
				m, _ := p.hears()
				heard[m.ID] = true
			}
			end(p)
			added := 0
			for m, ok := p.hears(); ok; m, ok = p.hears() {
				if heard[m.ID] {
					t.Errorf("%v is answered twice", m.ID)
				}
				heard[m.ID] = true
				if m.Result != nil && m.Result["isError"] != true {
					added++
				}
			}
			if name != "SIGTERM" && len(heard) != calls {
				t.Errorf("%d of %d calls are answered", len(heard), calls)
			}
			if code := p.ends(); code != 0 {
				t.Errorf("it exits with %d: %s", code, p.errs)
			}
			t.Logf("%d answered, %d of them after the end", len(heard), added)
		})
	}
}

// A client that holds its streams open and reads nothing does not keep the shop.
func TestStdioEndsWithoutAReader(t *testing.T) {
	p := pipe(t, t.TempDir()+"/shop", "--user", "alice")
	p.begins()
	go func() {
		for id := 1; id < 5000; id++ {
			if _, err := fmt.Fprintf(p.in, `{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`+"\n", id); err != nil {
				return // it has ended
			}
		}
	}()
	time.Sleep(time.Second)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ends(); code != 0 {
		t.Errorf("it exits with %d: %s", code, p.errs)
	}
}

func TestStdioKilledLosesNothing(t *testing.T) {
	dir := t.TempDir() + "/shop"
	acknowledged := 0
	for round := range 4 {
		p := pipe(t, dir, "--user", "alice")
		p.begins()
		p.calls(1, "view_cart", `{}`)
		m, _ := p.hears()
		content, _ := m.Result["structuredContent"].(map[string]any)
		pieces, _ := content["pieces"].(float64)
		// The one that was under way at the kill may or may not be in it.
		if int(pieces) < acknowledged || int(pieces) > acknowledged+round*10 {
			t.Fatalf("round %d: %d were acknowledged, %v are there", round, acknowledged, pieces)
		}
		acknowledged = int(pieces)
		for id := 2; id < 12; id++ {
			p.calls(id, "add_to_cart", `{"product":"catnip-mouse"}`)
		}
		for range 3 + round {
			if m, ok := p.hears(); !ok || m.Result == nil || m.Result["isError"] == true {
				t.Fatalf("round %d: %+v %s", round, m, p.errs)
			}
			acknowledged++
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait()
	}
}

// stops runs the command to its end, with nothing to read.
func stops(t *testing.T, dir string, flags ...string) (code int, out, errs string) {
	t.Helper()
	c := stdio(t, dir, flags...)
	var o, e strings.Builder
	c.Stdout, c.Stderr = &o, &e
	_ = c.Run() // the code tells
	return c.ProcessState.ExitCode(), o.String(), e.String()
}

func TestStdioSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir() + "/shop"
	for _, c := range []struct {
		flags []string
		says  string
	}{
		{nil, "say with --user who shops: alice, bob"},
		{[]string{"--user", "mallory"}, "mallory has no account here; say with --user who shops: alice, bob"},
		{[]string{"--user", "alice", "--admin-tools"}, "alice is no administrator"},
		{[]string{"--user", "alice", "--per-day", "lots"}, `--per-day: "lots" is no amount in USD`},
	} {
		if code, out, errs := stops(t, dir, c.flags...); code != 1 || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%v exits %d, says %q and %q", c.flags, code, out, errs)
		}
	}
	for _, name := range []string{"alice", "bob"} {
		if code := cmd.Main([]string{"user", "disable", name, "--data", dir}, strings.NewReader(""), io.Discard, os.Stderr); code != 0 {
			t.Fatalf("till user disable exits %d", code)
		}
		if name == "alice" { // one is left
			if code, out, errs := stops(t, dir); code != 0 || out != "" || !strings.Contains(errs, "user=bob") {
				t.Errorf("for the only customer it exits %d, says %q and %q", code, out, errs)
			}
		}
	}
	if _, _, errs := stops(t, dir); !strings.Contains(errs, "till user add NAME") {
		t.Errorf("without customers it says %q", errs)
	}
	if _, _, errs := stops(t, dir, "--user", "bob"); !strings.Contains(errs, "till user enable bob") {
		t.Errorf("for a disabled account it says %q", errs)
	}
}

func TestStdioOneAtATime(t *testing.T) {
	dir := t.TempDir() + "/shop"
	first := pipe(t, dir, "--user", "alice")
	first.begins()
	code, out, errs := stops(t, dir, "--user", "bob")
	if code != 1 || out != "" || !strings.Contains(errs, "in use by another till") || !strings.Contains(errs, "MCP URL") {
		t.Errorf("the second exits %d, says %q and %q", code, out, errs)
	}
	// A client hears it as the answer to what it asks first.
	refused := pipe(t, dir, "--user", "bob")
	refused.says(`{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"by hand","version":"1"}}}`)
	if m, ok := refused.hears(); !ok || m.ID != "a" || m.Error == nil || m.Error.Code != -32603 || !strings.Contains(m.Error.Message, "in use by another till") {
		t.Errorf("the client hears %+v %+v", m, m.Error)
	}
	if code := refused.ends(); code != 1 {
		t.Errorf("it exits with %d", code)
	}
	// One that starts while the other ends waits for it: clients do that.
	second := pipe(t, dir, "--user", "alice")
	time.Sleep(300 * time.Millisecond)
	_ = first.in.Close()
	second.begins()
}

func TestStdioHoldsTheRules(t *testing.T) {
	dir := t.TempDir() + "/shop"
	alice := over(t, "", dir, "--user", "alice", "--per-order", "10")
	alice.call("add_to_cart", args{"product": "catnip-mouse", "quantity": 3})
	refused, err := alice.try("checkout", nil)
	if err != nil || !refused.IsError || !strings.Contains(refused.Text, "spending_limit_exceeded") || !strings.Contains(refused.Text, "--per-order") {
		t.Errorf("above the limit checkout says %v, %v", refused, err)
	}
	alice.call("update_cart_quantity", args{"product": "catnip-mouse", "quantity": 1})
	alice.call("checkout", nil)
	// The account is looked at in each call, and the shop's other commands work beside it.
	if code := cmd.Main([]string{"user", "disable", "alice", "--data", dir}, strings.NewReader(""), io.Discard, os.Stderr); code != 0 {
		t.Fatalf("till user disable exits %d", code)
	}
	if _, err := alice.try("view_cart", nil); err == nil || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("a disabled account is answered %v", err)
	}
	if err := alice.Close(); err != nil {
		t.Error(err)
	}
	bob := over(t, "", dir, "--user", "bob")
	if _, err := bob.try("show_history", args{"kind": "cart", "id": "alice"}); err != nil {
		t.Errorf("an administrator's tool is answered %v", err)
	}
	if in, _ := bob.try("show_history", args{"kind": "cart", "id": "alice"}); !in.IsError {
		t.Errorf("a customer sees %s", in.Text)
	}
	if err := bob.Close(); err != nil {
		t.Error(err)
	}
	admin := over(t, "", dir, "--user", "admin", "--admin-tools")
	admin.call("show_history", args{"kind": "cart", "id": "alice"})
}
