package mcp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// problem is why a tool did not do what it was asked, in words and fields that
// a model can act on.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Retryable is whether the same call may succeed later.
	Retryable bool   `json:"retryable"`
	Field     string `json:"field,omitempty"`
	// Allowed and Example say what the field takes.
	Allowed string `json:"allowed,omitempty"`
	Example string `json:"example,omitempty"`
	// Suggestions are values to send instead.
	Suggestions []suggestion `json:"suggestions,omitempty"`
	// NextTools are the tools that help now.
	NextTools []string `json:"next_tools,omitempty"`

	Available   *int   `json:"available,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
	OrderID     string `json:"order_id,omitempty"`
	// State is where the order stands that a step does not fit.
	State     string `json:"state,omitempty"`
	QuoteID   string `json:"quote_id,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// ApproveURL is where the person says yes or no, never the model.
	ApproveURL string `json:"approve_url,omitempty"`
	AsOf       uint64 `json:"as_of,omitempty"`
}

func (p *problem) Error() string { return "mcp: " + p.Code + ": " + p.Message }

// suggestion is a value to send instead, and what it stands for.
type suggestion struct {
	Use   string `json:"use"`
	About string `json:"about,omitempty"`
}

// encode is JSON of a value that always has one.
func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		// Only types of this package are encoded; a test encodes each.
		panic(fmt.Sprintf("mcp: %T has no JSON: %v", v, err))
	}
	return data
}

// invalid is an argument that cannot be taken.
func invalid(field, format string, args ...any) *problem {
	return &problem{Code: "invalid_argument", Field: field, Message: fmt.Sprintf(format, args...)}
}

// wrong is a value that the argument does not take.
func (a argument) wrong(got string) *problem {
	p := invalid(a.name, "%s must be %s, such as %s; it was %s.", a.name, a.allowed(), a.sample(), quote(got))
	p.Allowed, p.Example = a.allowed(), a.sample()
	if a.oneOf != nil {
		for _, s := range nearest(got, a.oneOf, 3) {
			p.Suggestions = append(p.Suggestions, suggestion{Use: s})
		}
	}
	return p
}

// unknownArgument names the argument that was probably meant, and all there are.
func unknownArgument(args []argument, name string) *problem {
	p := invalid(clip(name, 40), "There is no argument %s. %s", quote(name), takes(args))
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.name
	}
	if near := nearest(name, names, 1); len(near) > 0 {
		p.Message = fmt.Sprintf("There is no argument %s; did you mean %s? %s", quote(name), near[0], takes(args))
		p.Suggestions = []suggestion{{Use: near[0]}}
	}
	return p
}

// takes lists a tool's arguments.
func takes(args []argument) string {
	if len(args) == 0 {
		return "The tool takes no arguments."
	}
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.name
	}
	return "The tool takes " + list(names) + "."
}

// sample is an arguments object that would be taken.
func sample(args []argument) string {
	var parts []string
	for i, a := range args {
		if a.required || i == 0 {
			parts = append(parts, fmt.Sprintf("%q: %s", a.name, a.sample()))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// quote bounds foreign text and marks where it begins and ends.
func quote(s string) string { return fmt.Sprintf("%q", clip(s, 60)) }

// clip bounds a text to so many bytes, on a whole character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// list is "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// nearest returns up to n of the words that are most like the given one, the
// best first, and none that is not alike at all.
func nearest(given string, words []string, n int) []string {
	given = strings.ToLower(clip(given, 60))
	type scored struct {
		word string
		cost int
	}
	var found []scored
	for _, w := range words {
		cost := distance(given, strings.ToLower(w))
		if strings.Contains(w, given) || strings.Contains(given, w) {
			cost = min(cost, 2)
		}
		if cost <= max(2, len(w)/2) {
			found = append(found, scored{w, cost})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return a.cost - b.cost })
	var best []string
	for _, f := range found[:min(n, len(found))] {
		best = append(best, f.word)
	}
	return best
}

// distance is how many letters must be put in, taken out or changed (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
