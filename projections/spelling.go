package projections

import (
	"context"
	"math/bits"
	"slices"
	"strings"

	"till/domain/eventlog"
)

// vocabulary holds the words of the catalogue, to find what a misspelt one was
// meant to be. It is read from the search index when a search finds that the
// catalogue has changed.
type vocabulary struct {
	at      eventlog.Position
	weights map[string]int // how likely somebody means the word
	docs    map[string]int // how many products have it, about
	words   []string       // in order
	letters []uint32       // of each of the words, see lettersOf
	stems   map[string][]string
}

// maxVocabulary bounds the words that are held; of a catalogue with more, some
// are not found by their other forms or when they are misspelt.
const maxVocabulary = 200_000

func (r *Reader) vocabulary(ctx context.Context) (*vocabulary, error) {
	if v := r.store.words.Load(); v != nil && v.at >= eventlog.Position(r.store.products.changed.Load()) {
		return v, nil
	}
	v := &vocabulary{at: r.at, weights: map[string]int{}, docs: map[string]int{}, stems: map[string][]string{}}
	err := r.rows(ctx, `SELECT term, sum(doc * CASE col WHEN 'title' THEN 100 WHEN 'tags' THEN 20 ELSE 1 END), max(doc)
		FROM words GROUP BY term LIMIT ?`, []any{maxVocabulary}, func(scan func(...any) error) error {
		var w string
		var n, docs int
		if err := scan(&w, &n, &docs); err != nil {
			return err
		}
		v.weights[w], v.docs[w] = n, docs
		v.words = append(v.words, w)
		s := stem(w)
		v.stems[s] = append(v.stems[s], w)
		return nil
	})
	if err != nil {
		return nil, r.store.look(err)
	}
	slices.Sort(v.words)
	v.letters = make([]uint32, len(v.words))
	for i, w := range v.words {
		v.letters[i] = lettersOf(w)
	}
	r.store.words.Store(v)
	return v, nil
}

// understand corrects the words and returns for each what is searched, in the
// syntax of the index: all forms that share its stem, for the last one also
// whatever begins with it, if begun is set or nothing else is known. fixed are the
// words as they were corrected before; what is empty there is corrected now.
// counts is how many products have each word, about.
func (v *vocabulary) understand(words, fixed []string, begun bool) (terms, corrected []string, counts []int) {
	corrected, counts = make([]string, len(words)), make([]int, len(words))
	for i, w := range words {
		last := i == len(words)-1
		forms := v.forms(w)
		switch {
		case i < len(fixed) && fixed[i] != "":
			corrected[i] = fixed[i]
		case len(fixed) == 0 && len(forms) == 0 && (!last || !v.begins(w)):
			corrected[i] = v.nearest(w)
		}
		if corrected[i] != "" {
			w, forms = corrected[i], v.forms(corrected[i])
		}
		term := make([]string, 0, len(forms)+1)
		for _, f := range forms {
			term = append(term, `"`+f+`"`)
			counts[i] += v.docs[f]
		}
		if last && (begun || len(term) == 0) {
			term = append(term, `"`+w+`"*`)
		}
		if len(term) == 0 {
			term = append(term, `"`+w+`"`)
		}
		terms = append(terms, "("+strings.Join(term, " OR ")+")")
	}
	return terms, corrected, counts
}

// maxForms bounds how many forms of one word are searched.
const maxForms = 20

// forms returns the words in use that share the word's stem.
func (v *vocabulary) forms(w string) []string {
	forms := v.stems[stem(w)]
	return forms[:min(len(forms), maxForms)]
}

// begins is whether any word in use begins with w.
func (v *vocabulary) begins(w string) bool {
	i, _ := slices.BinarySearch(v.words, w)
	return i < len(v.words) && strings.HasPrefix(v.words[i], w)
}

// nearest returns the word in use that w was most likely meant to be: at most
// one slip of the finger away for words of four or five letters, two for longer
// ones. Short words are left alone: too many are one letter apart.
func (v *vocabulary) nearest(w string) string {
	letters := []rune(w)
	reach := 0
	switch {
	case len(letters) >= 6:
		reach = 2
	case len(letters) >= 4:
		reach = 1
	}
	best, bestAt, own := "", reach+1, lettersOf(w)
	for i, known := range v.words {
		// A slip changes two letters at most; that spares nearly all the looking.
		if d := len(known) - len(w); len(known) < 3 || d > 4*reach || d < -4*reach || bits.OnesCount32(own^v.letters[i]) > 2*reach {
			continue
		}
		d := slips(letters, []rune(known), reach)
		if d > reach {
			continue
		}
		if d < bestAt || d == bestAt && likelier(v, w, known, best) {
			best, bestAt = known, d
		}
	}
	return best
}

// lettersOf is which letters a word has, a bit for each; some share one.
func lettersOf(w string) (bits uint32) {
	for _, r := range w {
		bits |= 1 << (uint32(r) % 32)
	}
	return bits
}

// likelier breaks a tie: people rarely miss the first letter, and look for what
// stands in titles and tags.
func likelier(v *vocabulary, w, a, b string) bool {
	if x, y := a[0] == w[0], b[0] == w[0]; x != y {
		return x
	}
	return v.weights[a] > v.weights[b]
}

// slips counts the letters to put in, leave out, replace, or swap with their
// neighbour to turn a into b (optimal string alignment), up to reach+1.
func slips(a, b []rune, reach int) int {
	if d := len(a) - len(b); d > reach || d < -reach {
		return reach + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		least := row[0]
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		if least > reach {
			return reach + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
