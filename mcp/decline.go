package mcp

import (
	"bufio"
	"io"
	"time"
)

// patience is how long a client has to ask, whose shop cannot be opened.
const patience = 2 * time.Second

// Decline tells a client at the other end of two streams why there is no shop for
// it, as the error of what it asks first. Clients show that, while of a program
// that only ends they say that the connection was closed. It returns when the
// input has ended or the client has had its time.
func Decline(in io.Reader, out io.Writer, why string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := bufio.NewReader(in); ; {
			l, err := nextLine(r)
			var q Request
			if l.fault == nil && q.look(l.data) == nil && q.Method != "" && q.id != nil {
				if _, err := out.Write(append(encode(errorAnswer(q.id, internalError, why)), '\n')); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
