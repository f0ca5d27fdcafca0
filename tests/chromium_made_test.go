package tests

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/chromedp/kb"
)

// checkPage looks at the page in every width and colour, and keeps a picture of it;
// then once more with everything unfolded that it folds up.
func (b *tab) checkPage(t *testing.T, name, origin string) {
	t.Helper()
	b.checkAsItStands(t, name, origin)
	if script[int](b, `[...document.querySelectorAll("details:not([open])")].map(d => d.open = true).length`) > 0 {
		b.checkAsItStands(t, name+"-open", origin)
	}
}

func (b *tab) checkAsItStands(t *testing.T, name, origin string) {
	t.Helper()
	faults, err := os.ReadFile("testdata/pages/faults.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, as := range []look{{width: 320, still: true}, {width: 390}, {width: 1280}, {width: 390, dark: true, still: true}, {width: 1280, dark: true}} {
		b.look(as)
		how := fmt.Sprintf("%s-%d-%s", name, as.width, map[bool]string{true: "dark", false: "light"}[as.dark])
		for _, f := range script[[]string](b, string(faults)) {
			t.Errorf("%s: %s", how, f)
		}
		if as.still { // otherwise the colours would be on their way
			for _, f := range b.hovered(string(faults)) {
				t.Errorf("%s, under the mouse: %s", how, f)
			}
		}
		if as.width != 320 {
			b.shoot(how)
		}
	}
	b.look(look{width: 390})
	for _, f := range b.unreachable() {
		t.Errorf("%s: %s", name, f)
	}
	for _, f := range b.nameless() {
		t.Errorf("%s: %s", name, f)
	}
	for _, c := range b.complained() {
		t.Errorf("%s: the console complains: %s", name, c)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.asked {
		if !strings.HasPrefix(address, origin+"/") {
			t.Errorf("%s: the page asks for %s", name, address)
		}
	}
	b.asked = nil
	if b.weight == 0 || b.weight > 40<<10 {
		t.Errorf("%s: the page weighs %d bytes", name, b.weight)
	}
}

// hovered is what is wrong while the mouse is over one of the controls.
func (b *tab) hovered(faults string) (found []string) {
	b.t.Helper()
	root := command(b, dom.GetDocument, dom.GetDocumentParams{}).Root
	for _, id := range command(b, dom.QuerySelectorAll, dom.QuerySelectorAllParams{NodeID: root.NodeID, Selector: "a,button"}).NodeIDs {
		command(b, css.ForcePseudoState, css.ForcePseudoStateParams{NodeID: id, ForcedPseudoClasses: []string{"hover", "active"}})
		found = append(found, script[[]string](b, faults)...)
		command(b, css.ForcePseudoState, css.ForcePseudoStateParams{NodeID: id, ForcedPseudoClasses: []string{}})
	}
	return found
}

// unreachable is what Tab does not come to, in the order of the page, and what
// does not show that it came.
func (b *tab) unreachable() (found []string) {
	b.t.Helper()
	// What is folded up is not there, and a button for the Enter key alone is for
	// nobody to come to.
	const controls = `[...document.querySelectorAll("a[href],button,summary,input:not([type=hidden]),select,textarea,[tabindex]:not([tabindex='-1'])")].filter(e => e.checkVisibility() && !e.closest("[aria-hidden=true]"))`
	n := script[int](b, controls+".length")
	var order []int
	for range n + 2 {
		b.keys(kb.Tab)
		at := script[int](b, controls+".indexOf(document.activeElement)")
		if at < 0 {
			continue // the browser's own controls
		}
		order = append(order, at)
		if ring := script[string](b, `(s => s.outlineStyle + " " + parseFloat(s.outlineWidth))(getComputedStyle(document.activeElement))`); ring != "solid 3" {
			found = append(found, fmt.Sprintf("where the focus is, is not seen: %s", ring))
		}
	}
	for i := range n {
		if !slices.Contains(order, i) {
			found = append(found, "Tab does not reach "+script[string](b, fmt.Sprintf("%s[%d].outerHTML", controls, i)))
		}
	}
	for i := 1; i < len(order); i++ {
		if order[i] != (order[i-1]+1)%n {
			found = append(found, fmt.Sprintf("Tab jumps: %v", order))
			break
		}
	}
	return found
}

// nameless is what a screen reader could not tell of the page.
func (b *tab) nameless() (found []string) {
	b.t.Helper()
	count := map[string]int{}
	names := map[string]bool{}
	for _, n := range b.tree() {
		role, name := calls(n.Role), strings.TrimSpace(calls(n.Name))
		count[role]++
		switch role {
		case "button", "link", "textbox", "heading", "region", "RootWebArea", "image":
			if name == "" {
				found = append(found, "a "+role+" has no name")
			}
		}
		if role == "button" && names[name] {
			found = append(found, "two buttons are named "+name)
		}
		names[name] = names[name] || role == "button"
	}
	for _, role := range []string{"main", "banner", "RootWebArea"} {
		if count[role] != 1 {
			found = append(found, fmt.Sprintf("there are %d of %s", count[role], role))
		}
	}
	return found
}
