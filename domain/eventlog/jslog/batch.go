package jslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"till/domain/eventlog"
)

// The headers of an atomic batch (NATS ADR-50).
const (
	headBatchID     = "Nats-Batch-Id"
	headBatchSeq    = "Nats-Batch-Sequence"
	headBatchCommit = "Nats-Batch-Commit"
)

// maxBatches bounds the batches that are open at once. The server opens at most
// fifty a stream and refuses more; side by side they are no faster.
const maxBatches = 8

// publishBatch sends all events of all changes as one atomic batch and returns
// the sequence of the last. The expectation of each stream stands on its first
// message; the server checks all of them when the last one commits.
//
// Only the first and the last message ask for an answer: the first tells early
// that batches are refused, and the server keeps them all in the order in
// which one connection sent them.
func (l *Log) publishBatch(ctx context.Context, changes []eventlog.Change, timeout time.Duration) (uint64, error) {
	select {
	case l.batches <- struct{}{}:
		defer func() { <-l.batches }()
	case <-time.After(timeout):
		return 0, fmt.Errorf("%w: too many changes wait to be stored together", eventlog.ErrUnavailable)
	}
	id := nuid.Next()
	total := 0
	for _, c := range changes {
		total += len(c.Events)
	}
	n := 0
	for ci := range changes {
		c := &changes[ci]
		for i := range c.Events {
			n++
			m := newMsg(c, i)
			m.Header[headBatchID] = []string{id}
			m.Header[headBatchSeq] = []string{strconv.Itoa(n)}
			switch {
			case n == total:
				m.Header[headBatchCommit] = []string{"1"}
				return l.publish(ctx, m, timeout)
			case n == 1:
				if err := l.begin(ctx, m, timeout); err != nil {
					return 0, err
				}
			default:
				if err := l.nc.PublishMsg(m); err != nil {
					return 0, l.unavailable(ctx, err) // uncommitted, so nothing is stored
				}
			}
		}
	}
	return 0, fmt.Errorf("%w: an empty batch", eventlog.ErrInvalid)
}

// begin sends the first message of a batch. A lost answer is harmless here:
// without its commit a batch stores nothing.
func (l *Log) begin(ctx context.Context, m *nats.Msg, timeout time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, err := l.request(limited, m)
	if err != nil {
		return l.unavailable(ctx, err)
	}
	if len(reply.Data) == 0 {
		return nil // the batch is open
	}
	return readError(reply.Data)
}

func readError(data []byte) error {
	var answer struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Error == nil {
		return errors.Join(eventlog.ErrUnavailable, err)
	}
	return answer.Error
}
