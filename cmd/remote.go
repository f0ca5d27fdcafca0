package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// remote is a shop that runs in another process on this machine.
type remote struct{ client *http.Client }

// dial reaches the shop that runs on the folder, if one does.
func dial(ctx context.Context, dir string) (*remote, bool) {
	path, err := socketPath(dir, false)
	if err != nil {
		return nil, false // no shop of this user's has made it
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, false
	}
	_ = conn.Close()
	return &remote{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}}}, true
}

func (r *remote) close() error {
	r.client.CloseIdleConnections()
	return nil
}

// ask implements control.
func (r *remote) ask(ctx context.Context, verb string, question []byte, each func(answer) error) error {
	_, err := r.post(ctx, "/"+verb, bytes.NewReader(question), each)
	return err
}

// bring implements control.
func (r *remote) bring(ctx context.Context, file io.Reader, o importOptions, progress func(done, total int)) (summary, error) {
	q := url.Values{"name": {o.Name}, "currency": {o.Currency}, "recount": {strconv.FormatBool(o.Recount)}}
	end, err := r.post(ctx, "/catalog?"+q.Encode(), file, func(a answer) error {
		if a.Total > 0 {
			progress(a.Done, a.Total)
		}
		return nil
	})
	if err != nil || end.Summary == nil {
		return summary{}, err
	}
	return *end.Summary, nil
}

// post posts the body and hands out the answer's lines up to the last.
func (r *remote) post(ctx context.Context, path string, body io.Reader, each func(answer) error) (end answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://till"+path, body)
	if err != nil {
		return end, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return end, fmt.Errorf("the running shop does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return end, fmt.Errorf("the running shop does not know this command (%s): it is another version of till; restart it", resp.Status)
	}
	for in := json.NewDecoder(resp.Body); ; {
		var a answer
		if err := in.Decode(&a); err != nil {
			if ctx.Err() != nil {
				return end, ctx.Err()
			}
			return end, fmt.Errorf("the running shop stopped in the middle of its answer: %w", err)
		}
		switch {
		case len(a.Faults) > 0:
			return a, faulty(a.Faults)
		case a.Error != "":
			return a, errors.New(a.Error)
		case a.End:
			return a, nil
		}
		if err := each(a); err != nil {
			return end, err
		}
	}
}
