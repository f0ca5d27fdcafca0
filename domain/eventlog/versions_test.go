package eventlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"till/domain/eventlog"
	"till/domain/eventlog/golden"
)

// How an event gets a new version. The shop once stored {"parcel": "p1",
// "kilos": 1.5} and never will again, but every log that holds it is read. The
// README quotes this.

// ParcelSent is the newest version. Version 1 had kilos and no carrier.
type ParcelSent struct {
	Parcel  string `json:"parcel"`
	Grams   int    `json:"grams"`
	Carrier string `json:"carrier,omitempty"`
}

func register(t *eventlog.Types) {
	eventlog.Register[ParcelSent](t, "parcel.sent", 2, inGrams)
}

// inGrams makes version 2 of version 1.
func inGrams(v1 json.RawMessage) (json.RawMessage, error) {
	var old struct {
		Parcel string  `json:"parcel"`
		Kilos  float64 `json:"kilos"`
	}
	if err := json.Unmarshal(v1, &old); err != nil {
		return nil, err
	}
	return json.Marshal(ParcelSent{Parcel: old.Parcel, Grams: int(math.Round(old.Kilos * 1000))})
}

func TestParcelEvents(t *testing.T) {
	types := eventlog.NewTypes()
	register(types)
	golden.Check(t, types,
		ParcelSent{Parcel: "p1", Grams: 1500, Carrier: "post"},
		golden.Was{Version: 1, Event: ParcelSent{Parcel: "p1", Grams: 1500}},
	)
}

func ExampleRegister() {
	types := eventlog.NewTypes()
	register(types)
	old := eventlog.Envelope{Type: "parcel.sent", Version: 1, Data: []byte(`{"parcel": "p1", "kilos": 1.5}`)}
	event, err := types.Decode(old)
	fmt.Printf("%+v %v\n", event, err)
	// Output: {Parcel:p1 Grams:1500 Carrier:} <nil>
}

func TestOldVersionsThatCannotBeRead(t *testing.T) {
	types := eventlog.NewTypes()
	register(types)
	for _, test := range []struct {
		name    string
		version int
		data    string
		want    error
	}{
		{"of a newer till", 3, `{}`, eventlog.ErrUnknownType},
		{"of no version", 0, `{}`, eventlog.ErrUnknownType},
		{"version 1 in pieces", 1, `{"parcel": "p1", "kil`, eventlog.ErrDamaged},
		{"version 1 with another kind of field", 1, `{"kilos": "many"}`, eventlog.ErrDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := types.Decode(eventlog.Envelope{Type: "parcel.sent", Version: test.version, Data: []byte(test.data)})
			if !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
