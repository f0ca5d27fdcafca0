package tests

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// arrives does what leads to another page and returns its status.
func (b *tab) arrives(does chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, does)
	if err != nil {
		b.t.Fatalf("no page comes: %v; this is still\n%s", err, b.text())
	}
	return int(resp.Status)
}

func (b *tab) open(address string) int {
	b.t.Helper()
	return b.arrives(chromedp.Navigate(address))
}

func (b *tab) text() string     { b.t.Helper(); return script[string](b, "document.body.innerText") }
func (b *tab) at() string       { b.t.Helper(); return script[string](b, "location.href") }
func (b *tab) keys(keys string) { b.t.Helper(); run(b, chromedp.KeyEvent(keys)) }

// tree is what a screen reader is told of the page.
func (b *tab) tree() (nodes []*accessibility.Node) {
	b.t.Helper()
	for _, n := range command(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{FrameID: b.frame}).Nodes {
		if !n.Ignored {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// calls is a text in the accessibility tree.
func calls(v *accessibility.Value) (text string) {
	if v != nil {
		_ = json.Unmarshal(v.Value, &text) // what is no text has no name
	}
	return text
}

// has is whether the page shows what has this role and name now.
func (b *tab) has(role, name string) bool {
	b.t.Helper()
	return slices.ContainsFunc(b.tree(), func(n *accessibility.Node) bool { return calls(n.Role) == role && calls(n.Name) == name })
}

// find waits for what has this role and name.
func (b *tab) find(role, name string) cdp.BackendNodeID {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, n := range b.tree() {
			if calls(n.Role) == role && calls(n.Name) == name {
				return n.BackendDOMNodeID
			}
		}
	}
	b.t.Fatalf("there is no %s %q at %s:\n%s", role, name, b.at(), b.text())
	return 0
}

// click is with the mouse, in the middle of it. A page that draws itself anew may
// take away what was just found; then it is looked for again, as a person would.
func (b *tab) click(role, name string) chromedp.Action[chromedp.Void] {
	b.t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		id := b.find(role, name)
		if _, err = asked(b, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: id}); err != nil {
			continue
		}
		var where dom.GetContentQuadsResult
		if where, err = asked(b, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: id}); err == nil && len(where.Quads) > 0 {
			quad := where.Quads[0]
			return chromedp.MouseClickXY((quad[0]+quad[4])/2, (quad[1]+quad[5])/2)
		}
	}
	b.t.Fatalf("the %s %q cannot be clicked on: %v", role, name, err)
	return nil
}

// fill writes over what is in a field.
func (b *tab) fill(label, text string) {
	b.t.Helper()
	run(b, b.click("textbox", label))
	run(b, chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.keys(text)
}

// focused is whether what has this role and name has the focus.
func (b *tab) focused(role, name string) bool {
	b.t.Helper()
	for _, n := range b.tree() {
		for _, p := range n.Properties {
			if calls(n.Role) == role && calls(n.Name) == name && p.Name == accessibility.PropertyNameFocused && string(p.Value.Value) == "true" {
				return true
			}
		}
	}
	return false
}

// awaits waits until the cursor stands where the page puts it by itself, which is
// a moment after it has loaded.
func (b *tab) awaits(label string) {
	b.t.Helper()
	for end := time.Now().Add(patience); !b.focused("textbox", label); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("the cursor is not in the field %q", label)
		}
	}
}

// tabTo presses Tab until the focus is on what has this role and name.
func (b *tab) tabTo(role, name string) {
	b.t.Helper()
	b.find(role, name)
	for range 40 {
		if b.focused(role, name) {
			return
		}
		b.keys(kb.Tab)
	}
	b.t.Fatalf("Tab does not reach the %s %q", role, name)
}

// shoot keeps a picture of the whole page in the folder TILL_SCREENSHOTS.
func (b *tab) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("TILL_SCREENSHOTS")
	if folder == "" {
		return
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), run(b, chromedp.FullScreenshot(100)), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// back is the browser's button. It does not wait: a page that the browser kept
// whole is not loaded again.
func (b *tab) back() {
	b.t.Helper()
	past := run(b, chromedp.NavigationEntries())
	command(b, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: past.Entries[past.CurrentIndex-1].ID})
}
