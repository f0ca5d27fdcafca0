package client_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"till/domain/client"
	"till/domain/decider/story"
	"till/domain/eventlog"
	"till/domain/eventlog/golden"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

var asked = client.RegisterClient{ID: "cli_1", Name: "Agent", Redirects: []string{"http://127.0.0.1/cb"}, Refresh: true, At: noon}

func TestRegister(t *testing.T) {
	story.Given(t, client.Decider()).
		When(asked).Then(client.Registered(asked)).
		When(asked).Then()
	for name, c := range map[string]struct {
		change func(*client.RegisterClient)
		want   error
	}{
		"no id":               {func(c *client.RegisterClient) { c.ID = "" }, client.ErrIncomplete},
		"no address":          {func(c *client.RegisterClient) { c.Redirects = nil }, client.ErrIncomplete},
		"a long name":         {func(c *client.RegisterClient) { c.Name = strings.Repeat("ä", 81) }, client.ErrTooLarge},
		"many addresses":      {func(c *client.RegisterClient) { c.Redirects = slices.Repeat(c.Redirects, 21) }, client.ErrTooLarge},
		"an enormous address": {func(c *client.RegisterClient) { c.Redirects = []string{strings.Repeat("x", 513)} }, client.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := asked
			c.change(&cmd)
			story.Given(t, client.Decider()).When(cmd).Refused(c.want)
		})
	}
}

func TestGolden(t *testing.T) {
	types := eventlog.NewTypes()
	client.Register(types)
	golden.Check(t, types, client.Registered(asked))
}

func TestRedo(t *testing.T) {
	story.Redone(t, client.Decider(), client.Redo, client.State{}, client.Event(client.Registered(asked)))
}
