package promotion_test

import (
	"errors"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"till/domain/money"
	"till/domain/promotion"
)

func line(cents int64, category string) promotion.Line {
	return promotion.Line{Subtotal: money.Of(cents, "USD"), Category: category}
}

func TestDiscount(t *testing.T) {
	for name, c := range map[string]struct {
		terms promotion.Terms
		lines []promotion.Line
		want  []int64
	}{
		"ten per cent":                        {promotion.Terms{Percent: 1000}, []promotion.Line{line(1000, ""), line(500, "")}, []int64{100, 50}},
		"half a cent rounds up":               {promotion.Terms{Percent: 1000}, []promotion.Line{line(15, "")}, []int64{2}},
		"less than half a cent is nothing":    {promotion.Terms{Percent: 1000}, []promotion.Line{line(4, "")}, []int64{0}},
		"thirds add up":                       {promotion.Terms{Off: usd(100)}, []promotion.Line{line(500, ""), line(500, ""), line(500, "")}, []int64{34, 33, 33}},
		"the largest remainder gets the cent": {promotion.Terms{Off: usd(100)}, []promotion.Line{line(100, ""), line(200, "")}, []int64{33, 67}},
		"never below zero":                    {promotion.Terms{Off: usd(5000)}, []promotion.Line{line(499, ""), line(1, "")}, []int64{499, 1}},
		"all of it":                           {promotion.Terms{Percent: promotion.Whole}, []promotion.Line{line(499, ""), line(999, "")}, []int64{499, 999}},
		"only its category, in any case":      {promotion.Terms{Percent: 5000, Category: "Toys"}, []promotion.Line{line(1000, "toys"), line(1000, "beds")}, []int64{500, 0}},
		"an amount only off its category":     {promotion.Terms{Off: usd(800), Category: "toys"}, []promotion.Line{line(500, "toys"), line(1000, "beds")}, []int64{500, 0}},
		"the minimum counts the whole cart":   {promotion.Terms{Percent: 5000, Category: "toys", Minimum: usd(1500)}, []promotion.Line{line(500, "toys"), line(1000, "beds")}, []int64{250, 0}},
		"what costs nothing stays":            {promotion.Terms{Off: usd(10)}, []promotion.Line{line(0, ""), line(30, "")}, []int64{0, 10}},
		"nothing at all":                      {promotion.Terms{Percent: 1000}, nil, []int64{}},
		"only gifts":                          {promotion.Terms{Percent: 1000}, []promotion.Line{line(0, "")}, []int64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.terms.Discount(c.lines)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("off %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestNoDiscount(t *testing.T) {
	var few *promotion.Minimum
	_, err := promotion.Terms{Percent: 1000, Minimum: usd(2000)}.Discount([]promotion.Line{line(1999, "")})
	if !errors.As(err, &few) || few.Missing != money.Of(1, "USD") || few.Needs != money.Of(2000, "USD") {
		t.Errorf("too little: %v", err)
	}
	if _, err := (promotion.Terms{Percent: 1000, Minimum: usd(2000)}).Discount(nil); !errors.As(err, &few) || few.Missing != money.Of(2000, "USD") {
		t.Errorf("an empty cart: %v", err)
	}
	var elsewhere *promotion.Elsewhere
	if _, err := (promotion.Terms{Percent: 1000, Category: "toys"}).Discount([]promotion.Line{line(1, "beds")}); !errors.As(err, &elsewhere) || elsewhere.Category != "toys" {
		t.Errorf("another category: %v", err)
	}
	euros := []promotion.Line{{Subtotal: money.Of(5000, "EUR")}}
	for _, terms := range []promotion.Terms{{Off: usd(100)}, {Percent: 1000, Minimum: usd(100)}} {
		if _, err := terms.Discount(euros); !errors.As(err, &elsewhere) || elsewhere.Currency != "USD" {
			t.Errorf("another currency: %v", err)
		}
	}
	if got, err := (promotion.Terms{Percent: 1000}).Discount(euros); err != nil || got[0] != 500 {
		t.Errorf("a percentage of another currency: %v, %v", got, err)
	}
}

// Whatever the lines cost, up to the largest carts there can be: the parts add up to
// exactly what the terms promise of the lines that they are for, no line goes below
// zero, no part is further than a unit from its exact share, and the lines of other
// categories stay as they are.
func TestPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := promotion.Terms{Percent: rapid.IntRange(1, promotion.Whole).Draw(t, "percent")}
		if rapid.Bool().Draw(t, "fixed") {
			terms = promotion.Terms{Off: usd(rapid.Int64Range(1, money.Max).Draw(t, "off"))}
		}
		if rapid.Bool().Draw(t, "choosy") {
			terms.Category = "toys"
		}
		var lines []promotion.Line
		most := rapid.SampledFrom([]int64{10, 10_000, money.Max / 50}).Draw(t, "most")
		for range rapid.IntRange(1, 50).Draw(t, "lines") {
			lines = append(lines, line(rapid.Int64Range(0, most).Draw(t, "cents"), rapid.SampledFrom([]string{"toys", "toys", "beds"}).Draw(t, "category")))
		}
		var fit int64
		for _, l := range lines {
			if terms.Category == "" || l.Category == "toys" {
				fit += l.Subtotal.Minor
			}
		}
		off, err := terms.Discount(lines)
		var elsewhere *promotion.Elsewhere
		if fit == 0 && errors.As(err, &elsewhere) {
			return
		}
		if err != nil || len(off) != len(lines) {
			t.Fatalf("%d parts of %d lines: %v", len(off), len(lines), err)
		}
		want := new(big.Int)
		if terms.Off != nil {
			want.SetInt64(min(terms.Off.Minor, fit))
		} else {
			want.Mul(big.NewInt(fit), big.NewInt(int64(terms.Percent)))
			want.Add(want, big.NewInt(promotion.Whole/2)).Quo(want, big.NewInt(promotion.Whole))
		}
		sum := int64(0)
		for i, part := range off {
			sum += part
			share := lines[i].Subtotal.Minor
			if terms.Category != "" && lines[i].Category != "toys" {
				share = 0
			}
			if part < 0 || part > share {
				t.Fatalf("%d off a line of %d", part, share)
			}
			exact := new(big.Rat).SetFrac(new(big.Int).Mul(want, big.NewInt(share)), big.NewInt(max(fit, 1)))
			if gap := exact.Sub(exact, new(big.Rat).SetInt64(part)); gap.Abs(gap).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("line %d is %s off its share", i, gap)
			}
		}
		if sum != want.Int64() {
			t.Fatalf("the parts add up to %d, want %s", sum, want)
		}
	})
}
