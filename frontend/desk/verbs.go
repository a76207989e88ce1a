package desk

import (
	"context"
	"net/http"
	"strings"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

// verb runs one command of the toolbar; it may change where the person is.
type verb func(ctx context.Context, do acts, a *at) error

// act runs a verb and draws the pane again. What came too late, or is not allowed, is said beside the pane as it is now.
func act(w http.ResponseWriter, r *http.Request, run verb) {
	a, err := here(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	err = run(r.Context(), seat.From(r.Context()).Desk(), &a)
	switch care.KindOf(err) {
	case care.Conflict, care.Invalid, care.Forbidden, care.NotFound:
		if err != nil {
			overtaken(w, r, a, err)
			return
		}
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	again(w, r, a)
}

// Claim makes the person the owner, unless somebody else became it since the person last looked.
func Claim(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error {
		t, err := seat.From(ctx).Views().Thread(ctx, a.part)
		if err != nil {
			return err
		}
		if owner := string(t.Owner.ID); owner != "" && !t.Mine && owner != r.FormValue("seen") {
			return care.Refusef(care.Conflict, "%s", claimedFirst(t.Owner))
		}
		return do.Claim(ctx, a.part)
	})
}

// Unclaim hands the conversation back to the office.
func Unclaim(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error { return do.Unclaim(ctx, a.part) })
}

// Assign makes a colleague the owner.
func Assign(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error {
		who := care.PersonID(r.PostFormValue("who"))
		if who == "" {
			return care.Refusef(care.Invalid, "Choose a colleague.").In("who")
		}
		return do.Assign(ctx, a.part, who)
	})
}

// Flag marks the conversation as urgent, or takes the mark away.
func Flag(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error {
		reason := care.Text(strings.TrimSpace(r.PostFormValue("reason")))
		return do.Flag(ctx, a.part, r.PostFormValue("on") == "1", reason)
	})
}

// Reopen gives the member the reply button back.
func Reopen(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error { return do.Reopen(ctx, a.part) })
}

// Confide leaves the proxies out of the conversation from here on.
func Confide(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error { return do.Confide(ctx, a.part) })
}

// Resend sends again what did not reach the member.
func Resend(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error { return do.Resend(ctx, a.part) })
}

// Accept takes what came by ordinary e-mail as the member's word.
func Accept(w http.ResponseWriter, r *http.Request) { judge(w, r, acts.Accept) }

// Decline does not take it as the member's word; it stays to be read.
func Decline(w http.ResponseWriter, r *http.Request) { judge(w, r, acts.Decline) }

func judge(w http.ResponseWriter, r *http.Request, how func(do acts, ctx context.Context, part, reply care.EventID) error) {
	act(w, r, func(ctx context.Context, do acts, a *at) error {
		reply, err := care.ParseEventID(r.URL.Query().Get("reply"))
		if err != nil {
			return care.Refusef(care.Invalid, "This reply is not here any more. Reload the page.")
		}
		return how(do, ctx, a.part, reply)
	})
}

// Now ends the hold of a sent text, or sends one that was set aside for review.
func Now(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error {
		id := a.draftOnce(r)
		return do.SendNow(ctx, id)
	})
}

// Undo makes a text that was sent a draft again, open for editing.
func Undo(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error {
		d, err := do.TakeBack(ctx, a.draftOnce(r))
		if err != nil {
			return err
		}
		a.write, a.draft, a.focus = modeOf(d.What), d.ID, focusText
		return nil
	})
}

// Discard deletes a text that was set aside for review.
func Discard(w http.ResponseWriter, r *http.Request) {
	act(w, r, func(ctx context.Context, do acts, a *at) error { return do.Discard(ctx, a.draftOnce(r)) })
}

// draftOnce is the text that a button of the conversation is about: it is named in the address, not by the open form.
func (a *at) draftOnce(r *http.Request) string {
	id := r.URL.Query().Get("held")
	if !care.ValidID("dr", id) {
		return ""
	}
	return id
}

// Read notes which items of the conversation were shown to the person.
func Read(w http.ResponseWriter, r *http.Request) {
	a, err := here(r)
	if err == nil {
		var shown []care.EventID
		if shown, err = link.Shown(r); err == nil {
			err = seat.From(r.Context()).Desk().MarkRead(r.Context(), a.part, shown...)
		}
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.Nothing(w)
}

// Reply sends what was written to the member, or with "Send and complete" as the closing line. A second click answers
// with what the first one did.
func Reply(w http.ResponseWriter, r *http.Request) {
	send(w, r, modeReply, func(ctx context.Context, do acts, draft string) error {
		if r.PostFormValue("complete") != "" {
			_, err := do.Complete(ctx, draft)
			return err
		}
		_, err := do.SendReply(ctx, draft)
		return err
	})
}

// Completion completes the conversation with its closing line.
func Completion(w http.ResponseWriter, r *http.Request) {
	send(w, r, modeClosing, func(ctx context.Context, do acts, draft string) error {
		_, err := do.Complete(ctx, draft)
		return err
	})
}

// Note adds an internal note.
func Note(w http.ResponseWriter, r *http.Request) {
	send(w, r, modeNote, func(ctx context.Context, do acts, draft string) error { return do.SaveNote(ctx, draft) })
}

// send keeps what was typed as the draft, and then sends that draft. A draft that was sent already stays as it was sent;
// sending it again does nothing.
func send(w http.ResponseWriter, r *http.Request, what string, out func(context.Context, acts, string) error) {
	a, err := here(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	a.write = what
	if a.draft == "" {
		a.draft = care.NewID("dr")
	}
	do := seat.From(r.Context()).Desk()
	if err = keep(r.Context(), do, a, text(r)); err == nil || care.KindOf(err) == care.Conflict {
		err = out(r.Context(), do, a.draft)
	}
	if err != nil {
		sameForm(w, r, a, err)
		return
	}
	a.write, a.draft, a.focus = "", "", focusHeldText
	again(w, r, a)
}

// keep saves what was typed as the draft of the open form.
func keep(ctx context.Context, do acts, a at, typed care.Text) error {
	t, err := seat.From(ctx).Views().Thread(ctx, a.part)
	if err != nil {
		return err
	}
	_, err = do.SaveDraft(ctx, view.Draft{ID: a.draft, What: a.write, Thread: t.Thread, Part: a.part, Office: t.Office.ID, Text: typed})
	return err
}

// Draft saves what is being typed; an emptied field deletes its draft. With "write" the person turns to another form, or
// closes this one.
func Draft(w http.ResponseWriter, r *http.Request) {
	a, err := here(r)
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	typed := text(r)
	err = note(r.Context(), seat.From(r.Context()).Desk(), a, typed)
	if err != nil && care.KindOf(err) != care.Conflict { // it was sent while this was under way
		respond.Failed(w, r, err)
		return
	}
	if to := modeOf(r.URL.Query().Get("write")); to != "" {
		again(w, r, a.turned(to))
		return
	}
	if err != nil {
		respond.Nothing(w)
		return
	}
	respond.HTML(w, r, saved(!blank(typed)))
}

// note keeps what is being typed, or deletes the draft of an emptied field.
func note(ctx context.Context, do acts, a at, typed care.Text) error {
	switch {
	case a.write == "" || a.write == modeNone || a.draft == "":
		return care.Refusef(care.Invalid, "This form cannot be read. Reload the page; what you typed until now is saved.")
	case blank(typed):
		return do.DeleteDraft(ctx, a.draft)
	}
	return keep(ctx, do, a, typed)
}

func blank(t care.Text) bool { return strings.TrimSpace(string(t)) == "" }

// turned is the same place with the composer in another mode.
func (a at) turned(mode string) at {
	a.write, a.draft, a.focus = mode, "", focusText
	if mode == modeNone {
		a.focus = focusClosed
	}
	return a
}
