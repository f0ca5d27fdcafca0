package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/whatif"
	"till/projections"
)

type whatifCmd struct {
	dataFlag
	Without uint64 `help:"Think the event at this position away." placeholder:"POSITION" xor:"change" required:""`
	With    string `help:"Think the events of this file in, one a line: {\"after\": 12, \"stream\": {\"category\": \"stock\", \"id\": \"SKU\"}, \"type\": \"stock.counted\", \"data\": {\"on_hand\": 5}}." placeholder:"FILE" xor:"change" required:""`
	User    string `help:"Only the rows that are this user's (login name or id)." placeholder:"USER"`
	JSON    bool   `help:"One JSON object a line."`
}

type whatifQuestion struct {
	Without *eventlog.Position `json:"without,omitempty"`
	With    []byte             `json:"with,omitempty"`
	User    string             `json:"user,omitempty"`
}

// whatifReply is one of: a decision that is not what it was, or a row that
// differs.
type whatifReply struct {
	Consequence *consequence            `json:"consequence,omitempty"`
	Difference  *projections.Difference `json:"difference,omitempty"`
}

// consequence is a whatif.Consequence in words.
type consequence struct {
	Position eventlog.Position `json:"position"`
	Stream   string            `json:"stream"`
	Was      string            `json:"was"`
	Refused  string            `json:"refused,omitempty"`
	Instead  []string          `json:"instead,omitempty"`
	Put      bool              `json:"put_in,omitempty"`
}

// maxWith bounds a file of events, in bytes.
const maxWith = 1 << 20

var askWhatif = question[whatifQuestion, whatifReply]{"whatif", (*App).whatif}

func (a *App) whatif(ctx context.Context, q whatifQuestion, out reply[whatifReply]) error {
	user, err := a.userID(ctx, q.User)
	if err != nil {
		return err
	}
	end, err := a.log.Head(ctx)
	if err != nil {
		return err
	}
	var change whatif.Change
	if q.Without != nil {
		change.Without = []eventlog.Position{*q.Without}
	} else if change.With, err = whatif.ReadPuts(bytes.NewReader(q.With), a.types, end); err != nil {
		return err
	}
	tell := out.told(ctx)
	log, err := whatif.Think(tell.ctx, a.log, a.types, end, a.log.Epoch(), change, func(c whatif.Consequence) error {
		told := consequence{Position: c.Was.Position, Stream: c.Was.Stream.String(), Was: history.Sentence(c.Event), Put: c.Put}
		if c.Reason != nil {
			told.Refused = strings.TrimPrefix(sentence(c.Reason), c.Was.Stream.Category+": ")
		}
		for _, e := range c.Instead {
			told.Instead = append(told.Instead, history.Sentence(e))
		}
		return out.item(whatifReply{Consequence: &told})
	}, func(at eventlog.Position) error { tell.progress(at, end); return nil })
	if err != nil {
		return tell.or(err)
	}
	// Up to the change both are one history, which is folded once.
	real, err := a.moments.Own(tell.ctx, min(end, change.Before()), tell.progress)
	if err != nil {
		return tell.or(err)
	}
	defer real.Close()
	other, err := real.Fork(ctx, log)
	if err != nil {
		return err
	}
	defer other.Close()
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(real.Advance(tell.ctx, end, tell.progress), other.Advance(tell.ctx, head, tell.progress)); err != nil {
		return tell.or(err)
	}
	return real.Diff(ctx, other, func(d projections.Difference) error {
		if unplace(&d) || user != "" && !d.Concerns(user) {
			return nil
		}
		return out.item(whatifReply{Difference: &d})
	})
}

// unplace takes the positions out of a row that differs, since all behind the
// change are shifted, and says whether nothing else differs.
func unplace(d *projections.Difference) bool {
	delete(d.Before, "position")
	delete(d.After, "position")
	return d.Before != nil && d.After != nil && reflect.DeepEqual(d.Before, d.After)
}

func (c whatifCmd) Run(ctx context.Context, t terminal) error {
	q := whatifQuestion{User: c.User}
	if c.With != "" {
		var err error
		if q.With, err = fileUpTo(c.With, maxWith); err != nil {
			return err
		}
	} else {
		at := eventlog.Position(c.Without)
		q.Without = &at
	}
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	bar, refused, rows := newBar(t.err, "events"), 0, 0
	err = askWhatif.ask(ctx, shop, q, func(r whatifReply) error {
		bar.clear()
		if r.Consequence != nil {
			refused++
		} else {
			rows++
		}
		var err error
		switch {
		case c.JSON:
			err = json.NewEncoder(t.out).Encode(r)
		case r.Consequence != nil:
			_, err = fmt.Fprintln(t.out, r.Consequence.String())
		default:
			_, err = fmt.Fprintln(t.out, differenceText(*r.Difference))
		}
		return err
	}, bar.reach)
	bar.clear()
	if err == nil && !c.JSON {
		_, err = fmt.Fprintf(t.out, "%d later decisions would not be what they were; %s.\n", refused, rowsDiffer(rows))
	}
	return err
}

func (c consequence) String() string {
	text := fmt.Sprintf("position %d, %s: %s", c.Position, c.Stream, c.Was)
	switch {
	case c.Put:
		return text + " — put in, although it is not allowed: " + c.Refused
	case c.Refused != "":
		return text + " — would no longer be allowed: " + c.Refused
	case len(c.Instead) == 0:
		return text + " — would not happen: there is nothing to do"
	}
	for i, other := range c.Instead {
		if i == 0 {
			text += " — decided otherwise: "
		} else {
			text += "; "
		}
		text += other
	}
	return text
}

// fileUpTo reads a small file.
func fileUpTo(name string, most int64) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s is larger than the %d KiB that are taken", name, most>>10)
	}
	return data, err
}
