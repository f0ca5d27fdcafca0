package projections

import (
	"fmt"
	"slices"
	"testing"
)

// A write that failed is done again with all its orders: none counts twice.
func TestLatestCountsAnOrderOnce(t *testing.T) {
	var l latest
	for nth := range int64(60) {
		p := placing{user: "alice", nth: nth + 1, order: fmt.Sprint("CS-", nth+1)}
		l = l.with(p).with(p)
	}
	if l.total != 60 || len(l.ids) != first || l.ids[0] != "CS-60" || l.ids[first-1] != "CS-11" {
		t.Errorf("%d orders, %v", l.total, l.ids)
	}
	before := slices.Clone(l.ids)
	_ = l.with(placing{user: "alice", nth: 61, order: "CS-61"})
	if !slices.Equal(before, l.ids) {
		t.Error("what readers hold was changed")
	}
}
