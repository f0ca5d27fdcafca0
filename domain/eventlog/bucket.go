package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Bucket is a small key-value store beside the log, for what must not stand in
// an append-only history: password hashes, people's keys, registrations that
// may never be used. Keys are 1 to 200 of the characters A–Z a–z 0–9 - _ = / .
// (a dot not first, last or doubled). A bucket may let its entries expire.
type Bucket interface {
	// Get returns the value and its revision, or ErrNoKey.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// Create stores a key that does not exist yet, or returns ErrKeyExists.
	Create(ctx context.Context, key string, value []byte) error
	// Put stores the value whether or not the key exists.
	Put(ctx context.Context, key string, value []byte) error
	// Update stores the value if the key is still at the revision, or returns
	// ErrConflict.
	Update(ctx context.Context, key string, value []byte, revision uint64) error
	// Delete destroys key and value, on the disk too. A key that does not
	// exist is no error.
	Delete(ctx context.Context, key string) error
	// Keys returns all keys, in no order.
	Keys(ctx context.Context) ([]string, error)
}

var (
	// ErrNoKey: the bucket does not hold the key.
	ErrNoKey = errors.New("eventlog: no such key")
	// ErrKeyExists: the bucket holds the key already.
	ErrKeyExists = errors.New("eventlog: the key exists")
)

// MaxBucketKey and MaxBucketValue bound what a bucket takes, in bytes.
const (
	MaxBucketKey   = 200
	MaxBucketValue = 256 << 10
)

// CheckEntry reports a key or value that no bucket accepts, as an ErrInvalid.
func CheckEntry(key string, value []byte) error {
	if key == "" || len(key) > MaxBucketKey {
		return fmt.Errorf("%w: a key has 1 to %d characters", ErrInvalid, MaxBucketKey)
	}
	if key[0] == '.' || key[len(key)-1] == '.' || strings.Contains(key, "..") {
		return fmt.Errorf("%w: a key neither begins nor ends with a dot nor holds two in a row", ErrInvalid)
	}
	for i := range len(key) {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-_=/.", c) < 0 {
			return fmt.Errorf("%w: a key holds only A-Z a-z 0-9 - _ = / and dots", ErrInvalid)
		}
	}
	if len(value) > MaxBucketValue {
		return fmt.Errorf("%w: a value of %d bytes, at most %d are taken", ErrInvalid, len(value), MaxBucketValue)
	}
	return nil
}
