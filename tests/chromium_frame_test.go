package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// enter goes into the innermost frame of the page: hands and eyes are there until
// the tab's frame is set back to "".
func (b *tab) enter() {
	b.t.Helper()
	b.frame = ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		tree := command(b, page.GetFrameTree, cdp.Empty{}).FrameTree
		outermost := tree
		for len(tree.ChildFrames) > 0 {
			tree = tree.ChildFrames[len(tree.ChildFrames)-1]
		}
		if tree != outermost {
			b.frame = tree.Frame.ID
			return
		}
	}
	b.t.Fatalf("the page has no frame:\n%s", b.text())
}

// inFrame is the value of an expression in the frame, in a world of its own: a
// view's policy forbids nothing there.
func inFrame[T any](b *tab, expression string) (v T) {
	b.t.Helper()
	world := command(b, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: b.frame}).ExecutionContextID
	yes := true
	got := command(b, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world, ReturnByValue: &yes, AwaitPromise: &yes})
	if got.ExceptionDetails != nil {
		b.t.Fatalf("in the frame: %s", got.ExceptionDetails.Exception.Description)
	}
	if err := json.Unmarshal(got.Result.Value, &v); err != nil {
		b.t.Fatalf("in the frame: %v", err)
	}
	return v
}

// evaluating waits for a promise of the page.
func evaluating(expression string) chromedp.Action[bool] {
	return func(ctx context.Context, to *chromedp.Target) (bool, error) {
		yes := true
		got, err := cdp.Call(ctx, to, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: &yes, ReturnByValue: &yes})
		if err == nil && got.ExceptionDetails != nil {
			err = fmt.Errorf("%s: %s", expression, got.ExceptionDetails.Text)
		}
		return err == nil, err
	}
}
