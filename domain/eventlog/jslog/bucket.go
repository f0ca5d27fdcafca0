package jslog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// bucket is an [eventlog.Bucket] in a JetStream stream of its own, named and
// laid out as a NATS key-value bucket, so that its keys show in any NATS tool.
//
// What a NATS bucket deletes or replaces stays in its files until they happen
// to be rewritten, so this one never lets the server drop a value: it keeps
// every value and then destroys the old one in place (a secure delete, which
// writes random bytes over it). Values that expire with the bucket's ttl are
// dropped by the server; their bytes go when their whole file block does.
type bucket struct {
	log    *Log
	stream string
	prefix string // of the subjects
}

var _ eventlog.Bucket = (*bucket)(nil)

// Bucket opens the named bucket and makes it if it is not there yet; the name
// is a word as for a category. Entries expire ttl after they were last stored;
// 0 keeps them.
func (l *Log) Bucket(ctx context.Context, name string, ttl time.Duration) (eventlog.Bucket, error) {
	if err := eventlog.CheckEntry(name, nil); err != nil || strings.ContainsAny(name, "./=") {
		return nil, fmt.Errorf("%w: the bucket name %q", eventlog.ErrInvalid, name)
	}
	b := &bucket{log: l, stream: "KV_" + name, prefix: "$KV." + name + "."}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	config := jetstream.StreamConfig{
		Name:        b.stream,
		Description: "What the shop must be able to forget; old values are destroyed.",
		Subjects:    []string{b.prefix + ">"},
		Storage:     jetstream.FileStorage,
		Replicas:    l.replicas,
		Discard:     jetstream.DiscardNew,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		MaxMsgSize:  eventlog.MaxBucketValue + 4<<10,
		// Only destroy below drops a value.
		MaxMsgsPerSubject: -1,
		DenyPurge:         true,
		AllowDirect:       true,
	}
	stream, err := l.js.Stream(ctx, b.stream)
	if err == nil {
		config = stream.CachedInfo().Config // replicas and placement are the operator's
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && config.MaxAge != max(ttl, 0) {
		config.MaxAge = max(ttl, 0)
		config.Duplicates = 0
		if ttl > 0 {
			config.Duplicates = min(ttl, 2*time.Minute) // the server wants it no longer than the age
		}
		_, err = l.js.CreateOrUpdateStream(ctx, config)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the bucket %s: %w", eventlog.ErrUnavailable, name, err)
	}
	if err := b.sweep(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// Get implements [eventlog.Bucket].
func (b *bucket) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if eventlog.CheckEntry(key, nil) != nil {
		return nil, 0, eventlog.ErrNoKey
	}
	m, err := b.log.getMessage(ctx, b.stream, getRequest{LastFor: b.prefix + key})
	if err != nil {
		return nil, 0, refusedOr(err)
	}
	if m == nil {
		return nil, 0, eventlog.ErrNoKey
	}
	return m.Data, m.Seq, nil
}

// Create implements [eventlog.Bucket].
func (b *bucket) Create(ctx context.Context, key string, value []byte) error {
	_, err := b.store(ctx, key, value, 0)
	if errors.Is(err, eventlog.ErrConflict) {
		return eventlog.ErrKeyExists
	}
	return err
}

// Update implements [eventlog.Bucket].
func (b *bucket) Update(ctx context.Context, key string, value []byte, revision uint64) error {
	at, err := b.store(ctx, key, value, revision)
	if err != nil || revision == 0 {
		return err
	}
	return b.destroy(ctx, key, at)
}

// putTries bounds how often Put steps behind other writers of the same key.
const putTries = 100

// Put implements [eventlog.Bucket].
func (b *bucket) Put(ctx context.Context, key string, value []byte) error {
	for range putTries {
		_, revision, err := b.Get(ctx, key)
		if err != nil && !errors.Is(err, eventlog.ErrNoKey) {
			return err
		}
		err = b.Update(ctx, key, value, revision)
		if !errors.Is(err, eventlog.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%w: the key changes all the time", eventlog.ErrUnavailable)
}

// Delete implements [eventlog.Bucket].
func (b *bucket) Delete(ctx context.Context, key string) error {
	if eventlog.CheckEntry(key, nil) != nil {
		return nil
	}
	_, revision, err := b.Get(ctx, key)
	if errors.Is(err, eventlog.ErrNoKey) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.destroy(ctx, key, revision+1)
}

// Keys implements [eventlog.Bucket].
func (b *bucket) Keys(ctx context.Context) ([]string, error) {
	var keys []string
	err := b.count(ctx, func(key string, _ uint64) { keys = append(keys, key) })
	return keys, err
}

// count visits every key with the number of its values.
func (b *bucket) count(ctx context.Context, visit func(key string, values uint64)) error {
	for seen := 0; ; {
		var answer struct {
			Total int `json:"total"`
			State struct {
				Subjects map[string]uint64 `json:"subjects"`
			} `json:"state"`
		}
		request := map[string]any{"subjects_filter": b.prefix + ">", "offset": seen}
		if err := b.log.api(ctx, "STREAM.INFO."+b.stream, request, &answer); err != nil {
			return refusedOr(err)
		}
		for subject, values := range answer.State.Subjects {
			visit(strings.TrimPrefix(subject, b.prefix), values)
		}
		seen += len(answer.State.Subjects)
		if len(answer.State.Subjects) == 0 || seen >= answer.Total {
			return nil
		}
	}
}

// sweep destroys what a Put left that was killed before it could: two values
// of one key.
func (b *bucket) sweep(ctx context.Context) error {
	var left []string
	err := b.count(ctx, func(key string, values uint64) {
		if values > 1 {
			left = append(left, key)
		}
	})
	for _, key := range left {
		_, revision, getErr := b.Get(ctx, key)
		if errors.Is(getErr, eventlog.ErrNoKey) {
			continue
		}
		err = errors.Join(err, getErr, b.destroy(ctx, key, revision))
	}
	return err
}

// store adds a value behind the revision (0: the key does not exist) and
// returns its own. A lost answer is looked up: the value under the next
// revision of the key is ours or another's.
func (b *bucket) store(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := eventlog.CheckEntry(key, value); err != nil {
		return 0, err
	}
	m := &nats.Msg{Subject: b.prefix + key, Data: value, Header: nats.Header{
		headExpected: {strconv.FormatUint(revision, 10)},
	}}
	ctx = context.WithoutCancel(ctx)
	at, err := b.log.publishTo(ctx, b.stream, m, b.log.timeout)
	var no *apiError
	switch {
	case errors.As(err, &no) && no.conflict():
		return 0, eventlog.ErrConflict
	case errors.As(err, &no):
		return 0, refused(no)
	case errors.Is(err, errLost):
		found, err := b.log.getMessage(ctx, b.stream, getRequest{NextFor: m.Subject, Seq: revision + 1})
		switch {
		case err != nil:
			return 0, refusedOr(err)
		case found == nil:
			return 0, fmt.Errorf("%w: the server did not answer", eventlog.ErrUnavailable)
		case string(found.Data) != string(value):
			return 0, eventlog.ErrConflict
		}
		return found.Seq, nil
	}
	return at, err
}

// destroyTries bounds how often an erasure is tried that the server refuses.
const destroyTries = 5

// destroy writes over every value of the key below the revision. What an
// earlier call left because it was interrupted goes too.
func (b *bucket) destroy(ctx context.Context, key string, below uint64) error {
	ctx = context.WithoutCancel(ctx) // half a deletion helps nobody
	failed, tries := uint64(0), 0
	for {
		m, err := b.log.getMessage(ctx, b.stream, getRequest{NextFor: b.prefix + key, Seq: 1})
		if err != nil {
			return refusedOr(err)
		}
		if m == nil || m.Seq >= below {
			return nil
		}
		err = b.log.api(ctx, "STREAM.MSG.DELETE."+b.stream, map[string]any{"seq": m.Seq, "no_erase": false}, nil)
		if err == nil {
			err = b.log.keeper.Stored(b.stream)
		}
		var no *apiError
		if errors.As(err, &no) && m.Seq != failed {
			failed, tries = m.Seq, 0
		}
		// The server words "another call was faster" like any other failure, so
		// a value that is gone at the next look was destroyed.
		if err != nil && (no == nil || tries >= destroyTries) {
			return refusedOr(err)
		}
		tries++
	}
}
