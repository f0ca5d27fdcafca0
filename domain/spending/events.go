package spending

import (
	"time"

	"till/domain/cart"
	"till/domain/eventlog"
	"till/domain/money"
)

// Event is something that happened to what an agent may spend.
type Event interface{ event() }

// RulesSet: the person said what the agent may spend.
type RulesSet struct {
	User   string    `json:"user"`
	Client string    `json:"client"`
	Rules  Rules     `json:"rules"`
	At     time.Time `json:"at"`
}

// Reserved: an attempt at a purchase counts against the rules from now on.
type Reserved struct {
	Reservation string       `json:"reservation"`
	Purchase    string       `json:"purchase"`
	Amount      money.Amount `json:"amount"`
	At          time.Time    `json:"at"`
}

// Released: the attempt came to nothing and no longer counts.
type Released struct {
	Reservation string       `json:"reservation"`
	Amount      money.Amount `json:"amount"`
	Reason      string       `json:"reason"`
}

// ApprovalRequested: the agent wants to buy what needs the person's yes.
type ApprovalRequested struct {
	Purchase string       `json:"purchase"`
	Order    string       `json:"order"`
	Lines    []cart.Line  `json:"lines"`
	Total    money.Amount `json:"total"`
	At       time.Time    `json:"at"`
}

// Approved: the person said yes to exactly that purchase.
type Approved struct {
	Purchase string       `json:"purchase"`
	Order    string       `json:"order"`
	Total    money.Amount `json:"total"`
	Until    time.Time    `json:"until"`
	At       time.Time    `json:"at"`
}

// Denied: the person said no to it.
type Denied struct {
	Purchase string       `json:"purchase"`
	Order    string       `json:"order"`
	Total    money.Amount `json:"total"`
	At       time.Time    `json:"at"`
}

func (RulesSet) event()          {}
func (Reserved) event()          {}
func (Released) event()          {}
func (ApprovalRequested) event() {}
func (Approved) event()          {}
func (Denied) event()            {}

// Register makes the events known under their wire names.
func Register(t *eventlog.Types) {
	eventlog.Register[RulesSet](t, "spending.rules_set", 1)
	eventlog.Register[Reserved](t, "spending.reserved", 1)
	eventlog.Register[Released](t, "spending.released", 1)
	eventlog.Register[ApprovalRequested](t, "spending.approval_requested", 1)
	eventlog.Register[Approved](t, "spending.approved", 1)
	eventlog.Register[Denied](t, "spending.denied", 1)
}
