package frontend

import (
	"context"
	"net/http"

	"postern/backend/care"
	"postern/frontend/admin"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
	"postern/frontend/transcript"
)

// saveCopy writes a conversation out as a file and hands it over: in the window by its dialog, in a browser as a download.
// It is a POST, which only a page of ours can make: no link that somebody follows or passes on leads to a file. That a copy
// leaves is recorded before it does; where it cannot be, none leaves.
func (s *server) saveCopy(w http.ResponseWriter, r *http.Request) {
	part, err := care.ParseEventID(r.PathValue("part"))
	if err != nil {
		respond.Failed(w, r, care.Because(care.NotFound, err, "There is no such conversation."))
		return
	}
	file, err := transcript.Of(r.Context(), part)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, file.Name, func() ([]byte, error) { return file.Content, seat.From(r.Context()).Desk().Copied(r.Context(), part) })
}

// saveInvitation hands an invitation over as a file. Nothing here keeps it: the page that shows it says it once more.
func (s *server) saveInvitation(w http.ResponseWriter, r *http.Request) {
	name, content, err := admin.InvitationFile(r.PostFormValue("file"))
	if seat.From(r.Context()).Admin() == nil {
		err = care.Refusef(care.Forbidden, "Invitations are made on another computer.")
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	s.handOver(w, r, name, func() ([]byte, error) { return content, nil })
}

// handOver gives a person a file to keep. Its content is asked for when it is known where it goes.
func (s *server) handOver(w http.ResponseWriter, r *http.Request, name string, leave func() ([]byte, error)) {
	if s.window == nil {
		if content, err := leave(); err != nil {
			respond.Failed(w, r, err)
		} else {
			respond.File(w, name, content)
		}
		return
	}
	ctx, cancel := visitorOf(r).here(r.Context())
	defer cancel()
	saved, err := s.window.SaveCopy(ctx, name, leave)
	switch {
	case err != nil:
		respond.Failed(w, r, err)
	case saved:
		respond.HTML(w, r, parts.Done("Saved a copy."))
	default:
		respond.Nothing(w)
	}
}

// here is a context that ends when the visitor is signed out: whoever sits at a dialog then is not who opened it.
func (v visitor) here(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-v.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
