package authz

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"till/domain/grant"
)

// kind is the first word of a code's or token's text.
type kind string

const (
	codeKind    kind = "ac"
	accessKind  kind = "at"
	refreshKind kind = "rt"
)

const (
	idLength     = 22 // 128 bits in base64url
	secretLength = 43 // 256 bits in base64url
	markLength   = 8  // bytes of the secret that are our mark
	// maxToken bounds what is looked at at all.
	maxToken = 3 + idLength + 1 + 9 + 1 + secretLength
)

// text is a code or token taken apart: "at_<grant>.<generation>.<secret>".
// The grant and the generation are public and make the lookup one map access.
// The secret is 24 random bytes and 8 bytes of MAC: the mark, by which an old
// token can be told from a guess although its hash is no longer kept, and a
// guess never costs a read of the log.
type text struct {
	kind       kind
	grant      string
	generation int
	secret     string
}

var errToken = errors.New("authz: not a token of this shop")

// parseText takes a token apart, strictly: what passes is safe in a subject.
func parseText(s string) (text, error) {
	if len(s) > maxToken || len(s) < 3+idLength+1+1+1+secretLength || s[2] != '_' {
		return text{}, errToken
	}
	t := text{kind: kind(s[:2])}
	if t.kind != codeKind && t.kind != accessKind && t.kind != refreshKind {
		return text{}, errToken
	}
	rest := s[3:]
	t.grant, rest = rest[:idLength], rest[idLength:]
	end := len(rest) - secretLength - 1
	if rest[0] != '.' || rest[end] != '.' || !base64url(t.grant) {
		return text{}, errToken
	}
	t.secret = rest[end+1:]
	generation, err := strconv.Atoi(rest[1:end])
	if err != nil || !base64url(t.secret) || strconv.Itoa(generation) != rest[1:end] || generation < 0 {
		return text{}, errToken
	}
	t.generation = generation
	return t, nil
}

func base64url(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// String is the text as the client gets it.
func (t text) String() string {
	return string(t.kind) + "_" + t.grant + "." + strconv.Itoa(t.generation) + "." + t.secret
}

// hash is what the log keeps. The generation is not in it, since it is settled
// only when the grant decides; the secret is new for each generation.
func (t text) hash() grant.Hash {
	var buf [3 + idLength + 1 + secretLength]byte
	b := append(buf[:0], t.kind...)
	b = append(b, '_')
	b = append(b, t.grant...)
	b = append(b, '.')
	b = append(b, t.secret...)
	sum := sha256.Sum256(b)
	var out [secretLength]byte
	base64.RawURLEncoding.Encode(out[:], sum[:])
	return grant.Hash(out[:])
}

// mint returns a new code or token of the grant, its generation still open.
func (k keys) mint(of kind, grantID string) text {
	var secret [32]byte
	rand.Read(secret[:32-markLength])
	copy(secret[32-markLength:], k.mark(of, grantID, secret[:32-markLength]))
	return text{kind: of, grant: grantID, secret: b64(secret[:])}
}

// ours is whether the token carries our mark.
func (k keys) ours(t text) bool {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(t.secret)
	if err != nil || len(secret) != 32 {
		return false
	}
	return subtle.ConstantTimeCompare(secret[32-markLength:], k.mark(t.kind, t.grant, secret[:32-markLength])) == 1
}

func (k keys) mark(of kind, grantID string, secret []byte) []byte {
	h := hmac.New(sha256.New, k.token)
	h.Write([]byte(of))
	h.Write([]byte(grantID))
	h.Write(secret)
	return h.Sum(nil)[:markLength]
}

// printable returns s without what is not printable ASCII.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 32 || r > 126 {
			return -1
		}
		return r
	}, s)
}

// shorten cuts s to at most n runes.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
