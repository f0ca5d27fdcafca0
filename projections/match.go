package projections

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// found is a product in which words were found. The mask has three bits for each
// word: whether it stands in the title, in what the product is labelled with
// (tags, category, handle, options), and in the description.
type found struct {
	doc  int64
	mask uint64
}

const (
	inTitle = 1 << iota
	inLabels
	inDescription
	columns = 3
)

// at is where the word stands.
func (f found) at(word int) uint64 { return f.mask >> (columns * word) & (1<<columns - 1) }

// matching finds all products that have any of the words, each given in the syntax
// of the index. One statement asks for each word in each column; what it returns
// depends on the product alone, unlike the engine's own ranking, which shifts for
// all of them whenever one is added: a page could not go on where another ended.
// With whole, only products that have all the words are found.
func (r *Reader) matching(ctx context.Context, terms []string, whole bool) ([]found, error) {
	var query strings.Builder
	query.WriteString("SELECT doc, sum(bit) FROM (")
	var args []any
	for w, term := range terms {
		for c, column := range []string{"title", "tags", "description"} {
			if len(args) > 0 {
				query.WriteString(" UNION ALL ")
			}
			query.WriteString("SELECT rowid AS doc, ? AS bit FROM search WHERE search MATCH ?")
			if one := column + " : " + term; whole && len(terms) > 1 {
				others := slices.Delete(slices.Clone(terms), w, w+1)
				args = append(args, int64(1)<<(columns*w+c), one+" AND "+strings.Join(others, " AND "))
			} else {
				args = append(args, int64(1)<<(columns*w+c), one)
			}
		}
	}
	query.WriteString(") GROUP BY doc")
	var all []found
	err := r.rows(ctx, query.String(), args, func(scan func(...any) error) error {
		var f found
		err := scan(&f.doc, &f.mask)
		all = append(all, f)
		return err
	})
	return all, r.store.look(err)
}

// plan is how found products are chosen and ranked. A cursor carries it, so that
// the pages after the first one rank as that did.
type plan struct {
	// least is how many of the words a product must have.
	least int
	// labels are the words, a bit each, that must stand in its title or labels.
	labels uint64
	// weights are what each word counts: the rarer, the more.
	weights []int
}

// common is the part of all products that have a word from which on it tells
// nothing, like "cat" in a shop for cats: one in so many.
const common = 4

// planFor makes the plan for what was found. Sorted by anything but relevance, a
// list begins with whatever comes first there, however little it has to do with
// the words: so it holds only products that are called or labelled so, if there
// are any.
func planFor(all []found, count []int, products int, ranked bool) plan {
	words := len(count)
	p := plan{weights: make([]int, words)}
	most := 0
	for _, f := range all {
		has := 0
		for w := range words {
			if f.at(w) != 0 {
				has++
			}
		}
		most = max(most, has)
	}
	var telling uint64
	for w := range words {
		p.weights[w] = max(1, int(math.Round(8*math.Log(1+float64(products)/float64(count[w]+1)))))
		if count[w]*common < products {
			telling |= 1 << w
		}
	}
	switch {
	case most == words || !ranked:
		p.least = most
	default:
		p.least = 1 // nothing has all of them: what has the most comes first
	}
	if ranked {
		return p
	}
	if telling == 0 {
		telling = 1<<words - 1
	}
	named := plan{least: 0, labels: telling, weights: p.weights}
	if slices.ContainsFunc(all, named.takes) {
		return named
	}
	return p
}

// takes is whether the product has what the plan asks for.
func (p plan) takes(f found) bool {
	has := 0
	for w := range p.weights {
		at := f.at(w)
		if at != 0 {
			has++
		}
		if p.labels>>w&1 != 0 && at&(inTitle|inLabels) == 0 {
			return false
		}
	}
	return has >= p.least
}

// score ranks a product: the title before labels before the description, rare
// words before common ones, short titles before long ones.
func (p plan) score(f found, title string) int64 {
	sum, named, has := 0, 0, 0
	for w, weight := range p.weights {
		at := f.at(w)
		if at != 0 {
			has++
		}
		if at&inTitle != 0 {
			sum += 100 * weight
			named += weight
		}
		if at&inLabels != 0 {
			sum += 40 * weight
		}
		if at&inDescription != 0 {
			sum += 10 * weight
		}
	}
	sum += 60 * named / (strings.Count(title, " ") + 1)
	return int64(sum * has * has) // most of the words, before much of one
}

// words is how many words the mask holds at most.
const _ = uint(64 - columns*maxWords)

// numbers is the plan as a cursor carries it.
func (p plan) numbers() []int {
	return append([]int{p.least, int(p.labels)}, p.weights...)
}

// planOf reads it back; ok is false for one that is not for so many words.
func planOf(numbers []int, words int) (p plan, ok bool) {
	if len(numbers) != words+2 || numbers[0] < 0 || numbers[1] < 0 || bits.Len(uint(numbers[1])) > words {
		return p, false
	}
	for _, n := range numbers[2:] {
		if n < 1 || n > 1000 {
			return p, false
		}
	}
	return plan{numbers[0], uint64(numbers[1]), numbers[2:]}, true
}
