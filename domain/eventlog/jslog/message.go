package jslog

import (
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"till/domain/eventlog"
)

// What a Watermill message carries beside the headers of the event.
const (
	metaPosition = "Till-Position"
	metaSubject  = "Till-Subject"
)

// newMessage wraps an event for Watermill: its data is the payload, its
// envelope the metadata. The message's id follows from the log and the
// position, so that the same event always comes under the same id.
func (l *Log) newMessage(e *eventlog.Envelope) *message.Message {
	m := message.NewMessage(l.epoch+"-"+strconv.FormatUint(uint64(e.Position), 10), message.Payload(e.Data))
	for name, values := range encodeHeaders(e) {
		m.Metadata[name] = values[0]
	}
	m.Metadata[metaPosition] = strconv.FormatUint(uint64(e.Position), 10)
	m.Metadata[metaSubject] = subjectOf(e.Stream)
	return m
}

// Envelope returns the event that a message of [Subscriber] carries, also when
// it has been through the poison queue. It returns ErrInvalid for a message
// that carries none.
func Envelope(m *message.Message) (eventlog.Envelope, error) {
	position, err := strconv.ParseUint(m.Metadata[metaPosition], 10, 64)
	if err != nil {
		return eventlog.Envelope{}, fmt.Errorf("%w: the message %q carries no event", eventlog.ErrInvalid, m.UUID)
	}
	header := make(nats.Header, len(m.Metadata))
	for name, value := range m.Metadata {
		header[name] = []string{value}
	}
	var d decoder
	e, err := d.decode(m.Metadata[metaSubject], position, header, m.Payload)
	if err != nil {
		return eventlog.Envelope{}, fmt.Errorf("%w: the message %q: %w", eventlog.ErrInvalid, m.UUID, err)
	}
	return e, nil
}
