package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// unit is a package as `go list -json` tells it.
type unit struct {
	ImportPath string
	Name       string
	Standard   bool
	Imports    []string
	Error      *struct{ Err string }
}

// ban forbids some packages some imports.
type ban struct {
	// from says whom it binds, by the path inside the module ("domain/cart").
	from func(pkg string) bool
	// what are the forbidden import paths, with everything below them.
	what []string
	// deep means that no package in between may import them either; the standard
	// library's own imports do not count.
	deep   bool
	reason string
}

// arrow is one layer of the design and the layers that it may import.
type arrow struct {
	layer string
	to    []string
}

var arrows = []arrow{
	{"cmd", []string{"cmd", "mcp", "authz", "projections", "domain"}},
	{"mcp", []string{"mcp", "projections", "domain"}},
	{"authz", []string{"authz", "projections", "domain"}},
	{"projections", []string{"projections", "domain"}},
	{"domain", []string{"domain"}},
	{"tests", []string{"cmd", "mcp", "authz", "projections", "domain"}},
}

const arrowReason = "the arrows are cmd → {mcp, authz} → projections → domain → eventlog, and mcp and authz meet only in cmd"

func within(folders ...string) func(string) bool {
	return func(pkg string) bool {
		return slices.ContainsFunc(folders, func(f string) bool { return below(pkg, f) })
	}
}

func outside(folders ...string) func(string) bool {
	in := within(folders...)
	return func(pkg string) bool { return !in(pkg) }
}

// below reports whether the path is the folder or lies in it.
func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

const jslog = "domain/eventlog/jslog"

// forTests are packages that only tests may import.
var forTests = []string{"domain/eventlog/logtest", "domain/eventlog/golden", "domain/decider/story"}

// pure are the packages that decide: the domain without the log's real storage
// and without what only tests import.
func pure(pkg string) bool {
	return below(pkg, "domain") && !below(pkg, jslog) && !slices.Contains(forTests, pkg)
}

var bans = []ban{
	{from: pure, deep: true, what: []string{"github.com/nats-io"},
		reason: "the domain must not know where its events are kept, or it cannot be tested as pure functions"},
	{from: pure, deep: true, what: []string{"github.com/ThreeDotsLabs"},
		reason: "what happens because of an event is a reactor's business, not a decision's"},
	{from: pure, deep: true, what: []string{"github.com/modelcontextprotocol"},
		reason: "a rule of the shop must hold whoever asks, agent or not"},
	{from: pure, deep: true, what: []string{"database/sql", "modernc.org"},
		reason: "the domain decides on states it is given and reads no database"},
	{from: pure, deep: true, what: []string{"math/rand", "crypto/rand"},
		reason: "ids come in with the command, so that the same command decides the same twice"},
	{from: func(pkg string) bool { return below(pkg, "domain/eventlog") && !below(pkg, jslog) },
		what:   []string{"till/domain/cart", "till/domain/order", "till/domain/stock", "till/domain/catalog", "till/domain/account", "till/domain/grant", "till/domain/checkout", "till/domain/payment", "till/domain/client", "till/domain/money", "till/domain/decider"},
		reason: "the log stores events without knowing what any of them means"},
	{from: outside(forTests...), what: []string{"till/domain/eventlog/logtest", "till/domain/eventlog/golden", "till/domain/decider/story", "testing"},
		reason: "what only tests need has no place in the program"},
	{from: outside(jslog), what: []string{"github.com/nats-io/nats.go"},
		reason: "one package speaks to JetStream, so that its surprises are handled in one place"},
	{from: outside("cmd"), what: []string{"github.com/nats-io/nats-server"},
		reason: "only the program starts servers"},
	{from: outside("cmd", "mcp"), what: []string{"github.com/modelcontextprotocol/go-sdk/mcp"},
		reason: "the shop behind the tools must not depend on how they are called"},
	{from: outside("authz"), what: []string{"github.com/coreos/go-oidc", "golang.org/x/oauth2", "github.com/go-jose/go-jose"},
		reason: "another provider's tokens are read at the login and nowhere else"},
}

// badNames are package names that say nothing of the shop.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib", "adapters", "ports", "impl"}

// broken returns every breach of the arrows, bans and names, in order.
func broken(units []unit) []string {
	by := map[string]unit{}
	for _, u := range units {
		by[u.ImportPath] = u
	}
	var found []string
	for _, u := range units {
		pkg, ours := strings.CutPrefix(u.ImportPath, "till/")
		if !ours {
			continue
		}
		if u.Error != nil {
			found = append(found, fmt.Sprintf("%s cannot be read: %s", u.ImportPath, u.Error.Err))
		}
		if slices.Contains(badNames, u.Name) {
			found = append(found, fmt.Sprintf("%s is named %s: a package is a noun of the shop, and this one says nothing", u.ImportPath, u.Name))
		}
		found = append(found, brokenArrows(u, pkg)...)
		for _, b := range bans {
			if !b.from(pkg) {
				continue
			}
			if path := reaches(by, u.ImportPath, b, map[string]bool{}); path != nil {
				found = append(found, fmt.Sprintf("%s: %s", strings.Join(path, " imports "), b.reason))
			}
		}
	}
	return found
}

func brokenArrows(u unit, pkg string) (found []string) {
	layer, _, _ := strings.Cut(pkg, "/")
	i := slices.IndexFunc(arrows, func(a arrow) bool { return a.layer == layer })
	if i < 0 {
		return []string{fmt.Sprintf("%s stands in a folder that the design does not have", u.ImportPath)}
	}
	for _, imported := range u.Imports {
		if other, ours := strings.CutPrefix(imported, "till/"); ours {
			if other, _, _ = strings.Cut(other, "/"); !slices.Contains(arrows[i].to, other) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", u.ImportPath, imported, arrowReason))
			}
		}
	}
	return found
}

// reaches returns the way from a package to a banned import, or nil.
func reaches(by map[string]unit, from string, b ban, seen map[string]bool) []string {
	for _, imported := range by[from].Imports {
		if slices.ContainsFunc(b.what, func(w string) bool { return below(imported, w) }) {
			return []string{from, imported}
		}
		if !b.deep || seen[imported] || by[imported].Standard {
			continue
		}
		seen[imported] = true
		if path := reaches(by, imported, b, seen); path != nil {
			return append([]string{from}, path...)
		}
	}
	return nil
}

// TestArrows holds the module's packages, as the go command lists them with
// all they depend on, against the design. Test files may import more.
func TestArrows(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Name,Standard,Imports,Error", "./...")
	list.Dir = ".."
	var said bytes.Buffer
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &said)
	}
	var units []unit
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var u unit
		if err := in.Decode(&u); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		units = append(units, u)
	}
	// A list without these would make the test pass on nothing.
	for _, must := range []string{"till/domain/eventlog", "till/" + jslog, "github.com/nats-io/nats.go", "encoding/json"} {
		if !slices.ContainsFunc(units, func(u unit) bool { return u.ImportPath == must }) {
			t.Fatalf("go list did not name %s among %d packages", must, len(units))
		}
	}
	for _, breach := range broken(units) {
		t.Error(breach)
	}
}

func TestArrowsAreReallyChecked(t *testing.T) {
	std := unit{ImportPath: "crypto/tls", Standard: true, Imports: []string{"crypto/rand"}}
	third := unit{ImportPath: "example.com/ids", Imports: []string{"math/rand/v2"}}
	one := func(pkg string, imports ...string) unit {
		return unit{ImportPath: "till/" + pkg, Name: pkg[strings.LastIndex(pkg, "/")+1:], Imports: imports}
	}
	for _, test := range []struct {
		name  string
		units []unit
		want  string // empty: no breach
	}{
		{"the design itself", []unit{
			one("cmd/till", "till/cmd"),
			one("cmd", "till/mcp", "till/authz", "till/projections", "till/"+jslog, "github.com/nats-io/nats-server/v2/server", "github.com/modelcontextprotocol/go-sdk/mcp"),
			one("mcp", "till/projections", "till/domain/cart", "github.com/modelcontextprotocol/go-sdk/mcp"),
			one("authz", "till/projections", "till/domain/grant", "crypto/rand", "time", "github.com/coreos/go-oidc/v3/oidc", "golang.org/x/oauth2"),
			one("projections", "till/domain/eventlog", "database/sql", "modernc.org/sqlite", "github.com/ThreeDotsLabs/watermill/message"),
			one("domain/cart", "till/domain/money", "till/domain/eventlog", "crypto/tls"),
			one(jslog, "till/domain/eventlog", "github.com/nats-io/nats.go/jetstream", "crypto/rand"),
			std,
		}, ""},
		{"domain looks up", []unit{one("domain/cart", "till/projections")}, "till/domain/cart imports till/projections: the arrows are"},
		{"views look up", []unit{one("projections", "till/mcp")}, "till/projections imports till/mcp"},
		{"tools know the way in", []unit{one("mcp", "till/authz")}, "till/mcp imports till/authz"},
		{"the way in knows tools", []unit{one("authz/page", "till/mcp/view")}, "till/authz/page imports till/mcp/view"},
		{"everyone knows the program", []unit{one("mcp", "till/cmd")}, "till/mcp imports till/cmd"},
		{"the program imports tests", []unit{one("cmd", "till/tests")}, "till/cmd imports till/tests"},
		{"a folder of its own", []unit{one("pkg/cart")}, "till/pkg/cart stands in a folder that the design does not have"},
		{"NATS in the domain", []unit{one("domain/stock", "github.com/nats-io/nats.go")}, "must not know where its events are kept"},
		{"NATS through jslog", []unit{one("domain/stock", "till/"+jslog), one(jslog, "github.com/nats-io/nats.go")}, "till/domain/stock imports till/domain/eventlog/jslog imports github.com/nats-io/nats.go: the domain"},
		{"Watermill in the domain", []unit{one("domain/order", "github.com/ThreeDotsLabs/watermill")}, "a reactor's business"},
		{"the SDK in the domain", []unit{one("domain/order", "github.com/modelcontextprotocol/go-sdk/jsonrpc")}, "whoever asks"},
		{"SQL in the domain", []unit{one("domain/order", "database/sql")}, "reads no database"},
		{"SQLite in the domain", []unit{one("domain/order", "modernc.org/sqlite")}, "reads no database"},
		{"chance in the domain", []unit{one("domain/order", "crypto/rand")}, "ids come in with the command"},
		{"chance through others", []unit{one("domain/order", "example.com/ids"), third}, "till/domain/order imports example.com/ids imports math/rand/v2: ids"},
		{"the log knows a cart", []unit{one("domain/eventlog/memlog", "till/domain/cart")}, "without knowing what any of them means"},
		{"NATS in a tool", []unit{one("mcp", "github.com/nats-io/nats.go")}, "one package speaks to JetStream"},
		{"NATS in the program", []unit{one("cmd", "github.com/nats-io/nats.go")}, "one package speaks to JetStream"},
		{"a server in the views", []unit{one("projections", "github.com/nats-io/nats-server/v2/server")}, "only the program starts servers"},
		{"the SDK in the way in", []unit{one("authz", "github.com/modelcontextprotocol/go-sdk/mcp")}, "how they are called"},
		{"another provider's tokens in a tool", []unit{one("mcp", "github.com/coreos/go-oidc/v3/oidc")}, "at the login and nowhere else"},
		{"another provider's tokens in the program", []unit{one("cmd", "golang.org/x/oauth2")}, "at the login and nowhere else"},
		{"a test's package in the program", []unit{one("domain/cart", "till/domain/decider/story")}, "has no place in the program"},
		{"testing in the program", []unit{one("cmd", "testing")}, "has no place in the program"},
		{"a test's package", []unit{one("domain/eventlog/logtest", "testing", "github.com/google/go-cmp/cmp"), {ImportPath: "github.com/google/go-cmp/cmp", Imports: []string{"math/rand"}}}, ""},
		{"no noun", []unit{one("domain/helpers")}, "till/domain/helpers is named helpers"},
		{"a package that cannot be read", []unit{{ImportPath: "till/cmd", Error: &struct{ Err string }{"no such file"}}}, "till/cmd cannot be read: no such file"},
	} {
		t.Run(test.name, func(t *testing.T) { expectBreach(t, broken(test.units), test.want) })
	}
}

// expectBreach wants one breach that says so, or with want empty none.
func expectBreach(t *testing.T, found []string, want string) {
	t.Helper()
	if want == "" && len(found) > 0 {
		t.Errorf("found %q in what is allowed", found)
	}
	if want != "" && !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, want) }) {
		t.Errorf("found %q, want %q", found, want)
	}
}
