package jslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"till/domain/eventlog"
)

// The error codes of the JetStream API that mean something to a log.
const (
	codeWrongLast         = 10071 // wrong last sequence
	codeWrongLastConstant = 10164 // the same, when the number is not known (clusters, batches)
	codeNoMessage         = 10037
	codeNoSequence        = 10043
	codeDeleteFailed      = 10057 // also: it was not there
	codeTooLarge          = 10054
	codeHeaderTooLarge    = 10097
	codeBatchTooLarge     = 10199
	codeBatchDuplicate    = 10201
)

// apiError is how JetStream says no.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("JetStream says %q (%d)", e.Description, e.ErrCode)
}

// conflict says whether a stream did not end where it was expected to: both
// codes mean it, the second mostly under contention in a cluster.
func (e *apiError) conflict() bool {
	return e.ErrCode == codeWrongLast || e.ErrCode == codeWrongLastConstant
}

// api asks the JetStream API, which the stream's leader answers, and decodes
// its answer. What the server says comes back as an *apiError, everything else
// as ErrUnavailable or ctx's error.
func (l *Log) api(ctx context.Context, subject string, request, answer any) error {
	var body []byte
	if request != nil {
		var err error
		if body, err = json.Marshal(request); err != nil {
			return fmt.Errorf("jslog: %w", err)
		}
	}
	limited, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	reply, err := l.request(limited, &nats.Msg{Subject: jetstream.DefaultAPIPrefix + subject, Data: body})
	if err != nil {
		return l.unavailable(ctx, err)
	}
	var failed struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &failed); err != nil {
		return fmt.Errorf("%w: the server's answer cannot be read: %w", eventlog.ErrUnavailable, err)
	}
	if failed.Error != nil {
		return failed.Error
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Data, answer); err != nil {
		return fmt.Errorf("%w: the server's answer cannot be read: %w", eventlog.ErrUnavailable, err)
	}
	return nil
}

// nobody bounds how long a request is repeated that nobody takes. In a cluster
// that happens for a moment after a stream was made or has got a new leader.
const (
	nobody      = time.Second
	nobodyPause = 20 * time.Millisecond
)

// request sends a message and waits for the answer until ctx ends or the
// connection breaks. That nobody took it means that nobody will act on it, so
// then it is safe to repeat it.
func (l *Log) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.session.Load(), cancel)()
	for started := time.Now(); ; {
		reply, err := l.nc.RequestMsgWithContext(ctx, m)
		if !errors.Is(err, nats.ErrNoResponders) || time.Since(started) > nobody {
			return reply, err
		}
		select {
		case <-time.After(nobodyPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// unavailable is why a request got no answer: the caller's ctx, the keeper of
// the server, or the server.
func (l *Log) unavailable(ctx context.Context, err error) error {
	if down := l.keeper.Down(); down != nil && ctx.Err() == nil {
		return down
	}
	return unavailable(ctx, err)
}

// unavailable is the same for a server without a keeper.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w: JetStream does not answer; check that it is enabled and has a leader", eventlog.ErrUnavailable)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrDisconnected), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: no connection to the NATS server", eventlog.ErrUnavailable)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("%w: the NATS server did not answer in time", eventlog.ErrUnavailable)
	}
	return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
}

// stored is a message as the API's STREAM.MSG.GET hands it out.
type stored struct {
	Subject string `json:"subject"`
	Seq     uint64 `json:"seq"`
	Header  []byte `json:"hdrs"`
	Data    []byte `json:"data"`
}

// getMessage reads one message of a stream from its leader, so that what was
// just written is seen. It returns nil when there is none.
func (l *Log) getMessage(ctx context.Context, stream string, request getRequest) (*stored, error) {
	var answer struct {
		Message *stored `json:"message"`
	}
	err := l.api(ctx, "STREAM.MSG.GET."+stream, request, &answer)
	var no *apiError
	if errors.As(err, &no) && no.ErrCode == codeNoMessage {
		return nil, nil
	}
	return answer.Message, err
}

// getRequest names a message: the last of a subject, or the first of a subject
// from a sequence on.
type getRequest struct {
	LastFor string `json:"last_by_subj,omitempty"`
	NextFor string `json:"next_by_subj,omitempty"`
	Seq     uint64 `json:"seq,omitempty"`
	// The next two are for direct gets only.
	Batch    int `json:"batch,omitempty"`
	MaxBytes int `json:"max_bytes,omitempty"`
}
