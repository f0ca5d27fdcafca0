package eventlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Types knows every type of event in every version: it turns Go values into
// stored data and stored data, however old, into the newest Go value. Wire
// names are written by hand where a type is registered, so that renaming Go
// code never renames history.
type Types struct {
	byName map[string]*eventType
	byGo   map[reflect.Type]*eventType
}

type eventType struct {
	name   string
	newest int
	decode func([]byte) (any, error)
	up     map[int]Upcaster
}

// An Upcaster turns the data of one version into that of the next.
type Upcaster func(json.RawMessage) (json.RawMessage, error)

// NewTypes returns an empty registry.
func NewTypes() *Types {
	return &Types{byName: map[string]*eventType{}, byGo: map[reflect.Type]*eventType{}}
}

// Register makes E the newest version of the named type; up holds one upcaster
// for each older version, oldest first. It panics on a name or Go type that is
// registered already and on a missing upcaster: both are mistakes in the code
// that the first run shows.
func Register[E any](t *Types, name string, newest int, up ...Upcaster) {
	goType := reflect.TypeFor[E]()
	if t.byName[name] != nil || t.byGo[goType] != nil {
		panic(fmt.Sprintf("eventlog: %s (%s) is registered twice", name, goType))
	}
	if len(up) != newest-1 {
		panic(fmt.Sprintf("eventlog: %s is at version %d and needs %d upcasters, not %d", name, newest, newest-1, len(up)))
	}
	et := &eventType{name: name, newest: newest, up: map[int]Upcaster{}}
	for i, u := range up {
		et.up[i+1] = u
	}
	et.decode = func(data []byte) (any, error) {
		var e E
		if err := json.Unmarshal(data, &e); err != nil {
			return nil, err
		}
		return e, nil
	}
	t.byName[name], t.byGo[goType] = et, et
}

// Encode returns the wire name, the newest version and the data of an event.
func (t *Types) Encode(event any) (name string, version int, data json.RawMessage, err error) {
	et := t.byGo[reflect.TypeOf(event)]
	if et == nil {
		return "", 0, nil, fmt.Errorf("%w: %T is not registered", ErrUnknownType, event)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // people read the log
	if err := enc.Encode(event); err != nil {
		return "", 0, nil, fmt.Errorf("eventlog: encode %s: %w", et.name, err)
	}
	return et.name, et.newest, bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Decode returns the event as its newest Go type. It returns ErrUnknownType
// for a type or version that this program does not have, which a caller must
// not skip, and a *Fault when an upcaster panics.
func (t *Types) Decode(e Envelope) (_ any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Fault{e.Stream, e.Position, p}
		}
	}()
	et := t.byName[e.Type]
	if et == nil || e.Version < 1 || e.Version > et.newest {
		return nil, fmt.Errorf("%w: %s version %d at position %d; it was written by a newer till, start that one", ErrUnknownType, e.Type, e.Version, e.Position)
	}
	data := e.Data
	for v := e.Version; v < et.newest; v++ {
		var err error
		if data, err = et.up[v](data); err != nil {
			return nil, fmt.Errorf("%w: %s at position %d, upcasting version %d: %w", ErrDamaged, e.Type, e.Position, v, err)
		}
	}
	event, err := et.decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s version %d at position %d cannot be read: %w", ErrDamaged, e.Type, e.Version, e.Position, err)
	}
	return event, nil
}

// Names returns the registered wire names in order.
func (t *Types) Names() []string { return slices.Sorted(maps.Keys(t.byName)) }

// Newest is the newest version of the type, 0 if it is not registered.
func (t *Types) Newest(name string) int {
	if et := t.byName[name]; et != nil {
		return et.newest
	}
	return 0
}
