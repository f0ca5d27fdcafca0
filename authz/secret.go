package authz

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// keys are the subkeys of the shop's secret, one for each use (RFC 5869), so
// that what is proven for one use proves nothing for another.
type keys struct {
	token       []byte // marks the tokens that we issued
	login       []byte // turns login names into bucket keys
	client      []byte // turns client metadata into client ids
	form        []byte // binds a form to its browser
	transaction cipher.AEAD
	people      cipher.AEAD // wraps people's keys
	invitation  cipher.AEAD
	link        []byte // turns logins at a provider into bucket keys
	proof       []byte // makes nonce and verifier of such a login
	upstream    cipher.AEAD
	passkey     cipher.AEAD // seals what authenticators are asked
	challenge   []byte      // turns a challenge into the id of its session
}

func newKeys(secret []byte) (keys, error) {
	if len(secret) != 32 {
		return keys{}, fmt.Errorf("authz: the secret must be 32 random bytes, not %d", len(secret))
	}
	derive := func(use string) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "till authz "+use+" v1", 32)
		if err != nil {
			panic(err) // only for impossible lengths
		}
		return key
	}
	seal := func(use string) cipher.AEAD {
		block, err := aes.NewCipher(derive(use))
		if err != nil {
			panic(err) // only for impossible lengths
		}
		gcm, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			panic(err)
		}
		return gcm
	}
	return keys{
		token: derive("token"), login: derive("login"), client: derive("client"), form: derive("form"),
		transaction: seal("transaction"), people: seal("people"),
		invitation: seal("invitation"), passkey: seal("passkey"), challenge: derive("challenge"),
		link: derive("openid link"), proof: derive("openid proof"), upstream: seal("openid state"),
	}, nil
}

// mac is HMAC-SHA256 over the parts, told apart by zero bytes.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.Join(parts, "\x00")))
	return h.Sum(nil)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// random returns n random bytes in base64url.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b64(b)
}

var errUnsealed = errors.New("authz: not sealed by this shop for this browser")

// seal encrypts v for the bearer of bound, in base64url.
func seal(gcm cipher.AEAD, v any, bound string) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return b64(gcm.Seal(nil, nil, text, []byte(bound))), nil
}

// unseal is the opposite of seal.
func unseal(gcm cipher.AEAD, sealed string, v any, bound string) error {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return errUnsealed
	}
	text, err := gcm.Open(nil, nil, data, []byte(bound))
	if err != nil {
		return errUnsealed
	}
	return json.Unmarshal(text, v)
}

// unbase reads JSON in base64url.
func unbase(text string, v any) error {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
