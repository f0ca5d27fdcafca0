package eventlog

import (
	"context"
	"errors"
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
