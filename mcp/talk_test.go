package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"till/domain/grant"
)

// aliceWith lets everything be asked by alice's agent, with the scopes.
func aliceWith(scopes ...string) func(*Config) {
	return func(c *Config) {
		c.Caller = func(*auth.TokenInfo) (Caller, bool) {
			return Caller{User: "usr_alice", Client: "stdio", Scopes: scopes}, true
		}
	}
}

const (
	hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}` + "\n"
	now   = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
)

// talked is all that the shop answers to the lines, by id; "null" are those without
// one.
func talked(t testing.TB, s *Server, lines string) map[string][]string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Talk(context.Background(), strings.NewReader(lines), &out); err != nil {
		t.Fatal(err)
	}
	answers := map[string][]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		var m struct {
			ID json.RawMessage
		}
		if line == "" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("it says %q: %v", line, err)
		}
		answers[string(m.ID)] = append(answers[string(m.ID)], line)
	}
	return answers
}

func call1(id int, tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{"product":"catnip-mouse"}}}`+"\n", id, tool)
}

func TestTalkHoldsTheScopes(t *testing.T) {
	s := newShop(t, aliceWith(grant.CatalogRead))
	got := talked(t, s.face, hello+call1(1, "get_product")+call1(2, "add_to_cart")+call1(3, "why"))
	if !strings.Contains(strings.Join(got["1"], ""), "Catnip Mouse") {
		t.Errorf("a product is answered %s", got["1"])
	}
	for _, id := range []string{"2", "3"} {
		if !strings.Contains(strings.Join(got[id], ""), "insufficient_scope") {
			t.Errorf("%s is answered %s", id, got[id])
		}
	}
}

func TestTalkKnowsTheErasApart(t *testing.T) {
	s := newShop(t, aliceWith(grant.Shopping()...))
	modern := strings.Replace(call1(2, "get_product"), `"name"`, now+`,"name"`, 1)
	got := talked(t, s.face, hello+call1(1, "get_product")+modern)
	if len(got["1"]) != 1 || strings.Contains(got["1"][0], "resultType") {
		t.Errorf("the old era is answered %s", got["1"])
	}
	if len(got["2"]) != 1 || !strings.Contains(got["2"][0], `"resultType":"complete"`) {
		t.Errorf("the new era is answered %s", got["2"])
	}
	if got = talked(t, s.face, call1(1, "get_product")); len(got["1"]) != 1 || strings.Contains(got["1"][0], `"code":0`) {
		t.Errorf("before initialize it answers %s", got["1"])
	}
}

func TestTalkSurvivesPanics(t *testing.T) {
	s := newShop(t, aliceWith(grant.Shopping()...))
	s.face.sdk.AddTool(&sdk.Tool{Name: "fall", InputSchema: json.RawMessage(`{"type":"object"}`)},
		func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) { panic("fallen") })
	got := talked(t, s.face, hello+call1(1, "fall")+call1(2, "get_product"))
	if len(got["1"]) != 1 || !strings.Contains(got["1"][0], "report request id-") || len(got["2"]) != 1 {
		t.Errorf("it answers %s", got)
	}
}

// More calls than may run at once wait for each other, an id is that of one call at
// a time, and nothing that a client can listen to holds the conversation.
func TestTalkBoundsCalls(t *testing.T) {
	s := newShop(t, aliceWith(grant.Shopping()...))
	s.face.sdk.AddTool(&sdk.Tool{Name: "wait", InputSchema: json.RawMessage(`{"type":"object"}`)},
		func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			time.Sleep(100 * time.Millisecond)
			return &sdk.CallToolResult{}, nil
		})
	lines := hello + call1(1, "wait") + call1(1, "get_product")
	lines += `{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},` + now + "}}\n"
	for id := 100; id < 100+3*callsAtOnce; id++ {
		lines += call1(id, "wait")
	}
	began := time.Now()
	got := talked(t, s.face, lines)
	if took := time.Since(began); took < 300*time.Millisecond || took > lastAnswers {
		t.Errorf("it took %v", took)
	}
	if n := got["null"]; len(n) != 1 || !strings.Contains(n[0], "the id 1 is under way") {
		t.Errorf("the id of another call is answered %s", n)
	}
	for _, id := range []int{1, 2, 100, 99 + 3*callsAtOnce} {
		if n := len(got[fmt.Sprint(id)]); n != 1 {
			t.Errorf("call %d is answered %d times", id, n)
		}
	}
	if want := 1 + 3 + 3*callsAtOnce + 1; len(got) != want { // hello, both, all, and the one notice
		t.Errorf("there are answers to %d ids, not to %d", len(got), want)
	}
}

// Told to stop, it reads no further line, though the input stays open.
func TestTalkStopsWhenTold(t *testing.T) {
	s := newShop(t, aliceWith(grant.Shopping()...))
	ctx, cancel := context.WithCancel(t.Context())
	in, keyboard := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- s.face.Talk(ctx, in, out) }()
	if _, err := io.WriteString(keyboard, hello); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(answers).ReadString('\n'); err != nil || !strings.Contains(line, "serverInfo") {
		t.Fatalf("%s %v", line, err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(lastAnswers):
		t.Error("it does not stop")
	}
}

func TestTalkEndsWithItsReader(t *testing.T) {
	s := newShop(t, aliceWith(grant.Shopping()...))
	answers, out := io.Pipe()
	_ = answers.Close()
	in, keyboard := io.Pipe()
	go func() { _, _ = io.WriteString(keyboard, hello+call1(1, "get_product")) }()
	ended := make(chan error, 1)
	go func() { ended <- s.face.Talk(t.Context(), in, out) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(lastAnswers):
		t.Error("it goes on for a client that has gone")
	}
}

// Whatever comes as lines, the conversation ends well and says only messages.
func FuzzTalk(f *testing.F) {
	for _, seed := range []string{"", "\n", "hello\n", hello, hello + call1(1, "get_product"), "[" + hello, `{"jsonrpc":"2.0","id":{},"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1.5,"method":"ping"}` + "\n" + `{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"result":{}}`, "\xff\xfe\r\n\x00",
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + now + `}}`} {
		f.Add([]byte(seed))
	}
	s := newShop(f, aliceWith(grant.CatalogRead))
	f.Fuzz(func(t *testing.T, lines []byte) { talked(t, s.face, string(lines)) })
}

func TestLinesAreBounded(t *testing.T) {
	long := strings.Repeat("x", maxBody)
	r := bufio.NewReaderSize(strings.NewReader(long+"\n"+long+"x\n"+strings.Repeat("y", 3*maxBody)+"\nlast"), 32<<10)
	for i, want := range []struct {
		length int
		fault  bool
	}{{maxBody + 1, false}, {0, true}, {0, true}, {4, false}} {
		l, err := nextLine(r)
		if len(l.data) != want.length || (l.fault != nil) != want.fault || (err != nil) != (i == 3) {
			t.Errorf("line %d has %d bytes, %v, %v", i, len(l.data), l.fault, err)
		}
	}
}
