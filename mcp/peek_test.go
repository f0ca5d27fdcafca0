package mcp

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// FuzzPeek holds the peek against a full decoding: a check that reads another
// name than the one that runs is no check.
func FuzzPeek(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"checkout","arguments":{"name":"x"}}}`,
		`{"params":{"uri":"shop:\/\/orders\/1"},"method":"resources\u002fread","id":"a\"b"}`,
		`{"METHOD":"a","method":"b","params":{"Name":"c","name":"d"}}`,
		`{"method":1,"params":[{"name":"x"}]}`, `{"method":"a","method":"b"}`, ` { "id" : null , "x" : [ "]" , {} , 1.5e3 ] , "method" : "m" } `,
		`{"params":{"_meta":{"progressToken":0,"x":{"progressToken":[]}},"name":"a"}}`, `{"params":{"_meta":{"x":{"progressToken":1}}}}`, `{"params":{"_meta":["progressToken"]}}`,
		`{"params":{"name":"a","n\u0061me":"b"}}`, `[[[]]]`, `"x"`, `{"a":"\\","method":"m"}`, `{"":{"":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			peek(body) // must end without a panic all the same
			return
		}
		got := peek(body)
		if deep := depth(body) > maxDepth; got.deep != deep {
			t.Errorf("%q is deep: %t", body, got.deep)
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(body, &m) != nil || got.twice || repeats(body) {
			return
		}
		if want := str(m["method"]); got.method != want {
			t.Errorf("%q calls %q, seen as %q", body, want, got.method)
		}
		if !bytes.Equal(got.id, bytes.TrimSpace(m["id"])) {
			t.Errorf("%q has the id %q, seen as %q", body, m["id"], got.id)
		}
		var params map[string]json.RawMessage
		_ = json.Unmarshal(m["params"], &params)
		if name, uri := str(params["name"]), str(params["uri"]); got.name != name || got.uri != uri {
			t.Errorf("%q names %q and %q, seen as %q and %q", body, name, uri, got.name, got.uri)
		}
		var meta map[string]json.RawMessage
		_ = json.Unmarshal(params["_meta"], &meta)
		if follows := meta["progressToken"] != nil || meta["io.modelcontextprotocol/logLevel"] != nil; got.follows != follows {
			t.Errorf("%q follows: %t", body, got.follows)
		}
	})
}

// str is a JSON string's text, "" for anything else.
func str(raw json.RawMessage) (s string) {
	if len(raw) > 0 && raw[0] == '"' {
		_ = json.Unmarshal(raw, &s)
	}
	return s
}

// depth is how deep valid JSON nests.
func depth(body []byte) (most int) {
	d, now := json.NewDecoder(bytes.NewReader(body)), 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return most
		}
		if delim, ok := token.(json.Delim); ok {
			if delim == '{' || delim == '[' {
				now++
				most = max(most, now)
			} else {
				now--
			}
		}
		if err != nil {
			return most
		}
	}
}

// repeats is whether the outermost object or its params name something twice,
// where maps and the peek may differ.
func repeats(body []byte) bool {
	d, now, key := json.NewDecoder(bytes.NewReader(body)), 0, false
	seen := map[int]map[string]bool{}
	var open []bool // objects
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				now++
				open = append(open, v == '{')
				seen[now], key = map[string]bool{}, v == '{'
				continue
			}
			now--
			open = open[:now]
			key = now > 0 && open[now-1]
			continue
		case string:
			if key {
				if seen[now][v] {
					return true
				}
				seen[now][v], key = true, false
				continue
			}
		}
		key = now > 0 && open[now-1]
	}
}

func TestPeekEndsOnWhatIsNoJSON(t *testing.T) {
	for _, body := range []string{"", "{", `{"`, `{"method"`, `{"method":`, `{"method":"x`, `{"params":{"name":`, "}", `{"a" "b"}`, `{"a":}`, strings.Repeat("{", 1000), `{]`, `{"x":]`, `{"a\`, `{"a"`, `{"params":{"name`} {
		peek([]byte(body))
	}
}
