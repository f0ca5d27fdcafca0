package cmd

import (
	"context"
	"errors"
	"time"

	"till/domain/promotion"
)

// demoCode is the discount code of a shop with demo users.
const demoCode = "WELCOME10"

// welcome makes the demo users' code. It may have been made by a first start that
// was cut off.
func (a *App) welcome(ctx context.Context) error {
	terms := promotion.Terms{Title: "Welcome", Percent: 1000, PerPerson: 1, Limit: promotion.MaxUses}
	_, err := a.doCode(ctx, demoCode, promotion.Create{Code: demoCode, Terms: terms, At: time.Now().UTC()}, "first start")
	if errors.Is(err, promotion.ErrTaken) {
		return nil
	}
	return err
}

// demoCodeHolds is whether the demo users' code is there and can be used.
func (a *App) demoCodeHolds(ctx context.Context) (bool, error) {
	s, _, err := a.checkout.Promotions.State(ctx, demoCode)
	return s.Check("", "", time.Now()) == nil, err
}

// unwelcome ends the code of a shop that was tried out before it got its public URL:
// whoever reads how Till is tried would know it.
func (a *App) unwelcome(ctx context.Context) error {
	s, _, err := a.checkout.Promotions.State(ctx, demoCode)
	if err != nil || s.Code == "" || !s.Ended.IsZero() {
		return err
	}
	a.opt.Logger.Warn("the demo users' discount code has ended, since the shop has a public URL", "code", demoCode)
	_, err = a.doCode(ctx, demoCode, promotion.End{At: time.Now().UTC()}, "public URL")
	return err
}
