package mcp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// sealer is a key under which state goes to the client and comes back: who holds
// it could write anything into it (2026-07-28, multi round-trip requests). What a
// state is bound to does not travel; it is not opened for anything else.
type sealer string

func (s sealer) mac(text string, bound []string) string {
	h := hmac.New(sha256.New, []byte(s))
	fmt.Fprintf(h, "request state %q %q", bound, text)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (s sealer) seal(text string, bound ...string) string { return text + "." + s.mac(text, bound) }

// open is the sealed text, false for what was not sealed so.
func (s sealer) open(state string, bound ...string) (text string, ok bool) {
	dot := strings.LastIndexByte(state, '.')
	if dot < 0 || !hmac.Equal([]byte(state[dot+1:]), []byte(s.mac(state[:dot], bound))) {
		return "", false
	}
	return state[:dot], true
}
