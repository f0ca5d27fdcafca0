package cmd

import (
	"context"
	"errors"
	"time"

	"till/domain/eventlog/jslog"
	"till/projections/reactors"
)

// startReactors starts what follows from events; stop ends it and returns when
// the messages in hand are done.
func (a *App) startReactors(ctx context.Context) (stop func() error, err error) {
	due := reactors.Due(a.types)
	subscribe := func(name string) (*jslog.Subscriber, error) {
		return jslog.NewSubscriber(a.log, jslog.SubscriberOptions{Name: name, Due: due, RetryMax: 5 * time.Second, Log: a.opt.Logger})
	}
	checkouts, err := subscribe("checkouts")
	if err != nil {
		return nil, err
	}
	reservations, err := subscribe("reservations")
	if err != nil {
		return nil, err
	}
	poison, err := jslog.NewPoison(ctx, a.log)
	if err != nil {
		return nil, err
	}
	r, err := reactors.New(reactors.Options{
		Process: a.checkout, Aftersale: a.aftersale, Views: a.views, Types: a.types, Envelope: jslog.Envelope, Now: time.Now, Logger: a.opt.Logger,
		Checkouts: checkouts, Reservations: reservations, Poison: poison,
	})
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() { ended <- r.Run(running) }()
	select {
	case <-r.Started():
	case err := <-ended:
		cancel()
		return nil, err
	}
	return func() error {
		defer cancel()
		err := r.Close()
		return errors.Join(err, <-ended)
	}, nil
}
