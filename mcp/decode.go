package mcp

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"till/domain/money"
)

// maxGiven bounds how many arguments a call may hold, known or not.
const maxGiven = 32

// value is one argument as it was understood.
type value struct {
	given bool // set by the caller, not by a fallback
	text  string
	// number is an integer's value, or a decimal's in minor units.
	number int64
	flag   bool
}

// values are a call's arguments, in the order of their declaration.
type values struct {
	args []argument
	by   []value
}

func (v values) of(name string) value {
	for i, a := range v.args {
		if a.name == name {
			return v.by[i]
		}
	}
	return value{}
}

func (v values) text(name string) string { return v.of(name).text }
func (v values) number(name string) int  { return int(v.of(name).number) }
func (v values) given(name string) bool  { return v.of(name).given }

// decode understands what a model sent. It is lenient where the meaning is
// clear: numbers as decimal strings, strings as numbers, booleans as "true", null
// and an empty text for an argument left out. Anything else is a *problem that
// names the argument, what it takes and an example.
func decode(args []argument, raw json.RawMessage, currency string) (values, error) {
	v := values{args: args, by: make([]value, len(args))}
	var given map[string]json.RawMessage
	if len(raw) > 0 && string(raw) != "{}" {
		if err := json.Unmarshal(raw, &given); err != nil {
			return v, invalid("", "The arguments must be one JSON object, such as %s.", sample(args))
		}
	}
	if len(given) > maxGiven {
		return v, invalid("", "The call has %d arguments. %s", len(given), takes(args))
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(args, func(a argument) bool { return a.name == name || slices.Contains(a.also, name) })
		if i < 0 {
			return v, unknownArgument(args, name)
		}
		read, err := args[i].read(given[name], currency)
		if err != nil {
			return v, err
		}
		if !read.given {
			continue
		}
		if v.by[i].given && v.by[i] != read {
			return v, invalid(args[i].name, "%s is given twice with different values; send it once.", args[i].name)
		}
		v.by[i] = read
	}
	for i, a := range args {
		switch {
		case v.by[i].given:
		case a.required:
			return v, invalid(a.name, "%s is missing: it must be %s, such as %s.", a.name, a.allowed(), a.sample())
		case a.fallback != nil:
			v.by[i] = a.otherwise()
		}
	}
	return v, nil
}

// otherwise is the value of an argument that was left out.
func (a argument) otherwise() value {
	switch f := a.fallback.(type) {
	case int:
		return value{number: int64(f)}
	case string:
		return value{text: f}
	case bool:
		return value{flag: f}
	}
	return value{}
}

// read understands one JSON value.
func (a argument) read(raw json.RawMessage, currency string) (value, error) {
	var v value
	word, isText := string(raw), false
	switch {
	case word == "null":
		return v, nil
	case raw[0] == '{' || raw[0] == '[':
		if word = flat(raw); !a.flattens || word == "" {
			return v, a.wrong("a nested value")
		}
		isText = true
	case raw[0] == '"':
		isText = true
		if json.Unmarshal(raw, &word) != nil {
			return v, a.wrong("a broken text")
		}
		word = strings.TrimSpace(word)
		if word == "" && a.kind != integer && a.kind != flag && !a.blank {
			return v, nil
		}
	}
	isNumber := !isText && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
	v.given = true
	switch a.kind {
	case text:
		if !isText && !isNumber {
			return v, a.wrong(word)
		}
		if n, ok := whole(word); isNumber && ok {
			word = strconv.FormatInt(n, 10) // 2.0 is product 2
		}
		return a.readText(word)
	case integer:
		n, ok := whole(word)
		if !isText && !isNumber || !ok || n < int64(a.least) || n > int64(a.most) {
			return v, a.wrong(word)
		}
		v.number = n
	case decimal:
		amount, err := money.Parse(word, currency)
		if err != nil || amount.Minor < 0 {
			return v, a.wrong(word)
		}
		v.number = amount.Minor
	case flag:
		switch strings.ToLower(word) {
		case "true":
			v.flag = true
		case "false":
		default:
			return v, a.wrong(word)
		}
	}
	return v, nil
}

func (a argument) readText(word string) (value, error) {
	if utf8.RuneCountInString(word) > a.most && a.oneOf == nil {
		return value{}, a.wrong(word)
	}
	word = strings.Join(strings.FieldsFunc(word, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }), " ")
	if strings.ContainsFunc(word, unicode.IsControl) {
		return value{}, a.wrong(word)
	}
	if a.oneOf != nil {
		i := slices.IndexFunc(a.oneOf, func(s string) bool { return strings.EqualFold(s, word) })
		if i < 0 {
			return value{}, a.wrong(word)
		}
		word = a.oneOf[i]
	}
	return value{given: true, text: word}, nil
}

// whole reads a number that has no fraction: 2, 2.0, "2", 2e0.
func whole(word string) (int64, bool) {
	if len(word) > 40 {
		return 0, false
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return n, true
	}
	if strings.Trim(word, "+-.0123456789eE") != "" {
		return 0, false // ParseFloat also takes hexadecimal, Inf and underscores
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > money.Max {
		return 0, false
	}
	return int64(f), true
}

// canonical is what the arguments mean, for telling whether two calls ask for
// the same: without the key itself, with the fallbacks filled in, and without
// empty values, so that an argument added later does not change old calls.
func (v values) canonical() string {
	var b strings.Builder
	for i, a := range v.args {
		val := v.by[i]
		val.given = false
		if a.name == keyArgument || val == (value{}) {
			continue
		}
		b.WriteString(a.name)
		b.WriteByte('=')
		b.WriteString(strconv.Quote(val.text))
		b.WriteString(strconv.FormatInt(val.number, 10))
		b.WriteString(strconv.FormatBool(val.flag))
		b.WriteByte('\n')
	}
	return b.String()
}
