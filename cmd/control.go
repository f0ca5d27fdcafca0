package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// control is what commands ask of a shop, whether it runs in another process
// (remote) or its folder lies open before them (*App).
type control interface {
	// ask hands a question, as JSON, to what answers the verb (see question) and
	// hands out the lines of its answer.
	ask(ctx context.Context, verb string, question []byte, each func(answer) error) error
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

// importOptions are the choices of an import.
type importOptions struct {
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Recount  bool   `json:"recount"`
}
