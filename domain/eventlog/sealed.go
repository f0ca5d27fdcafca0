package eventlog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
)

// Sealed is personal text inside an event, encrypted (AES-256-GCM) under a key
// that belongs to one person. Destroying the key erases the text everywhere,
// backups included, without touching the log.
type Sealed struct {
	Of   string `json:"of"`   // the person, as their random id
	Data []byte `json:"data"` // nonce, ciphertext and tag
}

// ErrErased: the key that sealed the text is gone, and so is the text.
var ErrErased = errors.New("eventlog: erased")

// SealKeySize is the length of a person's key in bytes.
const SealKeySize = 32

// Seal encrypts text for the person under their key. The nonce follows from
// key and text (a synthetic IV as in RFC 5297), so that the domain needs no
// randomness; it only shows that one person's two texts are equal.
func Seal(key []byte, of, text string) (Sealed, error) {
	gcm, err := aead(key)
	if err != nil {
		return Sealed{}, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("nonce\x00" + of + "\x00" + text))
	nonce := mac.Sum(nil)[:gcm.NonceSize()]
	return Sealed{Of: of, Data: gcm.Seal(nonce, nonce, []byte(text), []byte(of))}, nil
}

// Open decrypts the text. It returns ErrErased when key is nil or not the one
// that sealed it.
func (s Sealed) Open(key []byte) (string, error) {
	if key == nil {
		return "", ErrErased
	}
	gcm, err := aead(key)
	if err != nil {
		return "", err
	}
	if len(s.Data) < gcm.NonceSize() {
		return "", ErrErased
	}
	text, err := gcm.Open(nil, s.Data[:gcm.NonceSize()], s.Data[gcm.NonceSize():], []byte(s.Of))
	if err != nil {
		return "", ErrErased
	}
	return string(text), nil
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
