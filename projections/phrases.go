package projections

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"till/domain/money"
)

// Phrase is a part of a search text that asks for an order or a filter: "cheapest",
// "under $20", "in stock".
type Phrase struct {
	// Said is what was written, Means the argument that says the same; where the
	// shop cannot answer, it is empty and Why says so.
	Said, Means, Why string

	from, to int
	sort     Sort
	min, max int64
	inStock  bool
}

// superlatives are the orders that people ask for in words. Only what says an
// order by itself is among them: "new" may be a kitten, "best" a friend.
var superlatives = []struct {
	sort  Sort
	words *regexp.Regexp
}{
	{PriceDown, regexp.MustCompile(`\b(?:most expensive|most costly|costliest|priciest|dearest|highest[- ]priced?)\b`)},
	{PriceUp, regexp.MustCompile(`\b(?:cheapest|least expensive|lowest[- ]priced?|lowest[- ]cost|most affordable|best price|cheaper|cheap|inexpensive|affordable|low[- ]cost|budget[- ]friendly)\b`)},
	{Newest, regexp.MustCompile(`\b(?:newest|latest|most recent|new arrivals?|recently added|just arrived|what'?s new)\b`)},
	{BestSelling, regexp.MustCompile(`\b(?:best[- ]?sell(?:ing|ers?)|top[- ]?sell(?:ing|ers?)|most popular|popular|most[- ](?:bought|sold|purchased|ordered))\b`)},
	{"", regexp.MustCompile(`\b(?:(?:best|top|highest)[- ]rated|(?:best|top) reviewed|best reviews?|best ratings?|(?:5|five)[- ]stars?)\b`)},
}

var (
	between = regexp.MustCompile(`\b(?:(between|from)\s+)?` + sum + `\s*(?:-|–|\bto\b|\band\b)\s*` + sum + `(?:\s*([a-z%"]+))?`)
	atMost  = regexp.MustCompile(`(?:\b(under|below|less than|cheaper than|for less than|up to|at most|no more than|not more than|max(?:imum)?|within|(?:with )?a? ?budget of)|(<=?))\s*` + sum + `(?:\s*([a-z%"]+))?`)
	atLeast = regexp.MustCompile(`(?:\b(over|above|more than|at least|from|starting at|min(?:imum)?)|(>=?))\s*` + sum + `(?:\s*([a-z%"]+))?`)
	stocked = regexp.MustCompile(`\b(?:in[- ]stock|available now|now available|currently available|that(?: is|'s| are) available|available)\b`)
	absent  = regexp.MustCompile(`\b(?:out of stock|not in stock|sold out|not available)\b`)
)

// sum is an amount as people write it: with a sign, a word, or nothing, and maybe
// with commas, between thousands or before the decimals.
const sum = `([$€£¥₹]|\busd\s?|\beur\s?|\bgbp\s?)?\s?(\d{1,3}(?:,\d{3})+\b(?:\.\d{1,3})?|\d{1,7}(?:\.\d{1,3}|,\d{1,2}\b)?)(?:\s?([$€£¥₹]|(?:us )?dollars?\b|bucks?\b|usd\b|euros?\b|eur\b|pounds?\b|gbp\b|yen\b|jpy\b))?`

// currencies are what the signs and words of amounts stand for.
func currencyOf(word string) string {
	switch strings.TrimSuffix(strings.TrimSpace(word), "s") {
	case "$", "usd", "dollar", "us dollar", "buck":
		return "USD"
	case "€", "eur", "euro":
		return "EUR"
	case "£", "gbp", "pound":
		return "GBP"
	case "¥", "jpy", "yen":
		return "JPY"
	case "₹":
		return "INR"
	}
	return ""
}

// measures are what a number counts when it is no price.
func isMeasure(word string) bool {
	switch strings.TrimSuffix(word, "s") {
	case "kg", "g", "gram", "kilo", "lb", "oz", "pound", "cm", "mm", "m", "metre", "meter", "inch", "inche", "in", `"`, "ft", "feet", "foot",
		"ml", "l", "cl", "litre", "liter", "year", "yr", "month", "week", "day", "hour", "hr", "minute", "min", "second", "%", "percent",
		"pack", "piece", "pc", "cat", "kitten", "time", "tin", "pouch", "pouche", "ball", "step", "level", "watt", "w", "v", "db", "degree", "c", "f":
		return true
	}
	return false
}

// phrases finds what the text asks for besides words, in the order in which it
// stands there.
func phrases(text, currency string) []Phrase {
	text = strings.ToLower(text)
	if len(text) > maxSearch {
		text = text[:maxSearch]
	}
	var all []Phrase
	take := func(p Phrase, from, to int) {
		if slices.ContainsFunc(all, func(q Phrase) bool { return from < q.to && q.from < to }) {
			return
		}
		p.from, p.to, p.Said = from, to, strings.TrimSpace(text[from:to])
		all = append(all, p)
	}
	amounts(text, currency, take)
	for _, s := range superlatives {
		for _, at := range s.words.FindAllStringIndex(text, -1) {
			p := Phrase{sort: s.sort, Means: "sort=" + string(s.sort)}
			if s.sort == "" {
				p.Means, p.Why = "", "the shop has no ratings"
			}
			take(p, at[0], at[1])
		}
	}
	if !absent.MatchString(text) {
		for _, at := range stocked.FindAllStringIndex(text, -1) {
			take(Phrase{inStock: true, Means: "in_stock=true"}, at[0], at[1])
		}
	}
	slices.SortFunc(all, func(a, b Phrase) int { return cmp.Compare(a.from, b.from) })
	return all
}

// amounts finds the prices in a text.
func amounts(text, currency string, take func(p Phrase, from, to int)) {
	group := func(m []int, i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return text[m[2*i]:m[2*i+1]]
	}
	// priced reads the sum whose first group is i. Money in another currency is
	// no bound: nobody here knows what it is worth.
	foreign := false
	priced := func(m []int, i int) (minor int64, named, ok bool) {
		word := cmp.Or(group(m, i), group(m, i+2))
		switch {
		case word == "", currencyOf(word) == currency:
		case word == "$" && strings.HasSuffix(currency, "D"), strings.HasPrefix(word, "dollar") && strings.HasSuffix(currency, "D"):
		default:
			foreign = true
		}
		a, err := money.Parse(decimal(group(m, i+1)), currency)
		return a.Minor, word != "", err == nil
	}
	add := func(p Phrase, from, to int) {
		if foreign {
			p = Phrase{Why: "prices here are in " + currency}
		}
		take(p, from, to)
	}
	argument := func(name string, minor int64) string { return name + "=" + money.Of(minor, currency).Decimal() }
	for _, m := range between.FindAllStringSubmatchIndex(text, -1) {
		foreign = false
		low, one, ok := priced(m, 2)
		high, two, fine := priced(m, 5)
		end, unit := m[1], group(m, 8)
		if unit != "" {
			end = m[16]
		}
		named := one || two
		if !ok || !fine || low > high || !named && (group(m, 1) == "" || isMeasure(unit)) {
			continue
		}
		add(Phrase{min: low, max: high, Means: argument("min_price", low) + ", " + argument("max_price", high)}, m[0], end)
	}
	for _, m := range atMost.FindAllStringSubmatchIndex(text, -1) {
		foreign = false
		minor, named, ok := priced(m, 3)
		end, unit := m[1], group(m, 6)
		if unit != "" {
			end = m[12]
		}
		if !ok || minor <= 0 || !named && (isMeasure(unit) || aged(text[:m[0]])) {
			continue
		}
		switch cmp.Or(group(m, 1), group(m, 2)) {
		case "under", "below", "less than", "cheaper than", "for less than", "<":
			minor--
		}
		add(Phrase{max: minor, Means: argument("max_price", minor)}, m[0], end)
	}
	for _, m := range atLeast.FindAllStringSubmatchIndex(text, -1) {
		foreign = false
		minor, named, ok := priced(m, 3)
		end := m[1]
		if group(m, 6) != "" {
			end = m[12]
		}
		if !ok || !named {
			continue // "cats over 7" are old or heavy, not dear
		}
		switch cmp.Or(group(m, 1), group(m, 2)) {
		case "over", "above", "more than", ">":
			minor++
		}
		add(Phrase{min: minor, Means: argument("min_price", minor)}, m[0], end)
	}
}

// decimal is a number without commas: 1,000 is a thousand, 9,99 not quite ten.
func decimal(number string) string {
	if at := strings.LastIndexByte(number, ','); at >= 0 && len(number)-at <= 3 {
		return number[:at] + "." + number[at+1:]
	}
	return strings.ReplaceAll(number, ",", "")
}

// aged is whether the text ends with whose age a number would be.
func aged(before string) bool {
	words := strings.Fields(before)
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "kitten", "kittens", "aged", "age":
		return true
	}
	return false
}

// without returns the words of the text that are left beside the phrases; none,
// if all that is left is how people ask.
func without(text string, followed []Phrase) string {
	var b strings.Builder
	at := 0
	lower := strings.ToLower(text)
	if len(lower) > maxSearch {
		lower = lower[:maxSearch]
	}
	for _, p := range followed {
		b.WriteString(lower[at:p.from] + " ")
		at = p.to
	}
	b.WriteString(lower[at:])
	words := slices.DeleteFunc(split(b.String()), func(w string) bool { return isFiller(w) || isAsking(w) })
	return strings.Join(words, " ")
}

// isAsking is whether a word beside a superlative says nothing about what is
// looked for.
func isAsking(w string) bool {
	switch w {
	case "product", "products", "item", "items", "thing", "things", "stuff", "anything", "everything", "all", "any", "one", "ones", "show",
		"find", "list", "give", "get", "buy", "what", "whats", "which", "are", "do", "does", "you", "your", "have", "has", "there", "shop",
		"store", "please", "can", "be", "we", "us", "at", "by", "this", "these", "those", "costing", "costs", "cost", "price", "priced", "sells", "sold",
		"currently", "now", "right", "looking", "look", "i'm", "im", "only", "just":
		return true
	}
	return false
}
