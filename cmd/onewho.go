package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"till/authz"
	"till/domain/account"
	"till/projections"
)

// oneWho is the person named, or the only customer.
func (a *App) oneWho(ctx context.Context, name string) (who projections.Person, err error) {
	if name != "" {
		id, err := a.knownUser(ctx, name)
		if errors.Is(err, authz.ErrNobody) {
			return who, fmt.Errorf("%s has no account here; %w", short(name, 40), a.whoShops(ctx))
		}
		if err != nil {
			return who, err
		}
		if who, _, err = a.views.Person(ctx, id); err == nil && !who.Active() {
			err = fmt.Errorf("the account of %s is disabled; till user enable %s opens it again", who.Name, who.Name)
		}
		return who, err
	}
	customers, err := a.customers(ctx)
	if err == nil && len(customers) != 1 {
		err = a.whoShops(ctx)
	}
	if err != nil {
		return who, err
	}
	return customers[0], nil
}

// customers are those who may shop and are no administrators.
func (a *App) customers(ctx context.Context) (active []projections.Person, err error) {
	ids, err := a.views.Users(ctx)
	for _, id := range ids {
		p, _, err := a.views.Person(ctx, id)
		if err != nil {
			return nil, err
		}
		if p.Active() && p.Role == account.Customer {
			active = append(active, p)
		}
	}
	slices.SortFunc(active, func(a, b projections.Person) int { return strings.Compare(a.Name, b.Name) })
	return active, err
}

// whoShops is the error that says whom to name.
func (a *App) whoShops(ctx context.Context) error {
	customers, err := a.customers(ctx)
	if err != nil {
		return err
	}
	if len(customers) == 0 {
		return errors.New("nobody has a customer's account: till user add NAME opens one")
	}
	const most = 20
	var names []string
	for _, p := range customers[:min(most, len(customers))] {
		names = append(names, p.Name)
	}
	if len(customers) > most {
		names = append(names, fmt.Sprintf("and %d more, see till user list", len(customers)-most))
	}
	return fmt.Errorf("say with --user who shops: %s", strings.Join(names, ", "))
}
