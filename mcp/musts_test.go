package mcp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What tests/testdata/musts.tsv names and no other test shows, as raw requests.

// without is a modern message that lacks a member of its _meta.
func without(body []byte, member string) []byte {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		panic(err)
	}
	delete(m["params"].(map[string]any)["_meta"].(map[string]any), "io.modelcontextprotocol/"+member)
	return encode(m)
}

// changed is a header of them set anew, or taken away.
func changed(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	if value == "" {
		h.Del(name)
	}
	return h
}

// TestHeadersAgainstTheBody: a modern request says twice what it is, and both must
// say the same.
func TestHeadersAgainstTheBody(t *testing.T) {
	s := newShop(t)
	list, headers := modernBody("tools/list", "", nil), modernHeaders("tools/list", "")
	call, named := modernBody("tools/call", "view_cart", nil), modernHeaders("tools/call", "view_cart")
	later := []byte(strings.ReplaceAll(string(list), string(modernEra), "2099-01-01"))
	bare := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	for name, c := range map[string]struct {
		body         []byte
		headers      http.Header
		status, code int
	}{
		"all is right":                 {list, headers, 200, 0},
		"no _meta":                     {bare, headers, 400, invalidParams},
		"no version in _meta":          {without(list, "protocolVersion"), headers, 400, invalidParams},
		"no capabilities":              {without(list, "clientCapabilities"), headers, 400, invalidParams},
		"no client's name":             {without(list, "clientInfo"), headers, 200, 0}, // a SHOULD
		"no version in the header":     {list, changed(headers, "Mcp-Protocol-Version", ""), 400, -32020},
		"an older one in the header":   {list, changed(headers, "Mcp-Protocol-Version", "2025-11-25"), 400, -32020},
		"a later one in the header":    {list, changed(headers, "Mcp-Protocol-Version", "2099-01-01"), 400, -32020},
		"a later one in _meta":         {later, headers, 400, -32020},
		"a later one in both":          {later, changed(headers, "Mcp-Protocol-Version", "2099-01-01"), 400, -32022},
		"no method in the header":      {list, changed(headers, "Mcp-Method", ""), 400, -32020},
		"another method":               {list, changed(headers, "Mcp-Method", "prompts/list"), 400, -32020},
		"the method in another case":   {list, changed(headers, "Mcp-Method", "Tools/List"), 400, -32020},
		"no name":                      {call, changed(named, "Mcp-Name", ""), 400, -32020},
		"another name":                 {call, changed(named, "Mcp-Name", "clear_cart"), 400, -32020},
		"no URI":                       {modernBody("resources/read", "shop://products/2", nil), modernHeaders("resources/read", ""), 400, -32020},
		"another URI":                  {modernBody("resources/read", "shop://products/2", nil), modernHeaders("resources/read", "shop://products/1"), 400, -32020},
		"the URI":                      {modernBody("resources/read", "shop://products/2", nil), modernHeaders("resources/read", "shop://products/2"), 200, 0},
		"no prompt":                    {modernBody("prompts/get", "find_a_gift", nil), modernHeaders("prompts/get", ""), 400, -32020},
		"another prompt":               {modernBody("prompts/get", "find_a_gift", nil), modernHeaders("prompts/get", "order_status"), 400, -32020},
		"a method that is not there":   {modernBody("nope", "", nil), modernHeaders("nope", ""), 404, methodNotFound},
		"a method that was taken away": {modernBody("ping", "", nil), modernHeaders("ping", ""), 404, methodNotFound},
		"initialize":                   {modernBody("initialize", "", nil), modernHeaders("initialize", ""), 404, methodNotFound},
		"logging/setLevel":             {modernBody("logging/setLevel", "", nil), modernHeaders("logging/setLevel", ""), 404, methodNotFound},
		"resources/subscribe":          {modernBody("resources/subscribe", "", nil), modernHeaders("resources/subscribe", ""), 404, methodNotFound},
	} {
		res, body := send(t, s.request(t, c.body, c.headers))
		if code, _ := rpcError(body); res.StatusCode != c.status || code != c.code || !strings.Contains(body, `"id":1`) || res.Header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: %d %d %s", name, res.StatusCode, code, clip(body, 300))
		}
	}
	var refused struct {
		Error struct {
			Data struct {
				Supported []string
				Requested string
			}
		}
	}
	s.post(t, later, changed(headers, "Mcp-Protocol-Version", "2099-01-01"), 400, &refused)
	if d := refused.Error.Data; d.Requested != "2099-01-01" || !slices.Contains(d.Supported, string(modernEra)) || !slices.Contains(d.Supported, "2024-11-05") {
		t.Errorf("an unsupported version is told %+v", d)
	}
}

// TestNoticesAreTaken with 202 and without a word, known or not.
func TestNoticesAreTaken(t *testing.T) {
	s := newShop(t)
	session := s.legacyHeaders(s.session(t, "alice"))
	for _, method := range []string{"notifications/cancelled", "notifications/initialized", "notifications/roots/list_changed", "notifications/of/our/own"} {
		notice := encode(map[string]any{"jsonrpc": "2.0", "method": method, "params": map[string]any{"requestId": 77}})
		for name, headers := range map[string]http.Header{"in a session": session, "alone": nil} {
			if res, body := send(t, s.request(t, notice, headers)); res.StatusCode != 202 || body != "" {
				t.Errorf("%s %s: %d %s", method, name, res.StatusCode, body)
			}
		}
	}
	for _, method := range []string{"notifications/cancelled", "notifications/of/our/own"} {
		var m map[string]any
		_ = json.Unmarshal(modernBody(method, "", nil), &m)
		delete(m, "id")
		if res, body := send(t, s.request(t, encode(m), modernHeaders(method, ""))); res.StatusCode != 202 || body != "" {
			t.Errorf("%s in the new era: %d %s", method, res.StatusCode, body)
		}
	}
}

// TestAnAnswerHasTheIDOfItsQuestion, as it was written, or the question is refused.
func TestAnAnswerHasTheIDOfItsQuestion(t *testing.T) {
	s := newShop(t)
	for id, taken := range map[string]bool{
		`1`: true, `-7`: true, `"x"`: true, `""`: true, `"1"`: true, `9007199254740991`: true, `2.0`: true,
		`1.5`: false, `9007199254740993`: false, `null`: false, `true`: false, `{}`: false, `[1]`: false,
	} {
		for _, e := range []era{modernEra, legacyEra} {
			body, headers := modernBody("tools/list", "", nil), modernHeaders("tools/list", "")
			if e == legacyEra {
				body, headers = []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`), nil
			}
			res, got := send(t, s.request(t, []byte(strings.Replace(string(body), `"id":1`, `"id":`+id, 1)), headers))
			var m struct{ ID json.RawMessage }
			_ = json.Unmarshal([]byte(got), &m)
			same := string(m.ID) == strings.TrimSuffix(id, ".0")
			if code, _ := rpcError(got); taken && (res.StatusCode != 200 || !same) || !taken && (res.StatusCode != 400 || code != invalidRequest || string(m.ID) != "null") {
				t.Errorf("%s, id %s: %d %s", e, id, res.StatusCode, clip(got, 200))
			}
		}
	}
}

// TestEveryResultOfTheNewEraSaysWhatItIs: its type and its server; those that may be
// kept say for how long and for whom.
func TestEveryResultOfTheNewEraSaysWhatItIs(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		method, name string
		kept         bool
	}{
		{"server/discover", "", true}, {"tools/list", "", true}, {"prompts/list", "", true}, {"resources/list", "", true}, {"resources/templates/list", "", true},
		{"resources/read", "shop://products/2", true}, {"tools/call", "view_cart", false}, {"tools/call", "checkout", false}, {"prompts/get", "find_a_gift", false},
	} {
		body := modernBody(c.method, c.name, nil)
		if c.method == "prompts/get" {
			body = modernBody(c.method, c.name, args{"recipient": "a cat", "for": "a cat", "budget": "20"})
		}
		_, got := send(t, s.request(t, body, modernHeaders(c.method, c.name)))
		var m struct{ Result map[string]any }
		if err := json.Unmarshal([]byte(got), &m); err != nil || m.Result == nil {
			t.Errorf("%s %s: %s", c.method, c.name, clip(got, 300))
			continue
		}
		meta, _ := m.Result["_meta"].(map[string]any)
		server, _ := meta["io.modelcontextprotocol/serverInfo"].(map[string]any)
		ttl, timed := m.Result["ttlMs"].(float64)
		if m.Result["resultType"] != "complete" || server["name"] != "till" || timed != c.kept || ttl < 0 || c.kept && m.Result["cacheScope"] != "private" {
			t.Errorf("%s %s says %v", c.method, c.name, clip(got, 300))
		}
	}
	var found struct {
		Result struct {
			SupportedVersions []string
			Capabilities      map[string]any
			Instructions      string
		}
	}
	s.post(t, modernBody("server/discover", "", nil), modernHeaders("server/discover", ""), 200, &found)
	if want := []string{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}; !slices.Equal(found.Result.SupportedVersions, want) || found.Result.Capabilities["tools"] == nil || found.Result.Instructions == "" {
		t.Errorf("it discovers %+v", found.Result)
	}
}

// TestInitializeIsAnsweredWhateverIsAsked: with the version asked for, or the newest
// that has an initialize.
func TestInitializeIsAnsweredWhateverIsAsked(t *testing.T) {
	s := newShop(t)
	for asked, spoken := range map[string]string{
		"2024-11-05": "2024-11-05", "2025-03-26": "2025-03-26", "2025-06-18": "2025-06-18", "2025-11-25": "2025-11-25",
		"2026-07-28": "2025-11-25", "2099-01-01": "2025-11-25", "1999-01-01": "2025-11-25", "banana": "2025-11-25", "": "2025-11-25",
	} {
		for _, header := range []string{"", "2025-06-18"} {
			var m struct {
				Result struct {
					ProtocolVersion string
					ResultType      string
				}
			}
			body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":%q,"capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`, asked)
			res := s.post(t, []byte(body), changed(http.Header{}, "Mcp-Protocol-Version", header), 200, &m)
			if m.Result.ProtocolVersion != spoken || m.Result.ResultType != "" || !isSession(res.Header.Get("Mcp-Session-Id")) {
				t.Errorf("%q is answered with %+v, session %q", asked, m.Result, res.Header.Get("Mcp-Session-Id"))
			}
		}
	}
}

// TestASessionFromBeginningToEnd: what the old eras want of one.
func TestASessionFromBeginningToEnd(t *testing.T) {
	s := newShop(t)
	id := s.session(t, "alice")
	other := s.session(t, "alice")
	list := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	for name, c := range map[string]struct {
		session, version string
		status           int
	}{
		"its version":             {id, "2025-11-25", 200},
		"none is 2025-03-26":      {id, "", 200},
		"an older one":            {id, "2025-06-18", 200},
		"one that never was":      {id, "2025-01-01", 400},
		"no session ever":         {"AAAABBBBCCCCDDDDEEEEFFFFGG"[:25], "2025-11-25", 404},
		"no session and a secret": {"' OR 1=1", "", 404},
	} {
		headers := changed(changed(http.Header{}, "Mcp-Session-Id", c.session), "Mcp-Protocol-Version", c.version)
		if res, body := send(t, s.request(t, list, headers)); res.StatusCode != c.status {
			t.Errorf("%s: %d %s", name, res.StatusCode, clip(body, 200))
		}
	}
	// A batch was lawful once. Nobody sends one, and a check of one message would not
	// see the others.
	if res, body := send(t, s.request(t, []byte("["+string(list)+"]"), http.Header{"Mcp-Session-Id": {id}})); res.StatusCode != 400 || !strings.Contains(body, "request of its own") {
		t.Errorf("a batch: %d %s", res.StatusCode, body)
	}
	end := func(token string) int {
		r := s.request(t, nil, s.legacyHeaders(id))
		r.Method = http.MethodDelete
		r.Header.Set("Authorization", "Bearer "+token)
		res, _ := send(t, r)
		return res.StatusCode
	}
	if status := end("bob"); status != 403 {
		t.Errorf("a stranger ends it with %d", status)
	}
	if status := end("alice"); status != 204 {
		t.Errorf("its end: %d", status)
	}
	for session, status := range map[string]int{id: 404, other: 200} {
		if res, body := send(t, s.request(t, list, s.legacyHeaders(session))); res.StatusCode != status {
			t.Errorf("after the end of one: %d %s", res.StatusCode, clip(body, 200))
		}
	}
}

// TestWhatIsNotThereIsTheProtocolsError, and what a tool refuses is not.
func TestWhatIsNotThereIsTheProtocolsError(t *testing.T) {
	s := newShop(t)
	session := s.legacyHeaders(s.session(t, "alice"))
	for _, c := range []struct {
		method, name string
		more         string
	}{
		{"tools/call", "no_such_tool", ""}, {"prompts/get", "no_such_prompt", ""}, {"resources/read", "shop://products/no-such", ""}, {"resources/read", "file:///etc/passwd", ""},
		{"resources/read", "::", ""}, {"tools/list", "", `"cursor":"!!",`}, {"prompts/list", "", `"cursor":"AAAA",`}, {"resources/templates/list", "", `"cursor":"x",`},
	} {
		body := []byte(strings.Replace(string(modernBody(c.method, c.name, nil)), `"_meta":`, c.more+`"_meta":`, 1))
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			t.Fatal(err)
		}
		delete(m["params"].(map[string]any), "_meta")
		for name, r := range map[string]*http.Request{"new": s.request(t, body, modernHeaders(c.method, c.name)), "old": s.request(t, encode(m), session)} {
			res, got := send(t, r)
			if code, _ := rpcError(got); code != invalidParams || strings.Contains(got, `"contents"`) || res.StatusCode != map[string]int{"new": 400, "old": 200}[name] {
				t.Errorf("%s %s, %s era: %d %s", c.method, c.name, name, res.StatusCode, clip(got, 200))
			}
		}
	}
	for _, r := range []*http.Request{s.request(t, modernBody("tools/call", "get_product", args{"product": "nope"}), modernHeaders("tools/call", "get_product")),
		s.request(t, legacyCall("get_product", args{"quantity": -1}), session)} {
		if res, got := send(t, r); res.StatusCode != 200 || !strings.Contains(got, `"isError":true`) {
			t.Errorf("a tool's refusal: %d %s", res.StatusCode, clip(got, 200))
		}
	}
}

// TestTheListIsTheSameEveryTime, for everybody with the same rights.
func TestTheListIsTheSameEveryTime(t *testing.T) {
	s := newShop(t)
	first := ""
	for i, token := range []string{"alice", "alice", "bob"} {
		r := s.request(t, modernBody("tools/list", "", nil), modernHeaders("tools/list", ""))
		r.Header.Set("Authorization", "Bearer "+token)
		if _, got := send(t, r); i == 0 {
			first = got
		} else if got != first || !strings.Contains(got, `"view_cart"`) {
			t.Errorf("%s gets another list", token)
		}
	}
}

// TestListeningBeginsWithItsAcknowledgement and names itself in what it says.
func TestListeningBeginsWithItsAcknowledgement(t *testing.T) {
	s := newShop(t)
	body := []byte(strings.Replace(string(modernBody("subscriptions/listen", "", nil)), `"_meta":`, `"notifications":{"toolsListChanged":true},"_meta":`, 1))
	r := s.request(t, body, modernHeaders("subscriptions/listen", ""))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	piece := make([]byte, 4096)
	n, _ := res.Body.Read(piece)
	if got := string(piece[:n]); res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(got, "notifications/subscriptions/acknowledged") || !strings.Contains(got, "subscriptionId") {
		t.Errorf("%d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), got)
	}
}

// TestCodesStayInTheirRanges: those of JSON-RPC and of 2026-07-28, none that clients
// of other versions read otherwise.
func TestCodesStayInTheirRanges(t *testing.T) {
	s := newShop(t)
	lawful := []int{0, parseError, invalidRequest, methodNotFound, invalidParams, internalError, -32020, -32021, -32022}
	session := s.legacyHeaders(s.session(t, "alice"))
	bodies := []string{
		"", "{", "[]", "1", `{"jsonrpc":"2.0","id":1}`, `{"jsonrpc":"2.0","id":1,"method":"nope"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nope"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"shop://products/nope"}}`, `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":7}}`,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read"}`, `{"jsonrpc":"2.0","id":1,"method":"prompts/get"}`, `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"nope"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}`, `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"nope"},"argument":{"name":"a","value":"b"}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"initialize"}`, `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"loud"}}`, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"shop://cart"}}`,
		string(modernBody("nope", "", nil)), string(modernBody("tools/call", "nope", nil)), string(modernBody("resources/read", "shop://orders/1", nil)), string(modernBody("subscriptions/listen", "", 1)),
	}
	for _, body := range bodies {
		for _, headers := range []http.Header{nil, session, changed(session, "Mcp-Session-Id", "gone"), modernHeaders("tools/call", "nope"), modernHeaders("nope", "")} {
			if strings.Contains(body, "listen") && len(headers["Mcp-Method"]) > 0 {
				continue // it would last
			}
			_, got := send(t, s.request(t, []byte(body), headers))
			if code, _ := rpcError(got); !slices.Contains(lawful, code) || code == 0 && strings.Contains(got, `"error"`) {
				t.Errorf("%s gets %s", body, clip(got, 200))
			}
		}
	}
}
