package projections

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// maxCursor bounds what is decoded as a cursor, in bytes.
const maxCursor = 1024

// cursor says where a page ended: the keys of its last row. The scope is all
// that makes the query what it is, so that a cursor of another query is told
// apart, and one that lost or changed a character on its way. It is no secret:
// what a person may see never follows from a cursor.
func cursor(kind, scope string, keys ...any) string {
	parts := make([]json.RawMessage, len(keys))
	for i, key := range keys {
		var err error
		if parts[i], err = json.Marshal(key); err != nil {
			return "" // keys are texts, numbers and lists of them
		}
	}
	text := fmt.Appendf(nil, "[%q,%q", kind, scopeHash(scope, parts))
	for _, part := range parts {
		text = append(append(text, ','), part...)
	}
	return base64.RawURLEncoding.EncodeToString(append(text, ']'))
}

// uncursor reads the keys back, or returns ErrCursor.
func uncursor(text, kind, scope string, keys ...any) error {
	if len(text) > maxCursor {
		return ErrCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return ErrCursor
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) != len(keys)+2 {
		return ErrCursor
	}
	var k, s string
	if json.Unmarshal(parts[0], &k) != nil || k != kind || json.Unmarshal(parts[1], &s) != nil || s != scopeHash(scope, parts[2:]) {
		return ErrCursor
	}
	for i, key := range keys {
		if string(parts[i+2]) == "null" || json.Unmarshal(parts[i+2], key) != nil {
			return ErrCursor
		}
	}
	return nil
}

func scopeHash(scope string, keys []json.RawMessage) string {
	h := sha256.New()
	h.Write([]byte(scope))
	for _, key := range keys {
		h.Write([]byte{0})
		h.Write(key)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:6])
}
