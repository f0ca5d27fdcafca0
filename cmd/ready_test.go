package cmd

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"till/domain/eventlog"
	"till/projections"
)

// withheld is a log that the views cannot read before it is let go.
type withheld struct {
	eventlog.Log
	free chan struct{}
}

func (w withheld) Head(ctx context.Context) (eventlog.Position, error) {
	select {
	case <-w.free:
		return w.Log.Head(ctx)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// While the views are built every call is refused: the shop is not ready, however
// short its log.
func TestNotReadyWhileTheViewsAreBuilt(t *testing.T) {
	log := openLog(t, t.TempDir())
	free := make(chan struct{})
	views, err := projections.Open(t.Context(), projections.Options{Dir: t.TempDir(), Log: withheld{log, free}, Types: Types()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = views.Close() })
	a := &App{log: log, views: views}
	ask := func() int {
		w := httptest.NewRecorder()
		a.ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return w.Code
	}
	if code := ask(); code != http.StatusServiceUnavailable {
		t.Errorf("while they are built: %d", code)
	}
	close(free)
	if err := views.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code := ask(); code != http.StatusOK {
		t.Errorf("when they are: %d", code)
	}
}
