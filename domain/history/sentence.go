package history

import (
	"fmt"
	"strings"

	"till/domain/account"
	"till/domain/account/session"
	"till/domain/cart"
	"till/domain/catalog"
	"till/domain/client"
	"till/domain/grant"
	"till/domain/order"
	"till/domain/spending"
	"till/domain/stock"
)

// Sentence says what happened, as the rest of a line that begins with who did
// it. It is empty for an event that the package does not know, which a test
// keeps from happening.
func Sentence(event any) string {
	for _, say := range []func(any) string{shopping, ordering, afterwards, spent, promised, shelving, granting, belonging} {
		if s := say(event); s != "" {
			return s
		}
	}
	return ""
}

func shopping(event any) string {
	switch e := event.(type) {
	case cart.ItemAdded:
		return fmt.Sprintf("put %d × %s into the cart, %s each", e.Quantity, named(e.Item), price(e.Price))
	case cart.Filled:
		var what []string
		const told = 10
		for i, item := range e.Items {
			if i == told {
				what = append(what, fmt.Sprintf("and %d more", len(e.Items)-told))
				break
			}
			what = append(what, fmt.Sprintf("%d × %s, %s each", item.Quantity, named(item.Item), price(item.Price)))
		}
		return "filled the cart with " + strings.Join(what, "; ")
	case cart.QuantityChanged:
		return fmt.Sprintf("changed %s in the cart from %d to %d", clean(e.SKU), e.From, e.To)
	case cart.ItemRemoved:
		return fmt.Sprintf("took %d × %s out of the cart", e.Quantity, clean(e.SKU))
	case cart.DiscountApplied:
		return "put the code " + clean(e.Code) + " on the cart"
	case cart.DiscountRemoved:
		return "took the code " + clean(e.Code) + " off the cart"
	case cart.Cleared:
		return "emptied the cart of " + counted(e.Lines, "line")
	case cart.CheckoutClaimed:
		return "began to buy the cart with order " + clean(e.Order)
	case cart.CheckoutReleased:
		return "gave the cart back, since order " + clean(e.Order) + " came to nothing"
	case cart.CheckedOut:
		var what []string
		for _, b := range e.Lines {
			what = append(what, fmt.Sprintf("%d × %s", b.Quantity, clean(b.SKU)))
		}
		return "took what order " + clean(e.Order) + " bought out of the cart: " + listed(what)
	}
	return ""
}

func ordering(event any) string {
	switch e := event.(type) {
	case order.CheckoutStarted:
		return fmt.Sprintf("started to buy %s for %s%s", contents(e.Lines), price(e.Total), less(e.Discount))
	case order.CheckoutJoined:
		return "asked for the same purchase"
	case order.CheckoutRetried:
		return fmt.Sprintf("tried to buy it again (attempt %d) with %s", e.Attempt, clean(e.Method))
	case order.PaymentRequested:
		return fmt.Sprintf("asked for %s with %s", price(e.Amount), clean(e.Method))
	case order.PaymentPending:
		return "could not learn whether the payment went through"
	case order.PaymentDeclined:
		return "was refused the payment: " + reason(e.Reason, e.Code)
	case order.CheckoutFailed:
		return "gave up before any payment: " + reason(e.Reason, e.Code)
	case order.OrderPlaced:
		if e.Payment == "" {
			return "placed the order, nothing was to be paid"
		}
		return fmt.Sprintf("placed the order, %s paid as %s", price(e.Total), clean(e.Payment))
	}
	return ""
}

func afterwards(event any) string {
	switch e := event.(type) {
	case order.OrderDispatched:
		return fmt.Sprintf("sent the order off with %s, tracking number %s", clean(e.Carrier), clean(e.Tracking))
	case order.OrderDelivered:
		return "delivered the order; it may come back until " + clock(e.ReturnsUntil)
	case order.OrderCancelled:
		return fmt.Sprintf("cancelled the order for the %s, %s are due back%s", clean(e.By), price(e.Refund), why(e.Reason))
	case order.ReturnRequested:
		return fmt.Sprintf("asked to send back %s for %s (return %s)%s", goods(e.Lines), price(order.Return{Lines: e.Lines}.Amount()), clean(e.Return), why(e.Reason))
	case order.ReturnApproved:
		return "approved the return " + clean(e.Return)
	case order.ReturnRejected:
		return "rejected the return " + clean(e.Return) + why(e.Reason)
	case order.ReturnReceived:
		state := "not to be sold again"
		if e.Sellable {
			state = "to be sold again"
		}
		return fmt.Sprintf("got the goods of return %s back, %s; %s are due back", clean(e.Return), state, price(e.Refund))
	case order.OrderRefunded:
		return fmt.Sprintf("paid %s back for %s%s", price(e.Amount), refunded(e.Refund), as(e.Reference))
	case order.RefundRefused:
		return fmt.Sprintf("was refused the refund for %s: %s", refunded(e.Refund), reason(e.Reason, e.Code))
	}
	return ""
}

// why adds a reason that somebody gave.
func why(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + clean(reason)
}

// as adds a reference.
func as(reference string) string {
	if reference == "" {
		return ""
	}
	return " as " + clean(reference)
}

// refunded says what a refund is for.
func refunded(id string) string {
	if id == order.ForCancel {
		return "the cancelled order"
	}
	return "return " + clean(id)
}

func goods(lines []order.ReturnedLine) string {
	what := make([]string, len(lines))
	for i, l := range lines {
		what[i] = fmt.Sprintf("%d × %s", l.Quantity, clean(l.SKU))
	}
	return listed(what)
}

func spent(event any) string {
	switch e := event.(type) {
	case spending.RulesSet:
		return "set what the agent may spend: " + rules(e.Rules)
	case spending.Reserved:
		return fmt.Sprintf("counted %s of order %s against the agent's limits", price(e.Amount), orderOf(e.Reservation))
	case spending.Released:
		return fmt.Sprintf("no longer counts %s of order %s: %s", price(e.Amount), orderOf(e.Reservation), clean(strings.ReplaceAll(e.Reason, "_", " ")))
	case spending.ApprovalRequested:
		return fmt.Sprintf("asked the person to approve %s for %s", contents(e.Lines), price(e.Total))
	case spending.Approved:
		return fmt.Sprintf("approved the purchase for %s, until %s", price(e.Total), clock(e.Until))
	case spending.Denied:
		return "said no to the purchase for " + price(e.Total)
	}
	return ""
}

func rules(r spending.Rules) string {
	var all []string
	if r.PerOrder != nil {
		all = append(all, price(*r.PerOrder)+" per order")
	}
	if r.PerDay != nil {
		all = append(all, price(*r.PerDay)+" in 24 hours")
	}
	switch {
	case r.AskAbove == nil:
	case r.AskAbove.Minor == 0:
		all = append(all, "only with a yes")
	default:
		all = append(all, "above "+price(*r.AskAbove)+" only with a yes")
	}
	if all == nil {
		return "anything"
	}
	return listed(all)
}

func shelving(event any) string {
	switch e := event.(type) {
	case stock.Counted:
		return "counted " + pieces(e.OnHand)
	case stock.Reserved:
		return fmt.Sprintf("kept %s apart for order %s until %s", pieces(e.Quantity), orderOf(e.Reservation), clock(e.Until))
	case stock.Released:
		return fmt.Sprintf("gave %s of order %s back: %s", pieces(e.Quantity), orderOf(e.Reservation), clean(strings.ReplaceAll(e.Reason, "_", " ")))
	case stock.Committed:
		return fmt.Sprintf("sold %s to order %s", pieces(e.Quantity), orderOf(e.Reservation))
	case stock.Restocked:
		return fmt.Sprintf("put %s of order %s back into the stock (%s)", pieces(e.Quantity), clean(e.Order), refunded(e.For))
	case catalog.ProductAdded:
		return "put " + offer(e.Product) + " on offer"
	case catalog.ProductChanged:
		return "changed the offer of " + offer(e.Product)
	case catalog.ProductWithdrawn:
		return "took the product off the shelf"
	}
	return ""
}

func granting(event any) string {
	switch e := event.(type) {
	case grant.Authorized:
		name := clean(e.ClientName)
		if name == "" {
			name = clean(e.Client)
		}
		if e.Verified != "" {
			name += " (of " + clean(e.Verified) + ")"
		}
		return "allowed " + name + " to act with " + strings.Join(cleaned(e.Scopes), " ")
	case grant.TokensIssued:
		how := "exchanged the code for the first tokens"
		if e.From > 0 {
			how = fmt.Sprintf("renewed the tokens of generation %d", e.From)
		}
		return fmt.Sprintf("%s (generation %d, good until %s)", how, e.Generation, clock(e.Expires))
	case grant.Revoked:
		return "ended the grant: " + because(e.Reason)
	case client.Registered:
		name := clean(e.Name)
		if name == "" {
			name = "without a name"
		}
		return "registered the client " + name + ", answers go to " + listed(cleaned(e.Redirects))
	}
	return ""
}

func belonging(event any) string {
	switch e := event.(type) {
	case account.Opened:
		return "opened an account as " + string(e.Role)
	case account.PasswordChanged:
		return "changed the password, which ends passkeys and linked logins"
	case account.Disabled:
		return "shut the account"
	case account.Enabled:
		return "opened the account again"
	case account.Forgotten:
		return "was forgotten: the key to the name is destroyed"
	case account.LoginsRefused:
		return "failed to log in too often; further tries have to wait"
	case account.Linked:
		return "linked the account to a login at " + clean(e.Provider)
	case account.Unlinked:
		return "took the login at " + clean(e.Provider) + " off the account"
	case account.PasskeyAdded:
		return "added the passkey " + clean(e.ID)
	case account.PasskeyRemoved:
		return "removed the passkey " + clean(e.ID)
	case session.Started:
		if e.Passkey != "" {
			return "logged in with the passkey " + clean(e.Passkey) + ", until " + clock(e.Expires)
		}
		return "logged in, until " + clock(e.Expires)
	case session.Ended:
		return "logged out"
	}
	return ""
}

// because says in words why a grant ended.
func because(r grant.Reason) string {
	switch r {
	case grant.ByClient:
		return "the client gave its token back"
	case grant.ByUser:
		return "the person disconnected the agent"
	case grant.ByAdmin:
		return "an administrator disconnected the agent"
	case grant.AccountClosed:
		return "the account was shut or forgotten"
	case grant.CodeReplayed:
		return "its code came a second time"
	case grant.CodeMisused:
		return "its code came from the wrong client or with the wrong proof"
	case grant.RefreshReused:
		return "a used-up refresh token came again"
	case grant.Password:
		return "the password was changed"
	}
	return clean(string(r))
}

func reason(text, code string) string {
	text = strings.TrimSuffix(clean(text), ".")
	switch {
	case text == "":
		return clean(code)
	case code == "":
		return text
	}
	return text + " (" + clean(code) + ")"
}

func offer(p catalog.Product) string {
	if len(p.Variants) == 0 {
		return clean(p.Title)
	}
	low, high := p.Variants[0].Price, p.Variants[0].Price
	for _, v := range p.Variants {
		if v.Price.Minor < low.Minor {
			low = v.Price
		}
		if v.Price.Minor > high.Minor {
			high = v.Price
		}
	}
	at := price(low)
	if low != high {
		at += " to " + price(high)
	}
	return clean(p.Title) + " at " + at
}

// linesTold is how many parts of a list are told.
const linesTold = 4

func contents(lines []cart.Line) string {
	what := make([]string, len(lines))
	for i, l := range lines {
		what[i] = fmt.Sprintf("%d × %s", l.Quantity, named(l.Item))
	}
	return listed(what)
}

func cleaned(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = clean(t)
	}
	return out
}

func listed(parts []string) string {
	if more := len(parts) - linesTold; more > 0 {
		return strings.Join(parts[:linesTold], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(parts, ", ")
}
