package cmd

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// strangeScript is whether the page has a script that its policy does not name. The
// login page may have one, for passkeys; a browser runs no other.
func strangeScript(page, policy string) bool {
	for {
		_, rest, ok := strings.Cut(page, "<script")
		if !ok {
			return false
		}
		text, rest, ok := strings.Cut(rest, "</script>")
		text, plain := strings.CutPrefix(text, ">")
		sum := sha256.Sum256([]byte(text))
		if !ok || !plain || !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			return true
		}
		page = rest
	}
}
