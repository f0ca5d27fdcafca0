package whatif_test

import (
	"errors"
	"testing"
	"time"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/eventlog/memlog"
	"till/domain/grant"
	"till/domain/whatif"
)

// What agents and people do stands on grants, accounts and clients that are there.
func TestWhoWouldNotBeLetIn(t *testing.T) {
	in := func(d time.Duration) time.Time { return noon.Add(d) }
	ann := eventlog.Stream{Category: "account", ID: "usr_ann"}
	g := eventlog.Stream{Category: "grant", ID: "g1"}
	agent := eventlog.Actor{Kind: eventlog.Agent, User: "usr_ann", Client: "cli_1", Grant: "g1"}
	none := eventlog.Actor{}
	story := []struct {
		stream eventlog.Stream
		actor  eventlog.Actor
		event  any
	}{
		{ann, none, account.Opened{User: "usr_ann", Login: eventlog.Sealed{Of: "usr_ann", Data: []byte{1}}, Role: account.Customer, Credential: "crd_1", At: noon}}, // 1
		{ann, none, account.PasswordChanged{Credential: "crd_2", At: noon}},                                                                                         // 2
		{eventlog.Stream{Category: "session", ID: "s"}, none, session.Started{User: "usr_ann", Credential: "crd_2", At: noon, Expires: in(time.Hour)}},              // 3
		{eventlog.Stream{Category: "client", ID: "cli_1"}, none, client.Registered{ID: "cli_1", Redirects: []string{"http://127.0.0.1/cb"}, At: noon}},              // 4
		{g, none, grant.Authorized{ID: "g1", User: "usr_ann", Client: "cli_1", Resource: "r", Redirect: "http://127.0.0.1/cb", Scopes: []string{grant.CartWrite}, // 5
			Challenge: "c", Code: "code", CodeExpires: in(time.Minute), Until: in(time.Hour), At: noon}},
		{g, none, grant.TokensIssued{Generation: 1, Access: "a1", Expires: in(time.Hour), Scopes: []string{grant.CartWrite}, Refresh: "r1", At: noon}}, // 6
		{g, none, grant.TokensIssued{Generation: 2, From: 1, Access: "a2", Expires: in(time.Hour), Scopes: []string{grant.CartWrite}, Refresh: "r2", // 7
			FromUntil: in(30 * time.Second), At: noon}},
		{eventlog.Stream{Category: "cart", ID: "usr_ann"}, agent, cart.ItemAdded{Item: item("MOUSE"), Quantity: 1}}, // 8
	}
	log, types := memlog.New("e"), eventlog.NewTypes()
	for _, register := range []func(*eventlog.Types){account.Register, session.Register, client.Register, grant.Register, cart.Register} {
		register(types)
	}
	last := map[eventlog.Stream]eventlog.Envelope{}
	for _, s := range story {
		e := eventlog.Envelope{Stream: s.stream, Number: last[s.stream].Number + 1, Meta: eventlog.Meta{Actor: s.actor, Time: noon}}
		var err error
		if e.Type, e.Version, e.Data, err = types.Encode(s.event); err != nil {
			t.Fatal(err)
		}
		if e.Position, err = log.Append(t.Context(), eventlog.Change{Stream: s.stream, Expected: last[s.stream].Position, Events: []eventlog.Envelope{e}}); err != nil {
			t.Fatal(err)
		}
		last[s.stream] = e
	}
	type refusals map[eventlog.Position]error
	for name, test := range map[string]struct {
		change whatif.Change
		want   refusals
	}{
		"no account": {whatif.Change{Without: []eventlog.Position{1}}, refusals{2: account.ErrUnknown, 3: whatif.ErrNoAccount,
			5: whatif.ErrNoAccount, 6: grant.ErrUnknown, 7: grant.ErrUnknown, 8: whatif.ErrNoAccount}},
		"the old password": {whatif.Change{Without: []eventlog.Position{2}}, refusals{3: whatif.ErrPassword}},
		"no client": {whatif.Change{Without: []eventlog.Position{4}}, refusals{5: whatif.ErrNoClient, 6: grant.ErrUnknown,
			7: grant.ErrUnknown, 8: whatif.ErrNotLetIn}},
		"no consent":       {whatif.Change{Without: []eventlog.Position{5}}, refusals{6: grant.ErrUnknown, 7: grant.ErrUnknown, 8: whatif.ErrNotLetIn}},
		"no first tokens":  {whatif.Change{Without: []eventlog.Position{6}}, refusals{7: grant.ErrUnknown, 8: whatif.ErrNotLetIn}},
		"no second tokens": {whatif.Change{Without: []eventlog.Position{7}}, refusals{}},
		"revoked before": {whatif.Change{With: []whatif.Put{{After: 6, Stream: g, Event: grant.Revoked{Reason: grant.ByUser, At: noon}}}},
			refusals{7: grant.ErrRevoked, 8: whatif.ErrNotLetIn}},
		"shut": {whatif.Change{With: []whatif.Put{{After: 7, Stream: ann, Event: account.Disabled{At: noon}}}},
			refusals{8: whatif.ErrNoAccount}},
	} {
		t.Run(name, func(t *testing.T) {
			got := refusals{}
			_, err := whatif.Think(t.Context(), log, types, 8, "o", test.change, func(c whatif.Consequence) error {
				got[c.Was.Position] = c.Reason
				return nil
			}, func(eventlog.Position) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(test.want) {
				t.Errorf("refused %v, want %v", got, test.want)
			}
			for p, want := range test.want {
				if !errors.Is(got[p], want) {
					t.Errorf("position %d: %v, want %v", p, got[p], want)
				}
			}
		})
	}
}

// A login with a passkey stands on the passkey.
func TestWhatIfAPasskeyWereNotThere(t *testing.T) {
	ann := eventlog.Stream{Category: "account", ID: "usr_ann"}
	log, types := memlog.New("e"), eventlog.NewTypes()
	account.Register(types)
	session.Register(types)
	var at eventlog.Position
	put := func(s eventlog.Stream, number uint64, event any) {
		t.Helper()
		e := eventlog.Envelope{Stream: s, Number: number, Meta: eventlog.Meta{Time: noon}}
		var err error
		if e.Type, e.Version, e.Data, err = types.Encode(event); err != nil {
			t.Fatal(err)
		}
		expected := at
		if number == 1 {
			expected = 0
		}
		if at, err = log.Append(t.Context(), eventlog.Change{Stream: s, Expected: expected, Events: []eventlog.Envelope{e}}); err != nil {
			t.Fatal(err)
		}
	}
	put(ann, 1, account.Opened{User: "usr_ann", Login: eventlog.Sealed{Of: "usr_ann", Data: []byte{1}}, Role: account.Customer, Credential: "crd_1", At: noon})
	put(ann, 2, account.PasskeyAdded{ID: "psk_1", At: noon})
	put(eventlog.Stream{Category: "session", ID: "s"}, 1, session.Started{User: "usr_ann", Credential: "crd_1", Passkey: "psk_1", At: noon, Expires: noon.Add(time.Hour)})
	var reasons []error
	_, err := whatif.Think(t.Context(), log, types, 3, "o", whatif.Change{Without: []eventlog.Position{2}}, func(c whatif.Consequence) error {
		reasons = append(reasons, c.Reason)
		return nil
	}, func(eventlog.Position) error { return nil })
	if err != nil || len(reasons) != 1 || !errors.Is(reasons[0], whatif.ErrPasskey) {
		t.Errorf("%v %v", reasons, err)
	}
}
