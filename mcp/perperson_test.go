package mcp

import (
	"fmt"
	"testing"
	"time"
)

func TestPeopleAreForgotten(t *testing.T) {
	p, now := newPerPerson(2, 100), time.Unix(0, 0)
	for i := range 3 * peopleKept {
		if !p.may(fmt.Sprint(i), now) {
			t.Fatalf("person %d may not do it once", i)
		}
		if len(p.by) > peopleKept {
			t.Fatalf("%d people are kept", len(p.by))
		}
		if i%2 == 0 {
			now = now.Add(time.Millisecond)
		}
	}
}
