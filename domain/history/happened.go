package history

import "till/domain/eventlog"

// Happened is an event of the log with its decoded value.
type Happened struct {
	eventlog.Envelope
	Event any
}

// About is whether the event concerns the key.
func (h Happened) About(k Key) (yes bool) {
	Concerns(&h.Envelope, h.Event, func(found Key) { yes = yes || found == k })
	return yes
}
