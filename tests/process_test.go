package tests

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// process is the program in a process of its own.
type process struct {
	*exec.Cmd
	endpoint string
	out      io.Reader
	// errs is what it logs; read it after exited.
	errs   strings.Builder
	exited chan struct{}
}

// begin starts till serve on the folder and does not wait for it.
func begin(t *testing.T, dir, addr string, flags ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return beginProgram(t, self, dir, addr, flags...)
}

// beginProgram is begin with another build of the program.
func beginProgram(t *testing.T, program, dir, addr string, flags ...string) *process {
	t.Helper()
	p := &process{
		Cmd:    exec.Command(program, append([]string{"serve", "--data", dir, "--addr", addr, "--access-life", "2h"}, flags...)...),
		exited: make(chan struct{}),
	}
	p.Env = append(os.Environ(), programEnv+"=1")
	p.Stderr = &p.errs
	out, in := io.Pipe() // which Wait empties, whoever reads
	p.out, p.Stdout = out, in
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait()
		_ = in.Close()
		close(p.exited)
	}()
	return p
}

// spawn starts till serve on the folder and waits for its banner.
func spawn(t *testing.T, dir, addr string, flags ...string) *process {
	t.Helper()
	p := begin(t, dir, addr, flags...)
	p.ready(t)
	return p
}

// ready waits for the banner.
func (p *process) ready(t *testing.T) {
	t.Helper()
	t.Cleanup(p.kill)
	url := regexp.MustCompile(`MCP URL\s+(\S+)`)
	for lines := bufio.NewScanner(p.out); p.endpoint == "" && lines.Scan(); {
		if m := url.FindStringSubmatch(lines.Text()); m != nil {
			p.endpoint = m[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, p.out) }()
	if p.endpoint == "" {
		p.kill()
		t.Fatalf("the shop did not start: %s", p.errs.String())
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	go func() { _, _ = io.Copy(io.Discard, p.out) }()
	<-p.exited
}

// terminate is what an operating system does that wants to restart: it returns
// the exit code.
func (p *process) terminate(t *testing.T, by os.Signal) int {
	t.Helper()
	if err := p.Process.Signal(by); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("%v does not stop it", by)
	}
	return p.ProcessState.ExitCode()
}

// address is host and port of an endpoint: a token is for one address.
func address(t *testing.T, endpoint string) string {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// password reads a demo user's password where till login finds it.
func password(t *testing.T, dir, user string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "demo-users.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`"` + user + `": "([^"]+)"`).FindSubmatch(data)
	if m == nil {
		t.Fatalf("no password of %s in %s", user, data)
	}
	return string(m[1])
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Ctrl-C ends the program at once and well, and it says nothing secret: not in
// its logs, not in what it keeps.
func TestTheProgramStopsCleanlyAndKeepsItsSecrets(t *testing.T) {
	dir := t.TempDir()
	p := spawn(t, dir, "127.0.0.1:0")
	origin := strings.TrimSuffix(p.endpoint, "/mcp")
	for path, says := range map[string]string{"/healthz": "ok", "/readyz": `"ready":true`, "/": "/mcp"} {
		if status, body := get(t, origin+path); status != http.StatusOK || !strings.Contains(body, says) {
			t.Errorf("%s answers %d %s", path, status, body)
		}
	}
	secret := password(t, dir, "alice")
	token := login(t, p.endpoint, "alice", secret, scopes)
	alice := connect(t, p.endpoint, token)
	alice.call("add_to_cart", args{"product": 2})
	order := alice.call("checkout", nil).text("order_id")
	if _, err := alice.try("add_to_cart", args{"product": "unicorn", "quantity": "many"}); err != nil {
		t.Fatal(err)
	}

	started := time.Now()
	code := p.terminate(t, os.Interrupt)
	t.Logf("stopped in %v", time.Since(started))
	if code != 0 {
		t.Errorf("it exits with %d: %s", code, p.errs.String())
	}

	_, hidden, _ := strings.Cut(strings.TrimPrefix(token, "at_"), ".")
	if len(hidden) < 40 {
		t.Fatalf("the token looks different than this test thinks")
	}
	for what, text := range map[string]string{"password": secret, "token": token, "token's secret": hidden} {
		if strings.Contains(p.errs.String(), text) {
			t.Errorf("the log holds the %s", what)
		}
		for _, file := range holding(t, dir, text) {
			if what != "password" || filepath.Base(file) != "demo-users.json" {
				t.Errorf("%s holds the %s", file, what)
			}
		}
	}
	if len(holding(t, dir, order)) == 0 {
		t.Error("not even the order's number is found in the folder: the search finds nothing")
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, err := d.Info(); err == nil && path == dir && info.Mode().Perm() != 0o700 {
			t.Errorf("the folder's mode is %v", info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// holding lists the folder's files that hold the text.
func holding(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
