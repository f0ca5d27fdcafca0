// Package eventlog is the shop's history: one ordered, append-only log of
// events and the words in which an event is stored. It does not know what any
// event means; the packages of the domain do.
package eventlog

import (
	"context"
	"iter"
)

// Position is the place of an event in the whole log: the first event stands
// at 1, each later one exactly one further. 0 is before the first event.
type Position uint64

// Stream names the history of one aggregate, such as the cart of one user.
// Category is a word written by hand ("cart": a-z, 0-9, - and _); ID may hold
// any printable text of at most [MaxStreamID] bytes.
type Stream struct {
	Category string `json:"category"`
	ID       string `json:"id"`
}

// String is the stream as people write it: "cart/usr_1".
func (s Stream) String() string { return s.Category + "/" + s.ID }

// MaxStreamID is the largest accepted length of Stream.ID, in bytes.
const MaxStreamID = 200

// MaxCategory is the largest accepted length of Stream.Category, in bytes.
const MaxCategory = 40

// MaxEvents is the largest accepted number of events in one append.
const MaxEvents = 1000

// MaxMetaBytes is the largest accepted length of each text in [Meta].
const MaxMetaBytes = 1 << 10

// MaxEventBytes is the largest accepted size of one event's data.
const MaxEventBytes = 256 << 10

// Change is what one decision adds to one stream: its events, and the position
// at which the decider believed the stream to end.
type Change struct {
	Stream Stream
	// Expected is the position of the stream's last event; 0 means that the
	// stream must not exist yet.
	Expected Position
	// Events are new; the log sets their Position. Their Number continues the
	// stream's own count.
	Events []Envelope
}

// Log is the port to the history. Two logs implement it: jslog (NATS
// JetStream, what a shop runs on) and memlog (memory, for tests); the contract
// in logtest holds for both.
type Log interface {
	// Append stores all events of all changes or none, and returns the
	// position of the last one. When it returns without error the events are
	// as durable as the log makes them. It returns ErrConflict if a stream
	// does not end where its change expects, ErrUnavailable if the log cannot
	// take the write now. An append whose outcome was lost is looked up by its
	// command before it is answered.
	Append(ctx context.Context, changes ...Change) (Position, error)

	// Read yields the events of one stream, oldest first, up to the end that
	// the stream had at the call. A stream that does not exist yields nothing.
	Read(ctx context.Context, s Stream) iter.Seq2[Envelope, error]

	// Get returns the event at the position, or ErrBeyond where the log has none.
	Get(ctx context.Context, at Position) (Envelope, error)

	// GetMany yields the events at the positions, in their order. It ends with
	// the first error that Get would return. Events that lie close together
	// should stand side by side: the log reads them at once.
	GetMany(ctx context.Context, positions []Position) iter.Seq2[Envelope, error]

	// Follow yields every event after the given position, in order and without
	// end, as batches of at least one and at most most events: what is there
	// is handed out at once, never held back to fill a batch. It ends with an
	// error: that of ctx, ErrDamaged (see *Gap), ErrBeyond when after lies
	// behind the end, or ErrUnavailable.
	Follow(ctx context.Context, after Position, most int) iter.Seq2[[]Envelope, error]

	// Head is the position of the last event.
	Head(ctx context.Context) (Position, error)

	// Epoch is a random id given to the log when it was made. Views that were
	// folded from another epoch belong to another shop.
	Epoch() string
}
