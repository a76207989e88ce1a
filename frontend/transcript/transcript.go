// Package transcript writes one conversation out as a file: to keep, to print, to show to another doctor.
//
// The file stands alone. It fetches nothing and runs nothing, and it is read long after and elsewhere, so its days carry
// their year and its times their zone. It holds what the two sides wrote to each other, as the person who saves it may
// read it; never an internal note, a draft, or a text that is still held.
package transcript

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/seat"
)

type reader interface {
	Thread(ctx context.Context, part care.EventID) (view.Thread, error)
}

// File is a file to keep. Its name says nothing of what is in it: the lists of recent files show names.
type File struct {
	Name    string
	Content []byte
}

// Of writes out a conversation as it is now: care.NotFound where it is not here, or not the person's to see.
func Of(ctx context.Context, part care.EventID) (File, error) {
	who, frame := seat.From(ctx), parts.FrameFrom(ctx)
	var views reader = who.Views()
	t, err := views.Thread(ctx, part)
	if err != nil {
		return File{}, err
	}
	var b bytes.Buffer
	if err := document(build(t, frame)).Render(ctx, &b); err != nil {
		return File{}, fmt.Errorf("write out a conversation: %w", err)
	}
	today := frame.Clock.Now.In(frame.Clock.Zone).Format(time.DateOnly)
	return File{Name: "Conversation " + today + ".html", Content: b.Bytes()}, nil
}
