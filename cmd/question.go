package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"till/domain/eventlog"
)

// question is one kind of question that commands put to a shop: a Q goes in, any
// number of As come out. It is answered by the process that has the shop open,
// whether that is this one or one at the other end of the socket.
type question[Q, A any] struct {
	// verb is its name on the socket.
	verb string
	run  func(a *App, ctx context.Context, q Q, out reply[A]) error
}

// reply is where an answer goes. Both functions may be called any number of
// times, by one goroutine; their error ends the work.
type reply[A any] struct {
	item     func(A) error
	progress func(done, total int) error
}

// answerer is a question whose types do not matter to the one who passes it on.
type answerer interface {
	named() string
	answer(ctx context.Context, a *App, question []byte, say func(answer) error) error
}

// questions are all that a shop answers.
func questions() []answerer {
	return []answerer{askEvents, askShow, askWhy, askRebuild, askQuarantine, askRetry, askDiff, askReplay, askDoctor, askArchive, askForget, askWhatif,
		askAdmit, askUsers, askShut, askCreateCode, askCodes, askCode, askEndCode, askOrders, askOrder, askOrderStep}
}

func (q question[Q, A]) named() string { return q.verb }

func (q question[Q, A]) answer(ctx context.Context, a *App, body []byte, say func(answer) error) error {
	var in Q
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("the question cannot be read: it was asked by another version of till (%w)", err)
	}
	return q.run(a, ctx, in, reply[A]{
		item: func(it A) error {
			data, err := json.Marshal(it)
			if err != nil {
				return err
			}
			return say(answer{Item: data})
		},
		progress: func(done, total int) error { return say(answer{Done: done, Total: max(total, 1)}) },
	})
}

// ask puts the question to a shop and hands out its answers as they come.
// progress may be nil.
func (q question[Q, A]) ask(ctx context.Context, shop control, in Q, each func(A) error, progress func(done, total int)) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return shop.ask(ctx, q.verb, body, func(l answer) error {
		if l.Item == nil {
			if progress != nil {
				progress(l.Done, l.Total)
			}
			return nil
		}
		var it A
		if err := json.Unmarshal(l.Item, &it); err != nil {
			return fmt.Errorf("the answer cannot be read: the running shop is another version of till; restart it (%w)", err)
		}
		return each(it)
	})
}

// ask implements control.
func (a *App) ask(ctx context.Context, verb string, question []byte, each func(answer) error) error {
	for _, q := range questions() {
		if q.named() == verb {
			return q.answer(ctx, a, question, each)
		}
	}
	return fmt.Errorf("this till knows no question %q", verb)
}

// telling passes how far work is on to who asked. Work whose news nobody takes
// any more is broken off.
type telling struct {
	ctx      context.Context
	progress func(at, of eventlog.Position)
	failed   *error
}

// told is a telling over the reply. It says something a few times a second.
func (r reply[A]) told(ctx context.Context) telling {
	ctx, cancel := context.WithCancel(ctx)
	var failed error
	var last time.Time
	return telling{ctx, func(at, of eventlog.Position) {
		if now := time.Now(); failed == nil && (now.Sub(last) > 100*time.Millisecond || at == of) {
			last = now
			if failed = r.progress(int(at), int(of)); failed != nil {
				cancel()
			}
		}
	}, &failed}
}

// or is why the news could not be passed on, or else the error.
func (t telling) or(err error) error {
	if *t.failed != nil {
		return *t.failed
	}
	return err
}
