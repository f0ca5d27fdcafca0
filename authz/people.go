package authz

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"errors"

	"till/domain/eventlog"
)

// People keeps one key for each person, under which their name and address are
// sealed on the log. Keys rest wrapped by a key that follows from the shop's
// secret; destroying one forgets the person (eventlog.ErrErased).
type People struct {
	bucket eventlog.Bucket
	wrap   cipher.AEAD
}

// NewPeople returns the keys that the bucket holds, for who needs them without
// the server: the views are folded before it is made.
func NewPeople(bucket eventlog.Bucket, secret []byte) (*People, error) {
	k, err := newKeys(secret)
	if err != nil {
		return nil, err
	}
	return &People{bucket, k.people}, nil
}

// Key returns the person's key, or nil and no error if there is none (any more).
func (p *People) Key(ctx context.Context, user string) ([]byte, error) {
	wrapped, _, err := p.bucket.Get(ctx, user)
	if errors.Is(err, eventlog.ErrNoKey) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := p.wrap.Open(nil, nil, wrapped, []byte(user))
	if err != nil {
		return nil, errors.New("authz: a person's key does not open: the shop's secret is not the one that it was made under; restore the secret beside the data")
	}
	return key, nil
}

// Make returns the person's key, making it if there is none.
func (p *People) Make(ctx context.Context, user string) ([]byte, error) {
	key := make([]byte, eventlog.SealKeySize)
	rand.Read(key)
	err := p.bucket.Create(ctx, user, p.wrap.Seal(nil, nil, key, []byte(user)))
	if errors.Is(err, eventlog.ErrKeyExists) {
		return p.Key(ctx, user)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// Known returns the ids of all who have a key, in no order.
func (p *People) Known(ctx context.Context) ([]string, error) { return p.bucket.Keys(ctx) }

// Forget destroys the person's key, and with it all that was sealed under it.
func (p *People) Forget(ctx context.Context, user string) error {
	return p.bucket.Delete(ctx, user)
}

// Open returns sealed text, "erased" in its place if the key is gone.
func (p *People) Open(ctx context.Context, s eventlog.Sealed) (string, error) {
	key, err := p.Key(ctx, s.Of)
	if err != nil {
		return "", err
	}
	text, err := s.Open(key)
	if errors.Is(err, eventlog.ErrErased) {
		return "erased", nil
	}
	return text, err
}
