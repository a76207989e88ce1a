// Package parts holds the components that several screens draw: the shell, icons, texts, states, banners.
//
// Each takes a typed model with exactly what it shows; handlers compute, templates place. Screens import parts, never
// each other.
package parts

import (
	"cmp"
	"context"
	"strings"
	"time"

	"postern/backend/care"
	"postern/frontend/say"
)

// Frame is what the shell around every screen shows.
type Frame struct {
	SignedIn  bool
	Member    bool
	Practice  string // the clinic's name; empty before sign-in where it is not known
	Me        care.Person
	Own       care.PatientID // of a member: their own record
	Acting    Acting
	NurseLine string
	FrontDesk string
	Promise   string        // "two business days"
	Lock      time.Duration // how long the person may do nothing until the screen locks
	Look      Look
	Sync      Sync
	Mark      string // what every screen says; "" for nothing
	Window    bool   // the desktop window shows it, no browser
	Path      string // of the address asked for
	Clock     say.Clock
}

// Look is how this browser wants to see Postern.
type Look struct {
	Theme string // "light", "dark", or "" for what the computer says
	Size  string // "125", "150", "200", or "" for 100 per cent
}

// Sync is the sync state in words.
type Sync struct {
	Class string // "is-bad", "is-off", "is-busy" or ""
	Icon  string
	Text  string
	Faint string // the fainter end of the text: "checked 3:58 pm"
	Done  int    // with Total: a progress bar
	Total int
	Bar   *Bar // what is wrong, above everything

	Refused  bool   // the mail system turns this computer away, and a person must act: Bar says what to do
	Chosen   bool   // the person works offline
	Arriving bool   // what the clinic has is still coming in for the first time: an empty list says nothing yet
	Stale    string // "Last updated 2:41 pm. New messages are not shown.", while nothing new can come in
}

// Bar says what is wrong with the connection: what happened, where the text is, what to do, and whom to call.
type Bar struct {
	Kind, Icon   string
	Strong, Text string
	Waiting      int
	FrontDesk    string // telephone number
	Chosen       bool   // the person works offline, and can end it
}

// SyncOf puts a sync state in words. waiting is how many texts and letters have not gone out; frontDesk is whom to call.
func SyncOf(s care.SyncState, waiting int, frontDesk string, clock say.Clock) Sync {
	out := syncOf(s, waiting, frontDesk, clock)
	out.Chosen = s.Chosen
	switch {
	case s.Phase == care.SyncAmiss, s.Phase == care.SyncUpToDate: // what comes may well be shown
	case out.Bar != nil && s.Checked.IsZero():
		out.Stale = "New messages are not shown."
	case out.Bar != nil:
		out.Stale = "Last updated " + clock.Moment(s.Checked) + ". New messages are not shown."
	case s.Checked.IsZero():
		out.Arriving = s.Phase == care.SyncFetching || s.Phase == care.SyncStarting
	}
	return out
}

func syncOf(s care.SyncState, waiting int, frontDesk string, clock say.Clock) Sync {
	bar := &Bar{Kind: "is-bad", Icon: "circle-alert", Waiting: waiting, FrontDesk: frontDesk}
	switch s.Phase {
	case care.SyncFetching:
		return Sync{Class: "is-busy", Icon: "refresh-cw", Done: s.Done, Total: s.Total,
			Text: "Syncing " + say.Size(s.Done, s.Total) + unsent(waiting)}
	case care.SyncUpToDate:
		faint := ""
		if !s.Checked.IsZero() {
			faint = "checked " + clock.Time(s.Checked)
		}
		out := Sync{Icon: "circle-check", Text: "Up to date" + unsent(waiting), Faint: faint}
		if s.Problem != "" { // nothing is amiss yet
			out.Bar = &Bar{Kind: "is-warn", Icon: bar.Icon}
			out.Bar.Strong, out.Bar.Text = firstSentence(s.Problem)
		}
		return out
	case care.SyncOffline:
		if s.Chosen {
			bar.Kind, bar.Icon, bar.Strong, bar.Chosen, bar.FrontDesk = "is-warn", "cloud-off", "You are working offline.", true, ""
			bar.Text = "You can read and write. New messages are sent and fetched when you go online."
			return Sync{Class: "is-off", Icon: "cloud-off", Text: "Working offline" + waitingBy(" · ", waiting), Bar: bar}
		}
		bar.Kind, bar.Icon, bar.Strong = "is-warn", "cloud-off", "You are offline."
		bar.Text = "You can read and write. " + cmp.Or(s.Problem, "New messages are sent when the connection is back.")
		return Sync{Class: "is-off", Icon: "cloud-off", Text: "Offline" + unsent(waiting), Bar: bar}
	case care.SyncRefused, care.SyncAmiss:
		bar.Strong, bar.Text = firstSentence(s.Problem)
		return Sync{Class: "is-bad", Icon: "circle-alert", Text: "Not up to date" + unsent(waiting), Bar: bar, Refused: s.Phase == care.SyncRefused}
	}
	return Sync{Class: "is-busy", Icon: "refresh-cw", Text: "Connecting" + unsent(waiting)}
}

func unsent(waiting int) string { return waitingBy(" - ", waiting) }

// waitingBy is how many wait, behind what is said before.
func waitingBy(by string, waiting int) string {
	if waiting == 0 {
		return ""
	}
	return by + say.Number(waiting) + " waiting to send"
}

func offlineVals(on bool) string {
	if on {
		return `{"offline":"on"}`
	}
	return `{"offline":""}`
}

// firstSentence cuts a text after its first sentence.
func firstSentence(text string) (first, rest string) {
	first, rest, more := strings.Cut(text, ". ")
	if more {
		first += "."
	}
	return first, rest
}

type frameKey struct{}

// WithFrame puts the frame of a request in its context.
func WithFrame(ctx context.Context, f Frame) context.Context {
	return context.WithValue(ctx, frameKey{}, f)
}

// FrameFrom is the frame of a request.
func FrameFrom(ctx context.Context) Frame {
	f, _ := ctx.Value(frameKey{}).(Frame)
	return f
}
