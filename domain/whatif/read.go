package whatif

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"till/domain/eventlog"
)

// ErrLine: a line that is no event to put in.
var ErrLine = errors.New("eventlog: not an event to put in")

// ReadPuts reads events to put in, one JSON object a line: after, stream, type,
// data and, unless it is 1, version. The log ends at end. It returns ErrLine with
// the first line that is wrong.
func ReadPuts(r io.Reader, types *eventlog.Types, end eventlog.Position) ([]Put, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, eventlog.MaxEventBytes+4096)
	all, line, known := []Put(nil), 0, kinds()
	for in.Scan() {
		if line++; len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		wrong := func(format string, args ...any) error {
			return fmt.Errorf("%w: line %d: %s", ErrLine, line, fmt.Sprintf(format, args...))
		}
		var l struct {
			After   eventlog.Position `json:"after"`
			Stream  eventlog.Stream   `json:"stream"`
			Type    string            `json:"type"`
			Version int               `json:"version"`
			Data    json.RawMessage   `json:"data"`
		}
		strict := json.NewDecoder(bytes.NewReader(in.Bytes()))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&l); err != nil {
			return nil, wrong("%v", err)
		}
		k, ok := known[l.Stream.Category]
		switch {
		case !ok:
			return nil, wrong("there is no category %q of streams", l.Stream.Category)
		case l.Stream.ID == "" || len(l.Stream.ID) > eventlog.MaxStreamID:
			return nil, wrong("a stream needs an id of at most %d bytes", eventlog.MaxStreamID)
		case l.After > end:
			return nil, wrong("position %d lies in the future; the log ends at %d", l.After, end)
		case len(l.Data) == 0:
			return nil, wrong("it has no data")
		}
		event, err := types.Decode(eventlog.Envelope{Type: l.Type, Version: cmp.Or(l.Version, 1), Data: l.Data})
		switch {
		case errors.Is(err, eventlog.ErrUnknownType):
			return nil, wrong("there is no event %q in that version", l.Type)
		case err != nil:
			return nil, wrong("its data do not fit %s", l.Type)
		case !k.fits(event):
			return nil, wrong("%s is no event of %s", l.Type, l.Stream.Category)
		}
		all = append(all, Put{l.After, l.Stream, event})
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", ErrLine, line+1, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: the file holds none", ErrLine)
	}
	slices.SortStableFunc(all, func(a, b Put) int { return cmp.Compare(a.After, b.After) })
	return all, nil
}
