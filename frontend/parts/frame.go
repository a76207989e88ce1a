// Package parts holds the components that several screens draw: the shell, icons, texts, states, banners.
//
// Each takes a typed model with exactly what it shows; handlers compute, templates place. Screens import parts, never
// each other.
package parts

import (
	"context"

	"postern/backend/care"
	"postern/frontend/say"
)

// Frame is what the shell around every screen shows.
type Frame struct {
	SignedIn  bool
	Member    bool
	Practice  string // the clinic's name; empty before sign-in where it is not known
	Me        care.Person
	NurseLine string
	FrontDesk string
	Promise   string // "two business days"
	Look      Look
	Sync      Sync
	Clock     say.Clock
}

// Look is how this browser wants to see Postern.
type Look struct {
	Theme string // "light", "dark", or "" for what the computer says
	Size  string // "125", "150", "200", or "" for 100 per cent
}

// Sync is the sync state in words.
type Sync struct {
	Class   string // "is-off", "is-busy" or ""
	Icon    string
	Text    string
	Faint   string // the fainter end of the text: "checked 3:58 pm"
	Done    int    // with Total: a progress bar
	Total   int
	Offline bool   // shows the amber bar
	Problem string // shows the red bar
}

// SyncOf puts a sync state in words. waiting is how many texts and letters have not gone out.
func SyncOf(s care.SyncState, waiting int, clock say.Clock) Sync {
	switch s.Phase {
	case care.SyncFetching:
		return Sync{Class: "is-busy", Icon: "refresh-cw", Done: s.Done, Total: s.Total,
			Text: "Syncing " + say.Size(s.Done, s.Total)}
	case care.SyncUpToDate:
		faint := ""
		if !s.Checked.IsZero() {
			faint = "checked " + clock.Time(s.Checked)
		}
		return Sync{Icon: "circle-check", Text: "Up to date", Faint: faint}
	case care.SyncOffline:
		return Sync{Class: "is-off", Icon: "cloud-off", Text: "Offline" + unsent(waiting), Offline: true}
	case care.SyncRefused:
		return Sync{Class: "is-off", Icon: "circle-alert", Text: "Not connected" + unsent(waiting), Problem: s.Problem}
	}
	return Sync{Class: "is-busy", Icon: "refresh-cw", Text: "Connecting" + unsent(waiting)}
}

func unsent(waiting int) string {
	if waiting == 0 {
		return ""
	}
	return " - " + say.Number(waiting) + " waiting to send"
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
