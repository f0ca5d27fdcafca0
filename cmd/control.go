package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"till/domain/eventlog"
)

// control is what commands ask of a shop, whether it runs in another process
// (remote) or its folder lies open before them (*App).
type control interface {
	// events hands out the log's events that fit the filter, oldest first; with
	// follow it goes on until ctx ends.
	events(ctx context.Context, f eventFilter, each func(listed) error) error
	// bring imports a catalogue file. The faults of a file that cannot be
	// imported are returned as faulty.
	bring(ctx context.Context, file io.Reader, o importOptions, progress func(done, total int)) (summary, error)
	close() error
}

// reach finds the shop of a data folder: the one that runs there, or else the
// folder itself if there is one. It makes no folder.
func reach(ctx context.Context, data dataFlag) (control, error) {
	dir, err := data.dir()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no shop in %s; start one with till serve, or name its folder with --data", dir)
	}
	if r, ok := dial(ctx, dir); ok {
		return r, nil
	}
	return Open(ctx, Options{Dir: dir})
}

func (d dataFlag) dir() (string, error) {
	if d.Data != "" {
		return d.Data, nil
	}
	return DefaultFolder()
}

// eventFilter chooses events; its zero value is all of them.
type eventFilter struct {
	// User is a login name or a user id; it matches what the user did and what
	// happened to what is the user's.
	User string `json:"user,omitempty"`
	// Stream is a category ("cart") or one stream ("cart/usr_1").
	Stream string `json:"stream,omitempty"`
	// Type is an event type ("cart.item_added") or its beginning ("cart.").
	Type   string            `json:"type,omitempty"`
	After  eventlog.Position `json:"after,omitempty"`
	Follow bool              `json:"follow,omitempty"`
}

// listed is an event as it is listed for people.
type listed struct {
	eventlog.Envelope
	// Who is the acting user's login name, if there is one.
	Who string `json:"who,omitempty"`
}

// importOptions are the choices of an import.
type importOptions struct {
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Recount  bool   `json:"recount"`
}
