package tests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// stdio is the command till serve --stdio on the folder.
func stdio(t *testing.T, dir string, flags ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, append([]string{"serve", "--stdio", "--data", dir}, flags...)...)
	c.Env = append(os.Environ(), programEnv+"=1")
	return c
}

// pipes is the program with a client that writes its lines by hand.
type pipes struct {
	*exec.Cmd
	t    *testing.T
	in   io.WriteCloser
	out  *bufio.Reader
	errs *lockedText
}

// lockedText may be read while the program still writes.
type lockedText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func pipe(t *testing.T, dir string, flags ...string) *pipes {
	t.Helper()
	p := &pipes{Cmd: stdio(t, dir, flags...), t: t, errs: &lockedText{}}
	p.Stderr = p.errs
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	p.in, p.out = in, bufio.NewReader(out)
	return p
}

// message is what the program may write.
type message struct {
	ID     any            `json:"id"`
	Result map[string]any `json:"result"`
	Error  *struct {
		Code    int
		Message string
	} `json:"error"`
}

// hears returns the next message; whatever else stands on the output is a failure.
// ok is false at its end.
func (p *pipes) hears() (m message, ok bool) {
	p.t.Helper()
	line, err := p.out.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return m, false
	}
	if err := json.Unmarshal(line, &m); err != nil {
		p.t.Fatalf("the output holds what is no message: %q (%v)", line, err)
	}
	return m, true
}

func (p *pipes) says(format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		p.t.Fatalf("%v: %s", err, p.errs)
	}
}

// begins says what every client of the old era says first.
func (p *pipes) begins() {
	p.t.Helper()
	p.says(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"by hand","version":"1"}}}`)
	if m, ok := p.hears(); !ok || m.Result["protocolVersion"] != "2025-11-25" {
		p.t.Fatalf("initialize: %v, %s", m, p.errs)
	}
	p.says(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
}

func (p *pipes) calls(id int, tool, arguments string) {
	p.t.Helper()
	p.says(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, tool, arguments)
}

// ends waits for the program's end and returns its exit code.
func (p *pipes) ends() int {
	p.t.Helper()
	done := make(chan struct{})
	go func() { _ = p.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("it does not end: %s", p.errs)
	}
	return p.ProcessState.ExitCode()
}
