package frontend_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"postern/backend/care"
	"postern/frontend"
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

// signInAs signs in with a profile of the chooser, from the sign-in page or the lock screen.
func (b *browser) signInAs(profile string) {
	b.t.Helper()
	b.until("the sign-in page or the lock screen", `document.getElementById("passphrase")`)
	if eval[bool](b, `document.title === "Locked - Postern"`) {
		b.button("Sign in as someone else")
	}
	b.until("the profile "+profile, fmt.Sprintf(`(document.querySelector("input[value=%s]")?.click(), !!document.querySelector("input[value=%s]:checked"))`, profile, profile))
	b.signIn()
}

// TestTwoPeopleInOneBrowser: one is in the middle of a reply while another signs in beside it. The reply stays where it
// is, goes into nobody else's record, and is saved once its writer is back. A tab without such words goes to the start.
func TestTwoPeopleInOneBrowser(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	b.expect("401")
	field := b.openPressure()
	reading := b.tab()
	reading.expect("401")
	reading.sees("Messages for: Marisol Vega")
	b.front()
	w.failing(care.Refusef(care.Unavailable, "Not just now.")) // so that the words are still unsaved when the tab is left
	b.expect("503")
	b.fill(field, "Should I also")
	b.sees("Not just now.")

	other := b.tab()
	other.expect("401")
	other.sees("Messages for: Marisol Vega")
	w.failing(nil)
	other.button("Lock")
	other.signInAs("joaquin")
	other.sees("Messages for: Joaquín Vega")
	b.mustHold(field, "Should I also")
	b.front()
	b.do(key("!"))
	b.sees("Joaquín Vega is signed in at this browser now")
	b.mustHold(field, "Should I also!")
	reading.front()
	reading.sees("Messages for: Joaquín Vega")
	b.mustHold(field, "Should I also!")

	other.front()
	other.button("Lock")
	other.signInAs("marisol")
	if got := w.written(); len(got) != 0 {
		t.Errorf("somebody else's record has %q", got)
	}
	b.front()
	b.keptDraft("Should I also!")
	b.mustHold(field, "Should I also!")
}

// mustHold fails where the field holds something else.
func (b *browser) mustHold(field, text string) {
	b.t.Helper()
	if got := eval[string](b, fmt.Sprintf(`document.getElementById(%q)?.value ?? "no field"`, field)); got != text {
		b.t.Fatalf("the field holds %q, want %q", got, text)
	}
}

// TestARestartTakesNoFormAway: Postern ends and comes back at the same address. The words stay on the page, which says
// what to do, and are saved when that was done.
func TestARestartTakesNoFormAway(t *testing.T) {
	w := newWorld()
	b := open(t, w)
	field := b.openPressure()
	b.fill(field, "First.")
	b.keptDraft("First.")
	for _, noise := range []string{"401", "403", "ERR_", "fetch"} {
		b.expect(noise)
	}
	address := b.srv.Listener.Addr().String()
	_ = b.srv.Listener.Close() // before the page's stream comes again
	b.srv.CloseClientConnections()
	b.srv.Close()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ending := make(chan struct{})
	again := httptest.NewUnstartedServer(frontend.New(w, frontend.Options{Token: "another", Now: func() time.Time { return w.now }, Ending: ending}))
	_ = again.Listener.Close()
	again.Listener = l
	again.Start()
	t.Cleanup(func() {
		close(ending) // or the page's stream would be waited for
		again.Close()
	})
	b.do(key(" Second."))
	b.sees("Open the new link in another tab")
	b.mustHold(field, "First. Second.")

	other := b.tab()
	other.expect("403")
	other.do(chromedp.Navigate(b.url + "/open?token=another"))
	other.signInAs("marisol")
	b.front()
	b.keptDraft("First. Second.")
	b.mustHold(field, "First. Second.")
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
	for end := time.Now().Add(patience); w.listeners() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d tabs listen", w.listeners())
		}
	}
}
