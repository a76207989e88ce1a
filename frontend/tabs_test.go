package frontend_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
)

// tab opens another tab in the window of b, at the start. It covers the one that was in front.
func (b *browser) tab() *browser {
	b.t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewWindow(false), chromedp.WithListener(b.listen))
	b.t.Cleanup(stop)
	out := &browser{t: b.t, url: b.url, world: b.world, ctx: ctx}
	out.do(chromedp.Navigate(b.url))
	return out
}

// front brings a tab before the others of its window.
func (b *browser) front() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Page.bringToFront", map[string]any{}, nil)
	}))
}

// TestManyTabs opens more tabs than a browser keeps connections to one host. Only the one in front listens for changes,
// and one that comes to the front shows what happened meanwhile.
func TestManyTabs(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.signIn()
	for range 7 {
		b.tab().sees("Message Center")
	}
	b.until("the first tab hidden", `document.hidden`)
	w.replies(id("treadmill"), "You can drive home.")
	b.front()
	b.until("the reply's row", `document.querySelector(".convo.unread[href*='`+id("treadmill").String()+`']")`)
	w.replies(id("refill"), care.Text("It is renewed."))
	b.until("the next reply's row", `document.querySelector(".convo.unread[href*='`+id("refill").String()+`']")`)
	for end := time.Now().Add(8 * time.Second); w.listeners() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d tabs listen", w.listeners())
		}
	}
}
