package eventlog

import (
	"encoding/json"
	"time"
)

// ActorKind says what kind of party caused an event.
type ActorKind string

// The kinds of actor: a person in a browser, an agent with a person's token,
// an administrator, or the shop itself (reactors, first start).
const (
	User   ActorKind = "user"
	Agent  ActorKind = "agent"
	Admin  ActorKind = "admin"
	System ActorKind = "system"
)

// Actor is who caused an event: for an agent its user, its OAuth client and
// the grant under which it acted. All three are random ids, never names.
type Actor struct {
	Kind   ActorKind `json:"kind,omitempty"`
	User   string    `json:"user,omitempty"`
	Client string    `json:"client,omitempty"`
	Grant  string    `json:"grant,omitempty"`
}

// Meta is what an event carries from the command that made it.
type Meta struct {
	// Command identifies the intent. A command that is sent again under the
	// same id does nothing and gets its first answer.
	Command string `json:"command"`
	// Fingerprint is a hash over the command's arguments, set when the id was
	// chosen so that it can come again (an idempotency key, a step of a
	// process). Only commands with a fingerprint are looked up.
	Fingerprint string `json:"fingerprint,omitempty"`
	Actor       Actor  `json:"actor,omitzero"`
	// Correlation is the same for everything that one request set off.
	Correlation string `json:"correlation,omitempty"`
	// Causation names what directly led to the command: a tool call, or the
	// event that a reactor answered.
	Causation string `json:"causation,omitempty"`
	// Time is when it happened, in UTC.
	Time time.Time `json:"time"`
}

// Envelope is one event as it stands on the log.
type Envelope struct {
	Position Position `json:"position"`
	Stream   Stream   `json:"stream"`
	// Number counts the events of the stream from 1, without a gap.
	Number  uint64 `json:"number"`
	Type    string `json:"type"`
	Version int    `json:"version"`
	Meta
	Data json.RawMessage `json:"data"`
}
