package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"
)

// judgement is what the official conformance suite must find in server mode. The
// suite freezes what a revision requires; of 2025-06-18 it runs all that applies.
type judgement struct {
	revision string
	flags    []string
	// scenarios is how many the suite runs: one that is gone judges nothing.
	scenarios int
	// without are the scenarios that do not pass, and why they need not. None of
	// them is required by the revision.
	without map[string]string
}

func judgements() []judgement {
	const (
		tasks = "an extension: every tool of a shop answers at once, and the SDK has no tasks (go-sdk #942)"
		polls = "answers are not kept to be fetched after a disconnect: a call is repeated, with its idempotency_key"
	)
	extensions := map[string]string{}
	for _, name := range []string{"lifecycle", "capability-negotiation", "wire-fields", "request-state-removal", "mrtr-input",
		"request-headers", "dispatch-and-envelope", "status-notifications", "required-task-error", "mrtr-composition"} {
		extensions["tasks-"+name] = tasks
	}
	return []judgement{
		{"2025-06-18", []string{"--suite", "all", "--spec-version", "2025-06-18"}, 27, nil},
		{"2025-11-25", []string{"--requirements", "2025-11-25"}, 33, map[string]string{"server-sse-polling": polls}},
		{"2026-07-28", []string{"--requirements", "2026-07-28"}, 50, extensions},
	}
}

// scenarioFolder is how the suite names what it writes about a scenario.
var scenarioFolder = regexp.MustCompile(`^server-(.+)-\d{4}-\d\d-\d\dT[-\d]+Z$`)

// TestServerConformance is the suite's server mode against the program itself, with
// all that stands before its tools; only the fixtures that the suite calls by name
// are built in with a tag.
func TestServerConformance(t *testing.T) {
	node, suite := conformanceSuite(t)
	endpoint := admitted(t, built(t, "-tags", "conformance"))
	for _, j := range judgements() {
		t.Run(j.revision, func(t *testing.T) {
			out := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, node, append([]string{suite, "server", "--url", endpoint, "-o", out}, j.flags...)...)
			if said, err := c.CombinedOutput(); err != nil {
				t.Errorf("the suite says %v:\n%s", err, said)
			}
			found := map[string][]check{}
			for folder, checks := range judged(t, out) {
				name := scenarioFolder.FindStringSubmatch(folder)
				if name == nil {
					t.Fatalf("the suite wrote a folder %s", folder)
				}
				found[name[1]] = checks
			}
			for _, fault := range j.faults(found) {
				t.Error(fault)
			}
			t.Logf("%d scenarios, %d of them not expected to pass", len(found), len(j.without))
		})
	}
}

// faults is how what the suite found differs from what it must find.
func (j judgement) faults(found map[string][]check) (said []string) {
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if len(found) != j.scenarios {
		say("%d scenarios were run, not %d: what came or went?", len(found), j.scenarios)
	}
	for scenario, why := range j.without {
		if _, ran := found[scenario]; !ran {
			say("there is no %s any more; it was not to pass: %s", scenario, why)
		}
	}
	for scenario, checks := range found {
		good, bad := 0, []check{}
		for _, c := range checks {
			switch c.Status {
			case "SUCCESS":
				good++
			case "INFO", "SKIPPED":
			default: // a WARNING is a SHOULD
				bad = append(bad, c)
			}
		}
		why, excused := j.without[scenario]
		switch {
		case excused && good > 0 && len(bad) == 0:
			say("%s passes now; it was not to: %s", scenario, why)
		case excused:
		case good == 0 && len(bad) == 0:
			say("%s checked nothing: %v", scenario, checks)
		default:
			for _, c := range bad {
				say("%s: %s (%s): %s %s", scenario, c.Name, c.ID, c.Status, c.ErrorMessage)
			}
		}
	}
	return said
}

// built builds the program as the flags say and returns its path.
func built(t *testing.T, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "till")
	build := exec.CommandContext(t.Context(), "go", append(append([]string{"build"}, flags...), "-o", program, "./cmd/till")...)
	build.Dir = ".."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	return program
}

// admitted is a shop's MCP URL at which everybody is alice: the suite has no token.
// What stands there is a proxy, and the shop is served for the proxy's address, as
// behind any proxy. Everything but the token arrives as it was sent, its Host too, or
// else the suite's attack by DNS rebinding would attack nothing.
func admitted(t *testing.T, program string) (endpoint string) {
	t.Helper()
	dir, addr := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	var token atomic.Pointer[string]
	door := httptest.NewServer(&httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", addr, r.In.Host
			// Whole before it goes on: net/http ends a body that is not quite read as
			// soon as an answer begins, and then the proxy cut off every other stream
			// that began at once (27 of 50 runs failed, with this none of 60).
			if body, err := io.ReadAll(r.In.Body); err == nil && len(body) > 0 {
				r.Out.Body = io.NopCloser(bytes.NewReader(body))
			}
			if bearer := token.Load(); bearer != nil {
				r.Out.Header.Set("Authorization", "Bearer "+*bearer)
			}
		},
	})
	t.Cleanup(door.Close)
	shop := beginProgram(t, program, dir, addr, "--public-url", door.URL)
	shop.ready(t)
	bearer := login(t, shop.endpoint, "alice", password(t, dir, "alice"), scopes)
	token.Store(&bearer)
	return shop.endpoint
}

// TestAShopHoldsNoFixtures: what the suite calls is in no program that people run.
func TestAShopHoldsNoFixtures(t *testing.T) {
	holds := func(program, text string) bool {
		data, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(data, []byte(text))
	}
	release, tagged := built(t), built(t, "-tags", "conformance")
	for _, text := range []string{"test://", "test_input_required", "test_simple_text"} {
		if holds(release, text) {
			t.Errorf("the program holds %q", text)
		}
		if !holds(tagged, text) {
			t.Errorf("even the program for the suite does not hold %q: the search finds nothing", text)
		}
	}
}

// TestTheJudgementIsReallyWeighed: a scenario that came, went, failed, warned,
// checked nothing or passes against expectation is told.
func TestTheJudgementIsReallyWeighed(t *testing.T) {
	good, warned, info := []check{{Status: "SUCCESS"}}, []check{{Status: "SUCCESS"}, {Status: "WARNING"}}, []check{{Status: "INFO"}}
	j := judgement{scenarios: 2, without: map[string]string{"tasks": "none"}}
	for name, test := range map[string]struct {
		found map[string][]check
		fine  bool
	}{
		"as expected":          {map[string][]check{"ping": good, "tasks": info}, true},
		"one more":             {map[string][]check{"ping": good, "pong": good, "tasks": info}, false},
		"one gone":             {map[string][]check{"tasks": info}, false},
		"an expected one gone": {map[string][]check{"ping": good, "pong": good}, false},
		"a warning":            {map[string][]check{"ping": warned, "tasks": info}, false},
		"nothing checked":      {map[string][]check{"ping": info, "tasks": info}, false},
		"one passes now":       {map[string][]check{"ping": good, "tasks": good}, false},
	} {
		if said := j.faults(test.found); (len(said) == 0) != test.fine {
			t.Errorf("%s: %q", name, said)
		}
	}
}
