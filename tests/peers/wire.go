package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// Protocol versions: the newest, and the newest with sessions.
const (
	modern = "2026-07-28"
	legacy = "2025-11-25"
)

// wire is one kept-alive connection over which one client calls tools. It writes
// and reads HTTP itself: Go's own client would take as much of the processors as
// a fast server, and they share them.
type wire struct {
	addr, token, era string
	session          string // in the older era
	id               int
	conn             net.Conn
	in               *bufio.Reader
	out, body        []byte
}

// patience is how long an answer may take.
const patience = time.Minute

// dial connects and, in the era that has them, opens a session.
func dial(addr, token, era string) (*wire, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	w := &wire{addr: addr, token: token, era: era, conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}
	if era == modern {
		return w, nil
	}
	hello := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + era + `","capabilities":{},"clientInfo":{"name":"peers","version":"1"}}}`
	if _, err := w.post("initialize", "", []byte(hello)); err != nil {
		return nil, err
	}
	_, err = w.post("notifications/initialized", "", []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
	return w, err
}

func (w *wire) close() { _ = w.conn.Close() }

// call calls a tool and returns the body of the answer, which is good until the
// next call. It refuses what says that it went wrong.
func (w *wire) call(tool, arguments string) ([]byte, error) {
	w.id++
	b := append(w.body[:0], `{"jsonrpc":"2.0","id":`...)
	b = strconv.AppendInt(b, int64(w.id), 10)
	b = append(b, `,"method":"tools/call","params":{"name":"`...)
	b = append(append(b, tool...), `","arguments":`...)
	b = append(b, arguments...)
	if w.era == modern {
		b = append(b, `,"_meta":{"io.modelcontextprotocol/protocolVersion":"`+modern+`","io.modelcontextprotocol/clientCapabilities":{}}`...)
	}
	w.body = append(b, "}}"...)
	answer, err := w.post("tools/call", tool, w.body)
	if err == nil && (!bytes.Contains(answer, []byte(`"structuredContent":`)) || bytes.Contains(answer, []byte(`"isError":true`))) {
		err = fmt.Errorf("%s %s is answered %.500s", tool, arguments, answer)
	}
	return answer, err
}

func (w *wire) post(method, name string, body []byte) ([]byte, error) {
	b := append(w.out[:0], "POST /mcp HTTP/1.1\r\nHost: "...)
	b = append(b, w.addr...)
	b = append(b, "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nAuthorization: Bearer "...)
	b = append(b, w.token...)
	if method != "initialize" {
		b = append(append(b, "\r\nMcp-Protocol-Version: "...), w.era...)
	}
	if w.session != "" {
		b = append(append(b, "\r\nMcp-Session-Id: "...), w.session...)
	}
	if w.era == modern {
		b = append(append(append(append(b, "\r\nMcp-Method: "...), method...), "\r\nMcp-Name: "...), name...)
	}
	b = strconv.AppendInt(append(b, "\r\nContent-Length: "...), int64(len(body)), 10)
	w.out = append(append(b, "\r\n\r\n"...), body...)
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return nil, err
	}
	return w.read(method)
}

// read takes in one answer.
func (w *wire) read(method string) ([]byte, error) {
	status, err := w.line()
	if err != nil {
		return nil, err
	}
	length, chunked := 0, false
	ok := strings.Contains(status, " 200 ") || strings.Contains(status, " 202 ")
	for {
		line, err := w.line()
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(key, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return nil, err
			}
		case strings.EqualFold(key, "Transfer-Encoding"):
			chunked = value == "chunked"
		case strings.EqualFold(key, "Mcp-Session-Id"):
			w.session = value
		}
	}
	var body []byte
	if chunked {
		if body, err = io.ReadAll(httputil.NewChunkedReader(w.in)); err == nil {
			_, err = w.line() // which ends the chunks
		}
	} else {
		body = make([]byte, length)
		_, err = io.ReadFull(w.in, body)
	}
	if err == nil && !ok {
		err = fmt.Errorf("%s is answered %s: %.500s", method, status, body)
	}
	return body, err
}

func (w *wire) line() (string, error) {
	line, err := w.in.ReadSlice('\n')
	return string(bytes.TrimRight(line, "\r\n")), err
}

// answers is whether a server listens there.
func answers(addr string) bool {
	resp, err := http.Post("http://"+addr+"/mcp", "application/json", nil)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err == nil && resp.StatusCode == http.StatusUnauthorized
}
