package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/rogpeppe/go-internal/testscript"

	"till/cmd"
)

// The scenarios are scripts against the real program. Beside testscript's own
// words they know:
//
//	serve FOLDER            start a shop on $WORK/FOLDER; sets $URL, and $ALICE,
//	                        $BOB and $ADMIN to the demo users' passwords
//	halt                    stop it (stop is testscript's own word)
//	call USER TOOL [JSON]   call a tool as a demo user; prints the answer's text
//	                        with ids masked; "! call" expects a refusal
//	take VAR REGEXP         set $VAR to what the last output has of REGEXP's group
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "scenarios", scenarios+".txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files:         files,
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			s := &scenario{sessions: map[string]*sdk.ClientSession{}}
			env.Values[key{}] = s
			env.Defer(s.stop)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveWord,
			"halt":  func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).stop() },
			"call":  callWord,
			"take":  takeWord,
		},
	})
}

type key struct{}

// scenario is the shop of one script.
type scenario struct {
	shop     *cmd.Running
	sessions map[string]*sdk.ClientSession
}

func of(ts *testscript.TestScript) *scenario { return ts.Value(key{}).(*scenario) }

func (s *scenario) stop() {
	for user, session := range s.sessions {
		_ = session.Close()
		delete(s.sessions, user)
	}
	if s.shop != nil {
		_ = s.shop.Stop()
		s.shop = nil
	}
}

func serveWord(ts *testscript.TestScript, neg bool, words []string) {
	if neg || len(words) != 1 {
		ts.Fatalf("usage: serve FOLDER")
	}
	shop, err := cmd.Serve(context.Background(), cmd.ServeOptions{
		Options: cmd.Options{Dir: ts.MkAbs(words[0])}, Addr: "127.0.0.1:0", Demo: true,
	})
	ts.Check(err)
	of(ts).shop = shop
	ts.Setenv("URL", shop.Endpoint)
	for user, password := range shop.Users {
		ts.Setenv(strings.ToUpper(user), password)
	}
}

// masked are the parts of an answer that differ from run to run.
var masked = regexp.MustCompile(`CS-[0-9A-Z]{5}-[0-9A-Z]{5}|q_[A-Za-z0-9_-]{50,}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z| UTC)?`)

func callWord(ts *testscript.TestScript, neg bool, words []string) {
	if len(words) < 2 || len(words) > 3 {
		ts.Fatalf("usage: call USER TOOL [JSON]")
	}
	s, user := of(ts), words[0]
	session := s.sessions[user]
	if session == nil {
		token, err := cmd.Login(context.Background(), s.shop.Endpoint, user, s.shop.Users[user], scopes)
		ts.Check(err)
		session, err = dial(s.shop.Endpoint, token)
		ts.Check(err)
		s.sessions[user] = session
	}
	var in any
	if len(words) == 3 {
		ts.Check(json.Unmarshal([]byte(words[2]), &in))
	} else {
		in = map[string]any{}
	}
	result, err := session.CallTool(context.Background(), &sdk.CallToolParams{Name: words[1], Arguments: in})
	ts.Check(err)
	for _, c := range result.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			prose, _, _ := strings.Cut(text.Text, "\n{")
			fmt.Fprintln(ts.Stdout(), strings.TrimSpace(masked.ReplaceAllString(prose, "…")))
		}
	}
	if result.IsError != neg {
		ts.Fatalf("%s: refused %v, expected %v: %s", words[1], result.IsError, neg, mustText(result))
	}
}

func takeWord(ts *testscript.TestScript, neg bool, words []string) {
	if neg || len(words) != 2 {
		ts.Fatalf("usage: take VAR REGEXP")
	}
	found := regexp.MustCompile(words[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("the last output holds nothing like %s with one group", words[1])
	}
	ts.Setenv(words[0], found[1])
}

func mustText(r *sdk.CallToolResult) string {
	data, err := json.Marshal(r.StructuredContent)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
