package cmd

import (
	"context"
	"encoding/json"
	"fmt"

	"till/domain/eventlog"
)

type doctorCmd struct {
	dataFlag
	Quick bool   `help:"Do not read the whole log, which is what finds damage in its old parts."`
	JSON  bool   `help:"One JSON object a line."`
	URL   string `help:"Look from outside instead, as a client of this MCP URL does; needs no data folder." placeholder:"URL"`
}

// Help is shown by till doctor --help.
func (doctorCmd) Help() string {
	return "Looks at the data folder, the log from its first to its last event, the views, what is set aside, reservations and keys that nobody needs, the clock and the public URL. " +
		"With --url it goes a client's way to a shop anywhere, up to the login page, and says at which step a client would fail. " +
		"Each finding says what to do. Exits with 0 when all is well or only worth knowing, with 1 when something needs somebody."
}

// state is how a finding is to be taken.
type state string

const (
	well  state = "ok"
	worth state = "warning" // worth knowing; the shop is not in danger
	wrong state = "problem"
)

// finding is what one check found.
type finding struct {
	Check string `json:"check"`
	State state  `json:"state"`
	Found string `json:"found"`
	// Do is what to do about it.
	Do string `json:"do,omitempty"`
}

type checkup struct {
	Quick bool `json:"quick,omitempty"`
}

var askDoctor = question[checkup, finding]{"doctor", (*App).doctor}

// doctor looks at everything and stops at nothing that it finds.
func (a *App) doctor(ctx context.Context, q checkup, out reply[finding]) error {
	checks := []func(context.Context) (finding, error){
		a.checkFolder, a.checkSync, a.checkViews, a.checkAside, a.checkReservations, a.checkKeys, a.checkAddress,
	}
	if a.opt.OpenID != nil {
		checks = append(checks, a.checkOpenID)
	}
	for _, check := range checks {
		f, err := check(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			f.State, f.Found = wrong, sentence(err)
		}
		if err := out.item(f); err != nil {
			return err
		}
	}
	tell := out.told(ctx)
	for _, f := range a.checkLog(tell.ctx, q.Quick, tell.progress) {
		if err := out.item(f); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c doctorCmd) Run(ctx context.Context, t terminal) error {
	problems, bar := 0, newBar(t.err, "events")
	say := func(f finding) error {
		bar.clear()
		if f.State == wrong {
			problems++
		}
		if c.JSON {
			return json.NewEncoder(t.out).Encode(f)
		}
		mark := map[state]string{well: "ok     ", worth: "note   ", wrong: "PROBLEM"}[f.State]
		_, err := fmt.Fprintf(t.out, "%s  %-13s %s\n", mark, f.Check, f.Found)
		if err == nil && f.Do != "" {
			_, err = fmt.Fprintf(t.out, "         %-13s → %s\n", "", f.Do)
		}
		return err
	}
	look := c.inside
	if c.URL != "" {
		look = c.outside
	}
	if err := look(ctx, say, bar); err != nil {
		return err
	}
	bar.clear()
	if problems > 0 {
		return fmt.Errorf("%d %s to be seen to", problems, plural(problems, "problem"))
	}
	return nil
}

func (c doctorCmd) outside(ctx context.Context, say func(finding) error, _ *bar) error {
	o, err := newOutside(c.URL)
	if err != nil {
		return err
	}
	return o.examine(ctx, say)
}

func (c doctorCmd) inside(ctx context.Context, say func(finding) error, bar *bar) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		// That it does not open is the finding, and the error says what to do.
		if err := say(finding{Check: "shop", State: wrong, Found: sentence(err)}); err != nil {
			return err
		}
		return errSaid
	}
	defer shop.close()
	return askDoctor.ask(ctx, shop, checkup{c.Quick}, say, bar.reach)
}

// upTo reads the log to the end and calls each with every batch.
func (a *App) upTo(ctx context.Context, head eventlog.Position, each func([]eventlog.Envelope)) error {
	if head == 0 {
		return nil
	}
	for batch, err := range a.log.Follow(ctx, 0, 4096) {
		if err != nil {
			return err
		}
		each(batch)
		if batch[len(batch)-1].Position >= head {
			return nil
		}
	}
	return ctx.Err()
}
