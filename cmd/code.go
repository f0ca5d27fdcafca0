package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"

	"till/domain/history"
	"till/domain/money"
	"till/domain/promotion"
)

type codeCmd struct {
	Create codeCreateCmd `cmd:"" help:"Make a discount code."`
	List   codeListCmd   `cmd:"" help:"Which codes there are, and how often each was used."`
	Show   codeShowCmd   `cmd:"" help:"A code with its terms, and who used it for which order."`
	End    codeEndCmd    `cmd:"" help:"End a code for good; orders that used it keep their discount."`
}

// Help is shown by till code --help.
func (codeCmd) Help() string {
	return "People give a code to their agent, which puts it on the cart with apply_discount_code. One cart takes one code. Who guesses codes is slowed down, but choose a long one for a large discount."
}

type codeCreateCmd struct {
	dataFlag
	Code      string `arg:"" help:"The code: 3 to 32 letters, digits or hyphens; capitals and small letters are the same."`
	Percent   string `help:"How many per cent it takes off, such as 10 or 12.5." placeholder:"N" xor:"worth" required:""`
	Amount    string `help:"How much it takes off, such as 5.00, but never more than there is to pay." placeholder:"MONEY" xor:"worth" required:""`
	Min       string `help:"What the cart must cost before the discount." placeholder:"MONEY"`
	Category  string `help:"Only products of this category become cheaper."`
	From      string `help:"From when on it holds: a day (2026-12-01, from its beginning in UTC) or a time (2026-12-01T09:00:00Z)." placeholder:"WHEN"`
	Until     string `help:"How long it holds: a day (to its end in UTC) or a time." placeholder:"WHEN"`
	Limit     int    `help:"How often it can be used in all." default:"10000"`
	PerPerson int    `help:"How often one person can use it; 0 is as often as they like."`
	Title     string `help:"What it is for, for your own lists."`
}

// creation is a code to be made.
type creation struct {
	Code  string          `json:"code"`
	Terms promotion.Terms `json:"terms"`
}

func (c codeCreateCmd) Run(ctx context.Context, t terminal) error {
	q := creation{Code: c.Code, Terms: promotion.Terms{Title: c.Title, Category: c.Category, Limit: c.Limit, PerPerson: c.PerPerson}}
	var err error
	if q.Terms.Percent, err = percent(c.Percent); err != nil {
		return err
	}
	if q.Terms.Off, err = amount("--amount", c.Amount); err != nil {
		return err
	}
	if q.Terms.Minimum, err = amount("--min", c.Min); err != nil {
		return err
	}
	if q.Terms.Starts, err = when("--from", c.From, false); err != nil {
		return err
	}
	if q.Terms.Ends, err = when("--until", c.Until, true); err != nil {
		return err
	}
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	return askCreateCode.ask(ctx, shop, q, func(s listedCode) error {
		_, err := fmt.Fprintf(t.out, "The code %s is made: %s.\nPeople give it to their agent; till code show %s tells who used it.\n", s.Code, history.Terms(s.Terms), s.Code)
		return err
	}, nil)
}

// percent reads "10", "12.5" or "10%" as basis points; 0 for none.
func percent(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	// Two decimals, as dollars have.
	n, err := money.Parse(strings.TrimSuffix(strings.TrimSpace(text), "%"), "USD")
	if err != nil || n.Minor < 1 || n.Minor > promotion.Whole {
		return 0, fmt.Errorf("--percent takes a number above 0 and up to 100 with at most two decimals, such as 10 or 12.5, not %q", short(text, 40))
	}
	return int(n.Minor), nil
}

// amount reads a sum of money in the shop's currency; nil for none.
func amount(name, text string) (*money.Amount, error) {
	if text == "" {
		return nil, nil
	}
	a, err := money.Parse(text, currency)
	if err != nil || a.Minor < 1 {
		return nil, fmt.Errorf("%s takes an amount above 0 in %s, such as 5.00, not %q", name, currency, short(text, 40))
	}
	return &a, nil
}

// when reads a day or a time. The end of a day is the beginning of the next.
func when(name, text string, end bool) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err == nil && end {
		at = at.AddDate(0, 0, 1)
	} else if err != nil {
		at, err = time.Parse(time.RFC3339, text)
	}
	if err != nil {
		return at, fmt.Errorf("%s takes a day (2026-12-24) or a time (2026-12-24T18:00:00Z), not %q", name, short(text, 40))
	}
	// The log has four digits for a year, and the last day there is means for ever.
	if at = at.UTC(); at.Year() > 9999 {
		return at, fmt.Errorf("leave %s out for no bound; %s is later than a time can be written", name, short(text, 40))
	}
	return at, nil
}

type codeListCmd struct{ dataFlag }

func (c codeListCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	n := 0
	err = askCodes.ask(ctx, shop, "", func(s listedCode) error {
		if n++; n == 1 {
			fmt.Fprintf(t.out, "%-32s %-9s %6s  %s\n", "CODE", "STATE", "USED", "TERMS")
		}
		_, err := fmt.Fprintf(t.out, "%-32s %-9s %6d  %s\n", s.Code, s.State, s.Used, s.words())
		return err
	}, nil)
	if err == nil && n == 0 {
		fmt.Fprintln(t.out, "There is no discount code; make one with till code create CODE --percent 10.")
	}
	return err
}

type codeShowCmd struct {
	dataFlag
	Code string `arg:"" help:"The code."`
}

func (c codeShowCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	return askCode.ask(ctx, shop, c.Code, func(s listedCode) error {
		fmt.Fprintf(t.out, "%s is %s: %s.\nMade %s, used %s, %s left.\n", s.Code, s.State, s.words(),
			s.Made.Local().Format("2006-01-02 15:04"), times(s.Used), times(s.Left))
		for _, u := range s.Uses {
			fmt.Fprintf(t.out, "  %s  %-26s %s\n", u.At.Local().Format("2006-01-02 15:04"), u.Who, u.Order)
		}
		if more := s.Used - len(s.Uses); more > 0 {
			fmt.Fprintf(t.out, "  and %d earlier; till events --stream promotion/%s lists all\n", more, s.Code)
		}
		return nil
	}, nil)
}

func times(n int) string { return fmt.Sprintf("%d %s", n, plural(n, "time")) }

type codeEndCmd struct {
	dataFlag
	Code string `arg:"" help:"The code."`
}

func (c codeEndCmd) Run(ctx context.Context, t terminal) error {
	shop, err := reach(ctx, c.dataFlag)
	if err != nil {
		return err
	}
	defer shop.close()
	return askEndCode.ask(ctx, shop, c.Code, func(s listedCode) error {
		_, err := fmt.Fprintf(t.out, "The code %s has ended; it was used %s.\n", s.Code, times(s.Used))
		return err
	}, nil)
}
