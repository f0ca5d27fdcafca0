package memlog

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"till/domain/eventlog"
)

// Bucket is an [eventlog.Bucket] in memory. The zero value is ready to use;
// its entries do not expire.
type Bucket struct {
	mu       sync.Mutex
	entries  map[string]kept
	revision uint64
}

type kept struct {
	value    []byte
	revision uint64
}

var _ eventlog.Bucket = (*Bucket)(nil)

// Get implements [eventlog.Bucket].
func (b *Bucket) Get(_ context.Context, key string) ([]byte, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.entries[key]
	if !ok {
		return nil, 0, eventlog.ErrNoKey
	}
	return bytes.Clone(k.value), k.revision, nil
}

// Create implements [eventlog.Bucket].
func (b *Bucket) Create(_ context.Context, key string, value []byte) error {
	if err := eventlog.CheckEntry(key, value); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.entries[key]; ok {
		return eventlog.ErrKeyExists
	}
	b.store(key, value)
	return nil
}

// Put implements [eventlog.Bucket].
func (b *Bucket) Put(_ context.Context, key string, value []byte) error {
	if err := eventlog.CheckEntry(key, value); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store(key, value)
	return nil
}

// Update implements [eventlog.Bucket].
func (b *Bucket) Update(_ context.Context, key string, value []byte, revision uint64) error {
	if err := eventlog.CheckEntry(key, value); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries[key].revision != revision {
		return eventlog.ErrConflict
	}
	b.store(key, value)
	return nil
}

// Delete implements [eventlog.Bucket].
func (b *Bucket) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.entries, key)
	return nil
}

// Keys implements [eventlog.Bucket].
func (b *Bucket) Keys(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.entries)), nil
}

func (b *Bucket) store(key string, value []byte) {
	if b.entries == nil {
		b.entries = map[string]kept{}
	}
	b.revision++
	b.entries[key] = kept{bytes.Clone(value), b.revision}
}
