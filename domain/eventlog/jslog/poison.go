package jslog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// The poison queue's stream and its bounds: the newest are kept.
const (
	poisonStream = "till-poison"
	poisonRoot   = "poison."
	headUUID     = "Till-Message"

	poisonMost  = 10_000
	poisonBytes = 64 << 20
	poisonAge   = 90 * 24 * time.Hour
	// poisonText bounds each text that is not of the event itself, poisonHead
	// all of them: a message too large to be parked would come for ever.
	poisonText = 1 << 10
	poisonHead = 48 << 10
)

// Poison is the queue of messages that a reactor could not handle, as a
// Watermill [message.Publisher] and with a way to read it. It holds the newest
// ten thousand, at most 64 MB, for 90 days. It is no part of the history.
type Poison struct{ log *Log }

var _ message.Publisher = (*Poison)(nil)

// NewPoison opens the poison queue beside the log and makes it if it is not
// there yet.
func NewPoison(ctx context.Context, l *Log) (*Poison, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	_, err := l.js.Stream(ctx, poisonStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = l.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        poisonStream,
			Description: "Messages that no reactor could handle.",
			Subjects:    []string{poisonRoot + ">"},
			Storage:     jetstream.FileStorage,
			Replicas:    l.replicas,
			Discard:     jetstream.DiscardOld,
			MaxMsgs:     poisonMost,
			MaxBytes:    poisonBytes,
			MaxAge:      poisonAge,
		})
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil, fmt.Errorf("%w: the poison queue: %w", eventlog.ErrUnavailable, err)
	}
	return &Poison{log: l}, nil
}

// Publish implements [message.Publisher]. It returns when every message is
// stored, or ErrUnavailable.
func (p *Poison) Publish(topic string, messages ...*message.Message) error {
	if topic == "" || len(topic) > eventlog.MaxStreamID {
		return fmt.Errorf("%w: the topic %q", eventlog.ErrInvalid, topic)
	}
	for _, m := range messages {
		out := &nats.Msg{Subject: poisonRoot + escape(topic), Data: m.Payload, Header: poisonHeader(m)}
		_, err := p.log.publishTo(context.WithoutCancel(m.Context()), poisonStream, out, p.log.timeout)
		var no *apiError
		if errors.As(err, &no) {
			return refused(no)
		}
		if err != nil {
			return fmt.Errorf("%w: the poison queue did not take a message: %w", eventlog.ErrUnavailable, err)
		}
	}
	return nil
}

// poisonHeader writes a message's metadata into headers: what makes up its
// event first and whole, the rest as far as it fits.
func poisonHeader(m *message.Message) nats.Header {
	h := nats.Header{}
	size := 0
	add := func(name, value string) {
		if name == "" || value == "" || strings.HasPrefix(name, "Nats-") {
			return
		}
		// A header's name may hold % but not =.
		name, value = strings.ReplaceAll(escape(name), "=", "%"), escapeHeader(value)
		if size += len(name) + len(value) + 4; size <= poisonHead {
			h[name] = []string{value}
		}
	}
	for _, ofEvent := range []bool{true, false} {
		for _, name := range slices.Sorted(maps.Keys(m.Metadata)) {
			switch value := m.Metadata[name]; {
			case strings.HasPrefix(name, "Till-") != ofEvent:
			case ofEvent:
				add(name, value)
			default:
				add(name, shorten(value))
			}
		}
	}
	add(headUUID, shorten(m.UUID))
	return h
}

// shorten cuts a text to what the queue takes, between two characters.
func shorten(s string) string {
	if len(s) <= poisonText {
		return s
	}
	end := poisonText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// Close implements [message.Publisher]; the connection is the log's.
func (p *Poison) Close() error { return nil }

// Parked is a message in the poison queue.
type Parked struct {
	// ID counts the messages that were ever parked.
	ID    uint64
	Topic string
	// Message is as it was published; [Envelope] gives its event. Watermill's
	// middleware says why and where in its metadata ("reason_poisoned" …).
	Message *message.Message
}

// All yields the parked messages behind the id, oldest first, up to the last
// one there is now.
func (p *Poison) All(ctx context.Context, after uint64) iter.Seq2[Parked, error] {
	return func(yield func(Parked, error) bool) {
		last, err := p.log.getMessage(ctx, poisonStream, getRequest{LastFor: poisonRoot + ">"})
		for err == nil && last != nil && after < last.Seq {
			var m *stored
			if m, err = p.log.getMessage(ctx, poisonStream, getRequest{NextFor: poisonRoot + ">", Seq: after + 1}); err != nil || m == nil {
				break
			}
			after = m.Seq
			var parked Parked
			if parked, err = readParked(m); err == nil && !yield(parked, nil) {
				return
			}
		}
		if err != nil {
			yield(Parked{}, refusedOr(err))
		}
	}
}

func readParked(m *stored) (Parked, error) {
	header := nats.Header{}
	if len(m.Header) > 0 {
		var err error
		if header, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return Parked{}, fmt.Errorf("%w: the headers of the parked message %d cannot be read", eventlog.ErrDamaged, m.Seq)
		}
	}
	topic, err := unescape(strings.TrimPrefix(m.Subject, poisonRoot))
	if err != nil {
		return Parked{}, fmt.Errorf("%w: the parked message %d has the subject %q", eventlog.ErrDamaged, m.Seq, m.Subject)
	}
	msg := message.NewMessage("", m.Data)
	for name, values := range header {
		plain, err := unescape(strings.ReplaceAll(name, "%", "="))
		switch {
		case err != nil || len(values) == 0:
		case name == headUUID:
			msg.UUID = unescapeHeader(values[0])
		default:
			msg.Metadata[plain] = unescapeHeader(values[0])
		}
	}
	return Parked{ID: m.Seq, Topic: topic, Message: msg}, nil
}

// Remove takes a message out of the queue, for instance after it was handled
// by hand. An id that is not there is no error.
func (p *Poison) Remove(ctx context.Context, id uint64) error {
	err := p.log.api(ctx, "STREAM.MSG.DELETE."+poisonStream, map[string]any{"seq": id, "no_erase": true}, nil)
	var no *apiError
	if errors.As(err, &no) && (no.ErrCode == codeNoSequence || no.ErrCode == codeDeleteFailed) {
		return nil
	}
	return refusedOr(err)
}
