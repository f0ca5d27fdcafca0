package mcp

import (
	"net/http"
	"strings"
	"testing"
)

// TestAPromptsArgumentsAreTexts: another kind of value is named as what is wrong, in both
// eras, in no words of the program and without all that was sent.
func TestAPromptsArgumentsAreTexts(t *testing.T) {
	s := newShop(t)
	for name, headers := range map[string]http.Header{
		"new": modernHeaders("prompts/get", "find_a_gift"), "old": s.legacyHeaders(s.session(t, "alice")), "without a session": {},
	} {
		for arguments, fine := range map[string]bool{
			`{"budget":5}`: false, `{"budget":["5"]}`: false, `{"recipient":"` + strings.Repeat("x", 5000) + `","budget":true}`: false, `[]`: false, `"5"`: false,
			`{"budget":"5"}`: true, `{}`: true, `null`: true, `{"budget":null}`: true,
		} {
			body := `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"find_a_gift","arguments":` + arguments + `}}`
			if name == "new" {
				body = strings.Replace(string(modernBody("prompts/get", "find_a_gift", nil)), `"_meta":`, `"arguments":`+arguments+`,"_meta":`, 1)
			}
			_, got := send(t, s.request(t, []byte(body), headers))
			code, message := rpcError(got)
			if fine && code != 0 || !fine && (code != invalidParams || !strings.Contains(message, "texts") || strings.Contains(message, "mcp.") || len(message) > 300) {
				t.Errorf("%s, %.60s: %.300s", name, arguments, got)
			}
		}
	}
}
