// Package jslog is the event log on NATS JetStream: one stream that nothing is
// ever deleted from, small buckets beside it for what must be forgettable, and
// the message flow that reactors are fed from. It does not start a server and
// knows no event of the shop.
//
// An event is one message. Its subject is shop.<category>.<id>, its body the
// event's JSON and nothing else, its envelope the Till-* headers, so that any
// NATS tool shows the history as it is.
package jslog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

const (
	// streamName is the JetStream stream that holds the history.
	streamName = "till"
	// format is the version of how events stand in the stream. It rises when
	// an older till could no longer read what a newer one writes.
	format = 1

	metaEpoch  = "till-epoch"
	metaFormat = "till-format"

	// maxMessage bounds a stored message: the largest event and its headers.
	maxMessage = eventlog.MaxEventBytes + 32<<10
)

// ErrNewer: the stream was written by a newer till than this one.
var ErrNewer = errors.New("jslog: this data folder was written by a newer till; start that version, or an empty folder")

// errForeign: the stream is there but no till made it.
var errForeign = errors.New("jslog: a JetStream stream named till exists that no till made; give the shop a NATS account of its own")

// Options are how a log is opened. The zero value fits an embedded server.
type Options struct {
	// Replicas is the number of copies a newly made stream has in a cluster:
	// 1, 3 or 5. 0 means 1. A stream that exists keeps its own.
	Replicas int
	// Timeout bounds how long an append or a look-up waits for the server; 0
	// means 5 s.
	Timeout time.Duration
	// Patience bounds how long Follow keeps trying when the server does not
	// answer, before it ends with ErrUnavailable; 0 means 30 s.
	Patience time.Duration
	// Reading is a connection for what Follow receives, nil for the log's own.
	// On one of its own a delivery does not stand before the acknowledgement of
	// the next append, which made a command up to a fifth slower.
	Reading *nats.Conn
	// Epoch is what a log that is made gets, for a history that comes from
	// elsewhere (see [Log.Fill]); empty: a new one. A log that exists keeps its own.
	Epoch string
	// Looking are connections for events that are looked up all over the log,
	// read side by side; without any, Reading does it. What is waited for on
	// them may take the server a while.
	Looking []*nats.Conn
	// Known is the epoch of the log that must be there; empty takes any, and makes
	// one where none is.
	Known string
	// Keeper looks after a server in this process; nil for one elsewhere.
	Keeper Keeper
}

// Keeper looks after the server that the log is kept on.
type Keeper interface {
	// Down is why the server cannot be used now, or nil: an ErrUnavailable.
	Down() error
	// Stored is called when the server has acknowledged a write to the named
	// JetStream stream, before anybody is told. An error means that the write
	// may be lost with the power.
	Stored(stream string) error
	// Blocks is the folder of the files that hold the stream's messages, plain and
	// uncompressed, from which a long history is read; or empty.
	Blocks(stream string) string
}

// alone is the keeper of a server that looks after itself.
type alone struct{}

func (alone) Down() error          { return nil }
func (alone) Stored(string) error  { return nil }
func (alone) Blocks(string) string { return "" }

// Log is an [eventlog.Log] in a JetStream stream. Use Open.
type Log struct {
	nc       *nats.Conn
	reading  *nats.Conn
	looking  []*nats.Conn
	js       jetstream.JetStream
	epoch    string
	replicas int
	timeout  time.Duration
	patience time.Duration
	batches  chan struct{} // one token for each open batch
	keeper   Keeper
	blocks   blocks
	session  atomic.Pointer[session]
	seen     atomic.Uint64 // the furthest end that was ever told
}

var _ eventlog.Log = (*Log)(nil)

// Open opens the log on a connection (see [Connect]) and makes it if it is not
// there yet. It returns ErrNewer for a log in a format that this program does
// not know, ErrDamaged for one that lacks events or is not the one expected, and
// ErrUnavailable when JetStream does not answer. The connection stays the
// caller's.
func Open(ctx context.Context, nc *nats.Conn, o Options) (*Log, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("jslog: %w", err)
	}
	l := &Log{nc: nc, reading: o.Reading, js: js, replicas: max(o.Replicas, 1), timeout: o.Timeout, patience: o.Patience, batches: make(chan struct{}, maxBatches)}
	if l.reading == nil {
		l.reading = nc
	}
	if l.looking = o.Looking; len(l.looking) == 0 {
		l.looking = []*nats.Conn{l.reading}
	}
	if l.keeper = o.Keeper; l.keeper == nil {
		l.keeper = alone{}
	}
	l.blocks = blocks{l.keeper.Blocks(streamName)}
	l.watch()
	if l.timeout <= 0 {
		l.timeout = 5 * time.Second
	}
	if l.patience <= 0 {
		l.patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, 6*l.timeout)
	defer cancel()
	stream, err := js.Stream(ctx, streamName)
	switch missing := errors.Is(err, jetstream.ErrStreamNotFound); {
	case missing && o.Known != "":
		return nil, fmt.Errorf("%w: all of it is gone; stop the shop and restore its data folder from a backup", eventlog.ErrDamaged)
	case missing:
		stream, err = l.create(ctx, o.Epoch)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
	}
	if err := l.check(stream.CachedInfo().Config); err != nil {
		return nil, err
	}
	if o.Known != "" && l.epoch != o.Known {
		return nil, fmt.Errorf("%w: it is the log of another shop; stop the shop and restore its data folder from a backup", eventlog.ErrDamaged)
	}
	if err := l.whole(ctx, stream.CachedInfo().State, 0); err != nil {
		return nil, err
	}
	return l, nil
}

// create makes the stream. When another process is faster, theirs stands.
func (l *Log) create(ctx context.Context, epoch string) (jetstream.Stream, error) {
	if epoch == "" {
		var id [16]byte
		rand.Read(id[:]) // never fails
		epoch = hex.EncodeToString(id[:])
	}
	stream, err := l.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:        streamName,
		Description: "The history of the shop, one event per message. Nothing is ever deleted.",
		Subjects:    []string{subjectRoot + ">"},
		Storage:     jetstream.FileStorage,
		Replicas:    l.replicas,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew, // never the oldest to make room
		MaxMsgs:     -1,
		MaxBytes:    -1,
		MaxMsgSize:  maxMessage,
		DenyDelete:  true,
		DenyPurge:   true,
		AllowDirect: true,
		// Several streams change together or not at all; see batch.go.
		AllowAtomicPublish: true,
		Metadata: map[string]string{
			metaEpoch:  epoch,
			metaFormat: strconv.Itoa(format),
		},
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return l.js.Stream(ctx, streamName)
	}
	return stream, err
}

// check refuses a stream on which the log's promises would not hold.
func (l *Log) check(c jetstream.StreamConfig) error {
	l.epoch = c.Metadata[metaEpoch]
	version, err := strconv.Atoi(c.Metadata[metaFormat])
	switch {
	case l.epoch == "" || err != nil || version < 1:
		return errForeign
	case version > format:
		return ErrNewer
	case !c.DenyDelete || !c.DenyPurge || c.Storage != jetstream.FileStorage || c.PersistMode != jetstream.DefaultPersistMode ||
		c.MaxMsgs > 0 || c.MaxBytes > 0 || c.MaxAge > 0 || c.MaxMsgsPerSubject > 0 || c.Retention != jetstream.LimitsPolicy:
		return fmt.Errorf("%w: the JetStream stream %q has been changed so that events could be lost; restore its settings", eventlog.ErrUnavailable, streamName)
	}
	return nil
}

// Epoch implements [eventlog.Log].
func (l *Log) Epoch() string { return l.epoch }

// Head implements [eventlog.Log]. A log that lacks events is a *eventlog.Gap.
func (l *Log) Head(ctx context.Context) (eventlog.Position, error) {
	state, err := l.state(ctx)
	return eventlog.Position(state.LastSeq), err
}
