package authz

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/money"
	"till/domain/spending"
)

// ruleFields are the fields of the form in which a person says what an agent may
// spend, as they are typed.
type ruleFields struct {
	Currency                   string
	PerOrder, PerDay, AskAbove string
}

// ruleForm is that form on a page.
type ruleForm struct {
	ruleFields
	// At makes the fields' ids differ where a page holds several forms.
	At string
	// Problem is why what was typed cannot be taken.
	Problem string
	// Set is whether there are rules, Other whether they are another app's of the
	// same name.
	Set, Other bool
	// Was names the rules that the page shows, so that an old page changes none that
	// were set since.
	Was string
}

// errRules is a form that cannot be taken, in a sentence for the person.
type errRules string

func (e errRules) Error() string { return "authz: " + string(e) }

// spendable is what the client may spend for the person.
func (s *Server) spendable(ctx context.Context, user, client string) (spending.State, error) {
	state, _, err := s.spending.State(ctx, spending.ID(user, client))
	return state, err
}

// fieldsOf writes rules as a person would type them.
func (s *Server) fieldsOf(r spending.Rules) ruleFields {
	f := ruleFields{Currency: s.cfg.Currency}
	for _, one := range []struct {
		rule  *money.Amount
		field *string
	}{{r.PerOrder, &f.PerOrder}, {r.PerDay, &f.PerDay}, {r.AskAbove, &f.AskAbove}} {
		if one.rule != nil {
			*one.field, f.Currency = one.rule.Decimal(), one.rule.Currency
		}
	}
	return f
}

// formOf is the form as the rules stand.
func (s *Server) formOf(r spending.Rules) ruleForm {
	shown, err := json.Marshal(r)
	if err != nil {
		panic(err) // rules always have JSON
	}
	return ruleForm{ruleFields: s.fieldsOf(r), Set: r.Any(), Was: b64(mac(s.keys.form, "rules", string(shown)))}
}

// take sets what the form of the request says, which stays in the form with what is
// wrong with it.
func (s *Server) take(r *http.Request, user, client string, form *ruleForm) error {
	form.ruleFields, form.Set = typed(r.PostForm, form.Currency), true
	if r.PostForm.Get("was") != form.Was {
		return errRules("The limits were changed since you opened this page. Here is what you wrote; look at it once more.")
	}
	rules, err := form.rules()
	if err != nil {
		return err
	}
	return s.setRules(r.Context(), user, client, rules)
}

// typed is what the form says.
func typed(form url.Values, currency string) ruleFields {
	get := func(name string) string { return shorten(strings.TrimSpace(form.Get(name)), 40) }
	return ruleFields{currency, get("per_order"), get("per_day"), get("ask_above")}
}

// rules reads the fields; a sentence for the person says what is wrong.
func (f ruleFields) rules() (r spending.Rules, err error) {
	for _, one := range []struct {
		text, name string
		rule       **money.Amount
	}{{f.PerOrder, "The limit per order", &r.PerOrder}, {f.PerDay, "The limit in 24 hours", &r.PerDay}, {f.AskAbove, "The amount above which you are asked", &r.AskAbove}} {
		if one.text == "" {
			continue
		}
		amount, ok := amountOf(one.text, f.Currency)
		if !ok {
			return spending.Rules{}, errRules(one.name + " must be an amount in " + f.Currency + " such as " + money.Of(5000, f.Currency).Decimal() +
				", or empty for none. You wrote: " + printable(one.text))
		}
		*one.rule = &amount
	}
	return r, nil
}

// amountOf reads an amount as people type it: with the currency before or behind
// it, and with a point or a comma before the decimals. What might be thousands is
// no amount, since a guess could be a thousand times off.
func amountOf(text, currency string) (money.Amount, bool) {
	zero := money.Of(0, currency)
	text = strings.NewReplacer(currency, "", strings.TrimSuffix(zero.String(), zero.Decimal()), "", " ", "", "\u00a0", "").Replace(text)
	if !strings.Contains(text, ".") {
		text = strings.Replace(text, ",", ".", 1)
	}
	_, decimals, _ := strings.Cut(text, ".")
	amount, err := money.Parse(text, currency)
	return amount, err == nil && amount.Minor >= 0 && len(decimals) <= money.Exponent(currency)
}

// setRules puts on the log what the client may spend for the person from now on.
func (s *Server) setRules(ctx context.Context, user, client string, r spending.Rules) error {
	meta := s.meta(eventlog.Actor{Kind: eventlog.User, User: user, Client: client})
	out, err := s.spending.Do(ctx, spending.ID(user, client), spending.SetRules{User: user, Client: client, Rules: r, At: meta.Time}, meta)
	if errors.Is(err, spending.ErrRules) {
		return errRules("These amounts cannot be kept: they must be in one currency and not below zero.")
	}
	if err != nil {
		return err
	}
	if out.Changed {
		s.cfg.Logger.Info("what an agent may spend was set", "user", user, "client", client)
	}
	return s.applied(ctx, out.Position)
}

// allowance says on the connections page what an agent may spend and has spent.
type allowance struct {
	Rules  []string
	Spent  string
	Form   ruleForm
	Asking []asking
}

// asking is a purchase that waits for the person.
type asking struct{ Total, Link, Ago string }

// allowanceOf is nil for an agent that cannot buy.
func (s *Server) allowanceOf(ctx context.Context, g grant.State, now time.Time) (*allowance, error) {
	if !grant.Covers(g.Scopes, grant.OrdersWrite) {
		return nil, nil
	}
	state, err := s.spendable(ctx, g.User, g.Client)
	if err != nil {
		return nil, err
	}
	a := &allowance{Rules: inRules(state.Rules), Form: s.formOf(state.Rules)}
	a.Form.At = g.ID
	if state.Rules.Any() {
		sum, orders := state.Within(now, a.Form.Currency, "")
		a.Spent = sum.String() + " in " + count(orders, "order")
	}
	for _, r := range state.Requests {
		if r.Waits(now) {
			a.Asking = append(a.Asking, asking{r.Total.String(), approvalPath(g.Client, r.Purchase), ago(now.Sub(r.At))})
		}
	}
	return a, nil
}

// inRules are the rules in plain words, none for no rules.
func inRules(r spending.Rules) (all []string) {
	if r.PerOrder != nil {
		all = append(all, "At most "+r.PerOrder.String()+" per order")
	}
	if r.PerDay != nil {
		all = append(all, "At most "+r.PerDay.String()+" in 24 hours")
	}
	switch {
	case r.AskAbove == nil:
	case r.AskAbove.Minor == 0:
		all = append(all, "Asks you before every order")
	default:
		all = append(all, "Asks you before orders above "+r.AskAbove.String())
	}
	return all
}
