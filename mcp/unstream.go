package mcp

import (
	"bytes"
	"net/http"
	"strconv"
)

// unstream answers with plain JSON where the SDK opens an event stream only to
// send the one answer: streams are held back by proxies and not understood by
// some clients. As soon as anything else comes first (a question to the person,
// progress) it is the stream that it was.
func unstream(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		takes := Needs(r).accepts
		if r.Method != http.MethodPost || takes == onlyStream {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&single{ResponseWriter: w, jsonOnly: takes == onlyJSON}, r)
	})
}

// single looks at the first event of a stream. The SDK writes each event with
// one Write, from one goroutine at a time.
type single struct {
	http.ResponseWriter
	jsonOnly bool // the client would not understand a stream
	started  bool
	dropping bool
	whole    bool // the answer is written; the end of the handler sends it
}

// Unwrap lets http.ResponseController reach Flush.
func (s *single) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// FlushError holds back nothing that was written; before the first event there
// is nothing, and what a client that takes no stream was not told stays untold.
func (s *single) FlushError() error {
	if !s.started || s.dropping || s.whole {
		return nil
	}
	return http.NewResponseController(s.ResponseWriter).Flush()
}

func (s *single) WriteHeader(status int) {
	s.started = true
	s.ResponseWriter.WriteHeader(status)
}

func (s *single) Write(b []byte) (int, error) {
	if s.started || s.Header().Get("Content-Type") != "text/event-stream" {
		s.started = true
		return s.ResponseWriter.Write(b)
	}
	data, ok := answerOf(b)
	if !ok {
		if s.jsonOnly {
			s.dropping = true
			return len(b), nil
		}
		s.started = true
		return s.ResponseWriter.Write(b)
	}
	s.started, s.dropping, s.whole = true, false, true
	h := s.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	h.Del("Connection")
	if _, err := s.ResponseWriter.Write(data); err != nil {
		return 0, err
	}
	return len(b), nil
}

// answerOf returns the JSON-RPC response that an event holds: an object with a
// result or an error. The SDK's events have one line of data.
func answerOf(event []byte) ([]byte, bool) {
	_, data, ok := bytes.Cut(event, []byte("data: "))
	if !ok {
		return nil, false
	}
	data = bytes.TrimRight(data, "\n")
	p := peek(data)
	return data, p.method == "" && p.id != nil
}
