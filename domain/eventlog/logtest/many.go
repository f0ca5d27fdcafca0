package logtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"till/domain/eventlog"
)

func runGetMany(t *testing.T, log eventlog.Log) {
	all := fill(t, log, 120)
	get := func(ctx context.Context, positions []eventlog.Position) (got []eventlog.Envelope, err error) {
		for e, err := range log.GetMany(ctx, positions) {
			if err != nil {
				return got, err
			}
			got = append(got, e)
		}
		return got, nil
	}
	var positions []eventlog.Position
	for _, e := range all {
		positions = append(positions, e.Position)
	}
	mixed := []eventlog.Position{positions[7], positions[119], positions[7], positions[0], positions[60]}
	for _, c := range []struct {
		at   []eventlog.Position
		want []eventlog.Envelope
	}{
		{nil, nil},
		{positions, all},
		{positions[33:34], all[33:34]},
		{mixed, []eventlog.Envelope{all[7], all[119], all[7], all[0], all[60]}},
	} {
		got, err := get(t.Context(), c.at)
		if err != nil {
			t.Fatal(err)
		}
		wantEvents(t, got, c.want)
	}
	backwards := slices.Clone(positions)
	slices.Reverse(backwards)
	got, err := get(t.Context(), backwards)
	if err != nil || len(got) != 120 || got[0].Position != positions[119] || got[119].Position != positions[0] {
		t.Errorf("backwards: %d events, %v", len(got), err)
	}
	for _, nowhere := range []eventlog.Position{0, positions[119] + 1, 1 << 62} {
		got, err := get(t.Context(), []eventlog.Position{positions[3], nowhere, positions[4]})
		if !errors.Is(err, eventlog.ErrBeyond) || len(got) > 1 {
			t.Errorf("position %d: %d events, %v", nowhere, len(got), err)
		}
	}
	n := 0
	for range log.GetMany(t.Context(), positions) {
		if n++; n == 50 {
			break
		}
	}
	if n != 50 {
		t.Errorf("an early end: %d events", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(ctx, positions); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
