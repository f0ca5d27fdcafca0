package authz

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The argon2id parameters are the least that OWASP's password storage sheet
// names for it: 19 MiB, two passes, one lane; about 45 ms on one core.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonLanes   = 1
	argonKey     = 32
	argonSalt    = 16
	maxPassword  = 256 // characters
	minPassword  = 8
	hashPatience = 10 * time.Second
)

var (
	// ErrPassword: the password cannot be set.
	ErrPassword = errors.New("the password must have 8 to 256 characters")
	// errHashing: too many passwords are being checked at once.
	errHashing = &refusal{503, wireError{"temporarily_unavailable", "Too many people are logging in just now. Try again in a few seconds."}, 5 * time.Second}
)

// hasher hashes passwords, a few at a time: each takes 19 MiB.
type hasher struct {
	slots chan struct{}
	queue chan struct{}
	// dummy is checked when there is no such account, so that the answer takes
	// as long as for a real one.
	dummy string
}

func newHasher() *hasher {
	n := min(max(runtime.GOMAXPROCS(0), 1), 4)
	h := &hasher{slots: make(chan struct{}, n), queue: make(chan struct{}, 64)}
	// The dummy need only have the right form: nothing is ever equal to it.
	h.dummy = phc(make([]byte, argonSalt), make([]byte, argonKey))
	return h
}

// enter waits for a slot, not for ever and not behind too many others.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, errHashing
	}
	defer func() { <-h.queue }()
	patience := time.NewTimer(hashPatience)
	defer patience.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-patience.C:
		return nil, errHashing
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func passwordFits(password string) bool {
	n := utf8.RuneCountInString(password)
	return n >= minPassword && n <= maxPassword && len(password) <= 4*maxPassword
}

// hash returns the password's hash in PHC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	return phc(salt, argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)), nil
}

// verify is whether the password belongs to the hash. An over-long password is
// refused without work; an empty hash costs the same as any other.
func (h *hasher) verify(ctx context.Context, password, stored string) (bool, error) {
	if !passwordFits(password) && utf8.RuneCountInString(password) > maxPassword {
		return false, nil
	}
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errors.New("authz: a stored password hash is of an unknown form")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || memory > 1<<20 || passes > 16 || passes < 1 || lanes < 1 {
		return false, errors.New("authz: a stored password hash has impossible parameters")
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(err1, err2); err != nil {
		return false, errors.New("authz: a stored password hash cannot be read")
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func phc(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}
