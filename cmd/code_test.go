package cmd

import (
	"strings"
	"testing"
	"time"
)

// A merchant's wrong word is answered with a sentence that says what to do, and makes
// nothing; beside a running shop as on a folder that nobody has open.
func TestCodesThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	shop, err := Serve(t.Context(), ServeOptions{Options: Options{Dir: dir}, Addr: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shop.Stop() })
	till := func(line string) (string, int) {
		t.Helper()
		var out strings.Builder
		code := Main(append(strings.Fields(line), "--data", dir), strings.NewReader(""), &out, &out)
		return out.String(), code
	}
	check := func(t *testing.T) {
		for line, want := range map[string]string{
			"code create TEN":                                                   "--percent",
			"code create TEN --percent 10 --amount 5":                           "can't be used together",
			"code create TE --percent 10":                                       `a code has 3 to 32 letters A-Z, digits or hyphens; "TE" is none`,
			"code create T€N --percent 10":                                      "digits or hyphens",
			"code create TEN --percent 0":                                       "--percent takes a number above 0 and up to 100",
			"code create TEN --percent 101":                                     "--percent takes a number",
			"code create TEN --percent ten":                                     `such as 10 or 12.5, not "ten"`,
			"code create TEN --amount 0":                                        "--amount takes an amount above 0 in USD",
			"code create TEN --amount 1.234":                                    "--amount takes an amount",
			"code create TEN --percent 10 --min -5":                             "--min takes an amount",
			"code create TEN --percent 10 --category fish":                      `nothing in the category "fish"; there are`,
			"code create TEN --percent 10 --from tomorrow":                      "--from takes a day (2026-12-24) or a time",
			"code create TEN --percent 10 --until 2020-01-01":                   "it would have ended already",
			"code create TEN --percent 10 --from 2999-01-02 --until 2999-01-01": "end before it starts",
			"code create TEN --percent 10 --until 9999-12-31":                   "leave --until out",
			"code create TEN --percent 10 --until 9999-12-31T23:00:00-05:00":    "leave --until out",
			"code create TEN --percent 10 --limit 0":                            "a code can be used 1 to 10000 times",
			"code create TEN --percent 10 --limit 10001":                        "a code can be used 1 to 10000 times",
			"code create TEN --percent 10 --limit 2 --per-person 3":             "more often than all together, 2 times",
			"code create WELCOME10 --percent 10":                                "the code exists already: WELCOME10; till code show WELCOME10",
			"code show NONE":                                                    "there is no code NONE; till code list shows all",
			"code end NONE":                                                     "there is no code NONE",
			"code show ...":                                                     "a code has 3 to 32",
		} {
			if out, code := till(line); code == 0 || !strings.Contains(out, want) || strings.Contains(out, "promotion:") {
				t.Errorf("till %s exits %d: %s", line, code, out)
			}
		}
		if out, code := till("code list"); code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(out, "WELCOME10") || !strings.Contains(out, "10 % off, 10000 times in all, once per person") {
			t.Errorf("the list is %d: %s", code, out)
		}
	}
	t.Run("running", check)
	if err := shop.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Run("closed", check)

	if out, code := till("code create winter --amount 5.00 --min 20 --from 2999-12-01 --until 2999-12-24 --per-person 2"); code != 0 ||
		!strings.Contains(out, "The code WINTER is made: $5.00 off from $20.00 on, 10000 times in all, 2 times per person, from 2999-12-01 00:00 UTC, until 2999-12-25 00:00 UTC.") {
		t.Errorf("%d: %s", code, out)
	}
	if out, _ := till("code show Winter"); !strings.Contains(out, "WINTER is not yet:") || !strings.Contains(out, "used 0 times, 10000 times left") {
		t.Errorf("shown: %s", out)
	}
	if out, code := till("code end winter"); code != 0 || !strings.Contains(out, "The code WINTER has ended; it was used 0 times.") {
		t.Errorf("%d: %s", code, out)
	}
	if out, code := till("code end winter"); code == 0 || !strings.Contains(out, "the code WINTER ended already") {
		t.Errorf("%d: %s", code, out)
	}
	if out, code := till("show promotion winter --history"); code != 0 || !strings.Contains(out, "made the code WINTER") || !strings.Contains(out, "ended the code") {
		t.Errorf("%d: %s", code, out)
	}
	if out, code := till("events --stream promotion"); code != 0 || strings.Count(out, "promotion.created") != 2 {
		t.Errorf("%d: %s", code, out)
	}
}

func TestPercentAndWhen(t *testing.T) {
	for text, want := range map[string]int{"": 0, "10": 1000, "12.5": 1250, "0.01": 1, "100": 10000, " 25% ": 2500} {
		if got, err := percent(text); got != want || err != nil {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	day := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text string
		end  bool
		want time.Time
	}{
		{"", true, time.Time{}}, {"2026-12-24", false, day}, {"2026-12-24", true, day.AddDate(0, 0, 1)},
		{"2026-12-24T01:00:00+01:00", true, day}, {" 2026-12-24T00:00:00Z", false, day},
	} {
		if got, err := when("--until", c.text, c.end); !got.Equal(c.want) || err != nil {
			t.Errorf("%q is %s, %v", c.text, got, err)
		}
	}
}
