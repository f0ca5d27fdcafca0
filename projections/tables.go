package projections

import (
	"fmt"
	"strings"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/client"
	"till/domain/eventlog"
	"till/domain/grant"
	"till/domain/promotion"
	"till/domain/spending"
)

// view folds the events of one category into rows.
type view interface {
	about() about
	// schema creates the tables; later what a filled table still needs.
	schema() []string
	later() []string
	// rowsAt names the table whose column position says what each row includes.
	rowsAt() string
	// take folds one event in memory; it reads what it needs over the connection.
	take(*conn, fact) error
	// dirty counts the rows that write would write.
	dirty() int
	// write puts them into the file inside the caller's transaction. live is
	// whether people are reading.
	write(c *conn, at eventlog.Position, live bool) error
	// settle is called once the transaction is committed.
	settle()
	// drop forgets what was folded of a stream since the last write, which was
	// rolled back.
	drop(id string, at eventlog.Position)
}

// about says what a view is called, by people too, and what it consists of.
type about struct {
	name string
	// version is raised by hand whenever the same events lead to other rows, so
	// that files of older ones are rebuilt.
	version int
	// rows are the tables whose rows, by their primary key, are what it says.
	rows []string
}

// tables are all views of one file.
type tables struct {
	carts    *carts
	orders   *orders
	products *products
	stock    *stocks
	grants   *grants
	accounts *accounts
	clients  *clients
	sessions *sessions
	spending *spendings
	codes    *codes
	commands *commands
	trail    *trail

	byCategory map[string]view
	names      []string // of the categories, in order
	states     map[string]stater
}

// How many decoded states of each kind the readers keep. Every call with a
// token asks for its grant, so there are most of those.
const (
	manyStates = 20_000
	fewStates  = 5_000
)

type (
	carts     = aggregate[cart.State, cart.Event]
	accounts  = aggregate[account.State, account.Event]
	clients   = aggregate[client.State, client.Event]
	sessions  = aggregate[session.State, session.Event]
	grants    = aggregate[grant.State, grant.Event]
	spendings = aggregate[spending.State, spending.Event]
	codes     = aggregate[promotion.State, promotion.Event]
)

func newTables() *tables {
	t := &tables{
		carts:    newAggregate("carts", cart.Decider(), manyStates),
		orders:   newOrders(),
		products: newProducts(),
		stock:    newStocks(),
		grants:   newGrants(),
		accounts: newAccounts(),
		clients:  newAggregate("clients", client.Decider(), fewStates),
		sessions: newAggregate("sessions", session.Decider(), fewStates),
		spending: newAggregate("spending", spending.Decider(), fewStates),
		codes:    newAggregate("codes", promotion.Decider(), fewStates),
		commands: &commands{},

		byCategory: map[string]view{}, states: map[string]stater{},
	}
	know(t, t.carts, t.carts)
	know(t, t.orders, t.orders.aggregate)
	know(t, t.products, t.products.aggregate)
	know(t, t.stock, t.stock.aggregate)
	know(t, t.grants, t.grants)
	know(t, t.accounts, t.accounts)
	know(t, t.clients, t.clients)
	know(t, t.sessions, t.sessions)
	know(t, t.spending, t.spending)
	know(t, t.codes, t.codes)
	t.trail = &trail{owners: t.owners}
	return t
}

func know[S, E any](t *tables, v view, a *aggregate[S, E]) {
	t.byCategory[a.category], t.states[a.category] = v, a
	t.names = append(t.names, a.category)
}

// chosen returns the views of those names, all for none. An unknown name is
// ErrNoView.
func (t *tables) chosen(names []string) (map[string]bool, error) {
	chosen := map[string]bool{}
	var all []string
	_ = t.each(func(v view) error {
		all = append(all, v.about().name)
		chosen[v.about().name] = len(names) == 0
		return nil
	})
	for _, name := range names {
		if _, ok := chosen[name]; !ok {
			return nil, fmt.Errorf("%w %q; there are %s", ErrNoView, name, strings.Join(all, ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}

// each calls fn with every view, in a fixed order.
func (t *tables) each(fn func(view) error) error {
	for _, name := range t.names {
		if err := fn(t.byCategory[name]); err != nil {
			return err
		}
	}
	if err := fn(t.commands); err != nil {
		return err
	}
	return fn(t.trail)
}
