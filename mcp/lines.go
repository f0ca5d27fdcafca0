package mcp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// line is what came as one, or why it cannot be taken.
type line struct {
	data  []byte
	fault *fault
}

// take reads lines until the input ends. It may stay behind in a read when the
// program is told to stop: nothing portable ends that.
func (t *talk) take(in io.Reader) {
	defer close(t.lines)
	for r := bufio.NewReaderSize(in, 32<<10); ; {
		l, err := nextLine(r)
		if l.fault != nil || len(bytes.TrimSpace(l.data)) > 0 {
			select {
			case t.lines <- l:
			case <-t.closed:
				return
			case <-t.over:
				return
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Logger.Warn("the input broke off", "error", err)
			}
			return
		}
	}
}

// nextLine returns the next line. Of one that is too long nothing is kept: its rest
// is read over, so that the next line is a line again.
func nextLine(r *bufio.Reader) (line, error) {
	var l line
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case l.fault != nil:
		case len(l.data)+len(part) > maxBody+1: // the line's end does not count
			l = line{fault: &fault{code: invalidRequest, message: fmt.Sprintf("the line is longer than the %d KiB that this shop takes; send fewer or shorter arguments", maxBody>>10)}}
		default:
			l.data = append(l.data, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l, err
		}
	}
}

// inLines words for a line what is said of the body of a request.
func inLines(message string) string {
	return strings.NewReplacer("the body", "the line", "in a request of its own", "in a line of its own").Replace(message)
}
