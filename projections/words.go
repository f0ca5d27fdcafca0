package projections

import (
	"slices"
	"strings"
	"unicode"
)

// Bounds of a search text.
const (
	maxSearch = 400 // bytes
	maxWords  = 16
	maxWord   = 40 // letters
)

// split returns the words that a text is searched by: all but the fillers, unless
// there are only those.
func split(text string) []string {
	words := wordsOf(text)
	if real := slices.DeleteFunc(slices.Clone(words), isFiller); len(real) > 0 {
		return real
	}
	return words
}

// wordsOf returns the words of a text, in lower case without accents. Nothing but
// letters and digits gets through, so no text can reach the search's own syntax.
func wordsOf(text string) []string {
	if len(text) > maxSearch {
		text = strings.ToValidUTF8(text[:maxSearch], "")
	}
	text = strings.NewReplacer("'s ", " ", "’s ", " ", "'", "", "’", "").Replace(strings.ToLower(text) + " ")
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	if len(words) > maxWords {
		words = words[:maxWords]
	}
	for i, w := range words {
		words[i] = plain(w)
		if letters := []rune(words[i]); len(letters) > maxWord {
			words[i] = string(letters[:maxWord])
		}
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

// isFiller is whether a word is one of those that people and models put around
// what they look for.
func isFiller(w string) bool {
	switch w {
	case "a", "an", "the", "for", "of", "with", "to", "in", "on", "my", "and", "or", "i", "is", "it", "me",
		"some", "that", "want", "need", "something", "best", "good", "great", "nice", "perfect":
		return true
	}
	return false
}

// accents lists each letter with an accent before the plain one, as the index
// has it.
const accents = "àaáaâaãaäaåaāaăaąaçcćcčcďdèeéeêeëeēeėeęeěeğgìiíiîiïiīiıiłlñnńnňnòoóoôoõoöoōoőoøořrśsšsşsťtùuúuûuüuūuůuűuýyÿyźzżzžz"

// plain takes the accents off a word.
func plain(w string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x80:
			return r
		case unicode.IsMark(r):
			return -1
		}
		pairs := []rune(accents)
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == r {
				return pairs[i+1]
			}
		}
		return r
	}, w)
}

// stem is the part of an English word that its forms share. It is rough: two
// words with one stem are both searched, nothing is shown.
func stem(w string) string {
	if w == "mice" {
		w = "mouse"
	}
	n := len(w)
	switch {
	case n > 4 && strings.HasSuffix(w, "ies"):
		w = w[:n-3] + "y"
	case n > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		w = w[:n-2]
	case n > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		w = w[:n-1]
	case n > 5 && strings.HasSuffix(w, "ing"):
		w = w[:n-3]
		if n := len(w); n > 3 && w[n-1] == w[n-2] && w[n-1] != 'l' && w[n-1] != 's' {
			w = w[:n-1]
		}
	}
	if len(w) > 4 {
		w = strings.TrimSuffix(w, "e")
	}
	return w
}
