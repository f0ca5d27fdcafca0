package tests

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in a real Chromium, used as a person would: things are found by
// the role and the name that the accessibility tree gives them, and mouse and
// keyboard are all there is.
type tab struct {
	t   testing.TB
	ctx context.Context
	// frame is the frame of the page that is used; "" for the page itself.
	frame cdp.FrameID

	mu sync.Mutex
	// complaints is what the console says is wrong, asked the addresses that
	// were asked for, weight how many bytes the last page's document has.
	complaints, asked []string
	weight            int
}

// look is what a person set up in their browser.
type look struct {
	width     int64 // 0: 1280
	dark      bool
	noScripts bool
	still     bool // wants no motion
}

// patience is how long a page may take on a machine with other things to do.
const patience = 30 * time.Second

// chromiumPath finds the browser: TILL_CHROMIUM, or one on PATH.
func chromiumPath(t testing.TB) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if own := os.Getenv("TILL_CHROMIUM"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("TILL_REQUIRE_CHROMIUM") != "" {
		t.Fatal("TILL_CHROMIUM must name a Chromium, or one must be on PATH")
	}
	t.Skip("SKIPPED: THE PAGES ARE NOT SEEN IN A BROWSER. It needs a Chromium on PATH or in TILL_CHROMIUM.")
	return ""
}

// chromium starts a browser of its own, with no past, and returns its one tab.
func chromium(t testing.TB, as look) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumPath(t)), chromedp.DisableGPU,
		// Whatever a page asks for elsewhere must fail here at once, not travel.
		// A frame in a process of its own is out of this tab's reach.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,IsolateSandboxedIframes"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses the superuser
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	b := &tab{t: t}
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	t.Cleanup(stop)
	b.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context
		t.Fatal(err)
	}
	b.look(as)
	return b
}

// hear notes what the browser tells of the page.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
		if e.Type == network.ResourceTypeDocument {
			b.weight = 0
		}
	case *network.EventDataReceived:
		b.weight += int(e.DataLength)
	case *log.EventEntryAdded:
		// That an answer has the status 401 is no fault of the page, and who clicks
		// into a field before the cursor is there may.
		if !(e.Entry.Source == log.EntrySourceNetwork && strings.Contains(e.Entry.Text, "responded with a status of")) &&
			!strings.Contains(e.Entry.Text, "a document already has a focused element") {
			b.complaints = append(b.complaints, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.complaints = append(b.complaints, "console: "+string(e.Type))
		}
	}
}

// complained returns and forgets what the console said was wrong.
func (b *tab) complained() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.complaints
	b.complaints = nil
	return c
}

// forget forgets which addresses were asked for.
func (b *tab) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = nil
}

// hasAsked is whether an address was asked for that begins so.
func (b *tab) hasAsked(prefix string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.asked, func(address string) bool { return strings.HasPrefix(address, prefix) })
}

// run does something in the tab that must work.
func run[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := tried(b, a)
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return v
}

// tried does something in the tab that may fail.
func tried[T any](b *tab, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, a)
}

// command sends one of the DevTools protocol that must work.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	return run(b, sent(c, params))
}

// asked sends one that may fail.
func asked[P, R any](b *tab, c cdp.Command[P, R], params P) (R, error) {
	return tried(b, sent(c, params))
}

func sent[P, R any](c cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, to *chromedp.Target) (R, error) { return cdp.Call(ctx, to, c, params) }
}

// script is the value of an expression in the page; it works with the page's own
// scripts switched off too.
func script[T any](b *tab, expression string) T {
	b.t.Helper()
	if b.frame != "" {
		return inFrame[T](b, expression)
	}
	return run(b, chromedp.Evaluate[T](expression))
}

// look changes what the person set up.
func (b *tab) look(as look) {
	b.t.Helper()
	if as.width == 0 {
		as.width = 1280
	}
	scheme, motion := "light", "no-preference"
	if as.dark {
		scheme = "dark"
	}
	if as.still {
		motion = "reduce"
	}
	run(b, chromedp.EmulateViewport(as.width, 900))
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion},
	}})
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: as.noScripts})
}
