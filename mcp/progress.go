package mcp

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// progressEvery is how often a call tells how far it is, and how long it takes
// before it tells anything.
const progressEvery = time.Second

// progressing tells a client that has sent a token for it that its call is still at
// work, until stop is called. There is no total: what a call waits for (the payment
// service, a past moment) does not say how far it is.
func (c *call) progressing(ctx context.Context, t tool) (stop func()) {
	token := c.sent.Params.GetProgressToken()
	if token == nil {
		return func() {}
	}
	var mu sync.Mutex // nothing is told after stop has returned
	over, began := false, time.Now()
	var timer *time.Timer
	tell := func() {
		defer func() {
			if fault := recover(); fault != nil { // nobody stands behind a timer
				c.Logger.Error("panic", slog.Any("fault", fault), "stack", string(debug.Stack()))
			}
		}()
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		seconds := math.Round(time.Since(began).Seconds()*1000) / 1000
		// A client that does not hear it loses nothing.
		_ = c.sent.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: seconds, Message: c.waiting(t)})
		timer.Reset(c.progress)
	}
	mu.Lock()
	timer = time.AfterFunc(c.progress, tell)
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		timer.Stop()
	}
}

// waiting is what a call is at while it takes long.
func (c *call) waiting(t tool) string {
	switch {
	case c.asking.Load():
		return "The person is asked; their answer has not come yet."
	case t.open:
		return "The purchase is under way; the payment service has not answered yet."
	case t.past:
		return "The shop is looking into its past."
	}
	return "The shop is still at it."
}
