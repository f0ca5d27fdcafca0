package projections

import (
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// TestNoWordIsPassedOverThatIsNear: what the letters rule out at a glance is further
// away than anybody's slip.
func TestNoWordIsPassedOverThatIsNear(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("abcdefgüñ0")), 3, 9, -1)
	near := 0
	rapid.Check(t, func(t *rapid.T) {
		w := word.Draw(t, "word")
		slipped := []rune(w)
		for range rapid.IntRange(0, 2).Draw(t, "slips") {
			at := rapid.IntRange(0, len(slipped)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				slipped[at] = rapid.Rune().Draw(t, "letter")
			case 1:
				slipped[at], slipped[0] = slipped[0], slipped[at]
			default:
				slipped = append(slipped[:at], slipped[at+1:]...)
			}
		}
		const reach = 2
		if slips([]rune(w), slipped, reach) > reach {
			return
		}
		near++
		if apart := bits.OnesCount32(lettersOf(w) ^ lettersOf(string(slipped))); apart > 2*reach {
			t.Fatalf("%q and %q are near and %d letters apart", w, string(slipped), apart)
		}
	})
	if near == 0 {
		t.Error("no word was near: this proves nothing")
	}
}

// BenchmarkNearest is a word that means nothing, in a catalogue of the most words.
func BenchmarkNearest(b *testing.B) {
	v := &vocabulary{weights: map[string]int{}}
	for i := range maxVocabulary {
		letter := func(n int) rune { return rune('a' + n%26) }
		w := fmt.Sprintf("%c%c%c%c%c%c%c%c", letter(i), letter(i/26), letter(i*7), letter(i/676), letter(i*11), letter(i/31), letter(i/97), letter(i/1009))
		v.words, v.letters, v.weights[w] = append(v.words, w), append(v.letters, lettersOf(w)), 1
	}
	b.ReportAllocs()
	for b.Loop() {
		v.nearest("zyxwvuts")
	}
}
