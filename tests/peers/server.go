package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

// server is a shop that runs as a process of its own.
type server struct {
	name string
	dialect
	addr   string
	era    string
	tokens []string // one for each person

	process *exec.Cmd
	said    limited
	exited  chan struct{}
}

// start starts the program and waits until it asks who is calling.
func (s *server) start(ctx context.Context, program string, args ...string) error {
	s.process = exec.CommandContext(ctx, program, args...)
	s.process.Stderr, s.exited = &s.said, make(chan struct{})
	if err := s.process.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.process.Wait()
		close(s.exited)
	}()
	for began := time.Now(); !answers(s.addr); time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.exited:
			return fmt.Errorf("%s did not start: %s", s.name, &s.said)
		default:
		}
		if time.Since(began) > patience {
			s.stop()
			return fmt.Errorf("%s does not answer: %s", s.name, &s.said)
		}
	}
	return nil
}

// stop ends the process, gently at first.
func (s *server) stop() {
	_ = s.process.Process.Signal(os.Interrupt)
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
		_ = s.process.Process.Kill()
		<-s.exited
	}
}

// limited keeps the beginning of what is written to it.
type limited struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 4 << 10
	if room := most - l.kept.Len(); room > 0 {
		l.kept.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
