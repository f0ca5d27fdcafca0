package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"till/domain/eventlog"
	"till/domain/history"
	"till/domain/promotion"
	"till/projections"
)

// listedCode is a discount code as its merchant sees it.
type listedCode struct {
	Code  string          `json:"code"`
	Terms promotion.Terms `json:"terms"`
	// State is open, not yet, over, used up or ended.
	State string    `json:"state"`
	Made  time.Time `json:"made"`
	Used  int       `json:"used"`
	Left  int       `json:"left"`
	// Uses are the newest uses, the newest first; only of a code that is shown.
	Uses []listedUse `json:"uses,omitempty"`
}

type listedUse struct {
	At    time.Time `json:"at"`
	Who   string    `json:"who"`
	Order string    `json:"order"`
}

// usesShown is how many uses are shown of a code.
const usesShown = 50

func (l listedCode) words() string {
	words := history.Terms(l.Terms)
	if l.Terms.Title != "" {
		words = history.Plain(l.Terms.Title, promotion.MaxTitle) + " – " + words
	}
	return words
}

var (
	askCreateCode = question[creation, listedCode]{"code", (*App).createCode}
	askCodes      = question[string, listedCode]{"codes", (*App).listCodes}
	askCode       = question[string, listedCode]{"code-show", (*App).showCode}
	askEndCode    = question[string, listedCode]{"code-end", (*App).endCode}
)

func listedOf(s promotion.State, now time.Time) listedCode {
	l := listedCode{Code: s.Code, Terms: s.Terms, Made: s.Created, Used: len(s.Uses), Left: s.Left(), State: "open"}
	switch {
	case !s.Ended.IsZero():
		l.State = "ended"
	case now.Before(s.Terms.Starts):
		l.State = "not yet"
	case !s.Terms.Ends.IsZero() && !now.Before(s.Terms.Ends):
		l.State = "over"
	case l.Left == 0:
		l.State = "used up"
	}
	return l
}

// doCode does something to a code and waits until all see it.
func (a *App) doCode(ctx context.Context, code string, cmd promotion.Command, cause string) (promotion.State, error) {
	meta := eventlog.Meta{Command: "code:" + rand.Text(), Actor: eventlog.Actor{Kind: eventlog.Admin}, Causation: cause, Time: time.Now().UTC()}
	out, err := a.checkout.Promotions.Do(ctx, code, cmd, meta)
	if err == nil {
		err = a.views.Wait(ctx, out.Position)
	}
	return out.State, err
}

func (a *App) createCode(ctx context.Context, q creation, out reply[listedCode]) error {
	code, err := promotion.Normal(q.Code)
	if err != nil {
		return fmt.Errorf("%w; %q is none", err, short(q.Code, 40))
	}
	if q.Terms.Category, err = a.categoryNamed(ctx, q.Terms.Category); err != nil {
		return err
	}
	now := time.Now().UTC()
	if ends := q.Terms.Ends; !ends.IsZero() && !now.Before(ends) {
		return fmt.Errorf("%w: it would have ended already, at %s", promotion.ErrTerms, ends.Format("2006-01-02 15:04 MST"))
	}
	s, err := a.doCode(ctx, code, promotion.Create{Code: code, Terms: q.Terms, At: now}, "cli:code create")
	if errors.Is(err, promotion.ErrTaken) {
		err = fmt.Errorf("%w: %s; till code show %s tells its terms, and a new one needs another name", err, code, code)
	}
	if err != nil {
		return err
	}
	return out.item(listedOf(s, now))
}

// categoryNamed is the category as the catalogue spells it.
func (a *App) categoryNamed(ctx context.Context, name string) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		return "", nil
	}
	var all []projections.CategoryCount
	err := a.views.Read(ctx, 0, func(r *projections.Reader) (err error) {
		all, err = r.Categories(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	names := make([]string, len(all))
	for i, c := range all {
		if strings.EqualFold(c.Category, name) {
			return c.Category, nil
		}
		names[i] = c.Category
	}
	return "", fmt.Errorf("the shop sells nothing in the category %q; there are %s", short(name, 40), short(strings.Join(names, ", "), 300))
}

// codeNamed is the code that is meant, which exists.
func (a *App) codeNamed(ctx context.Context, typed string) (promotion.State, error) {
	code, err := promotion.Normal(typed)
	if err != nil {
		return promotion.State{}, fmt.Errorf("%w; %q is none", err, short(typed, 40))
	}
	s, _, err := a.checkout.Promotions.State(ctx, code)
	if err == nil && s.Code == "" {
		err = fmt.Errorf("there is no code %s; till code list shows all", code)
	}
	return s, err
}

func (a *App) listCodes(ctx context.Context, _ string, out reply[listedCode]) error {
	codes, err := a.views.Codes(ctx)
	for _, code := range codes {
		s, _, err := a.checkout.Promotions.State(ctx, code)
		if err != nil {
			return err
		}
		if err := out.item(listedOf(s, time.Now())); err != nil {
			return err
		}
	}
	return err
}

func (a *App) showCode(ctx context.Context, typed string, out reply[listedCode]) error {
	s, err := a.codeNamed(ctx, typed)
	if err != nil {
		return err
	}
	l, names := listedOf(s, time.Now()), map[string]string{}
	for _, u := range slices.Backward(s.Uses) {
		if len(l.Uses) == usesShown {
			break
		}
		who := a.name(ctx, names, u.User)
		if who == "" {
			who = u.User
		}
		l.Uses = append(l.Uses, listedUse{u.At, who, u.Order})
	}
	return out.item(l)
}

func (a *App) endCode(ctx context.Context, typed string, out reply[listedCode]) error {
	s, err := a.codeNamed(ctx, typed)
	if err != nil {
		return err
	}
	if !s.Ended.IsZero() {
		return fmt.Errorf("the code %s ended already, at %s", s.Code, s.Ended.Local().Format("2006-01-02 15:04"))
	}
	if s, err = a.doCode(ctx, s.Code, promotion.End{At: time.Now().UTC()}, "cli:code end"); err != nil {
		return err
	}
	return out.item(listedOf(s, time.Now()))
}
