// Package compose is how a member writes: the form of a new message with its choice of office, and the review of what
// was written, new message or reply, before it is sent.
//
// What is typed is a draft from the first second on; the form carries its id, so that sending twice sends once.
package compose

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/parts"
	"postern/frontend/respond"
	"postern/frontend/seat"
)

type reader interface {
	Recipients(ctx context.Context) ([]view.Recipient, error)
	Draft(ctx context.Context, id string) (view.Draft, error)
	Thread(ctx context.Context, part care.EventID) (view.Thread, error)
}

type writer interface {
	SaveDraft(ctx context.Context, d view.Draft) (view.Draft, error)
	DeleteDraft(ctx context.Context, id string) error
	SendMessage(ctx context.Context, draft string) (seat.Sending, error)
	SendReply(ctx context.Context, draft string) (seat.Sending, error)
	Became(ctx context.Context, draft string) (seat.Sending, error)
}

func views(r *http.Request) reader { return seat.From(r.Context()).Views() }
func desk(r *http.Request) writer  { return seat.From(r.Context()).Desk() }

// Kinds of drafts that members write.
const (
	kindNew   = "new"
	kindReply = "reply"
)

// New is GET /messages/new: an empty form. Nothing is kept until something is typed.
func New(w http.ResponseWriter, r *http.Request) {
	showForm(w, r, view.Draft{ID: care.NewID("dr"), What: kindNew}, "")
}

// Edit is GET /drafts/{draft}: the form with what was typed. A reply is edited in its conversation.
func Edit(w http.ResponseWriter, r *http.Request) {
	d, ok := draftOf(w, r)
	switch {
	case !ok:
	case d.What == kindReply:
		respond.GoTo(w, r, link.Conversation(d.Part, ""))
	default:
		showForm(w, r, d, r.FormValue("field"))
	}
}

// Save is POST /drafts/{draft}: keeps what was typed so far. A draft with nothing in it is not kept.
func Save(w http.ResponseWriter, r *http.Request) {
	d, err := typed(r)
	if err == nil {
		d, err = keep(r, d)
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	if strings.HasSuffix(r.Header.Get("HX-Current-URL"), link.Compose) && !d.Saved.IsZero() {
		w.Header().Set("HX-Replace-Url", link.Draft(d.ID))
	}
	saved := ""
	if !d.Saved.IsZero() {
		saved = parts.FrameFrom(r.Context()).Clock.Time(d.Saved)
	}
	if d.What == kindReply {
		respond.HTML(w, r, savedReply(saved))
		return
	}
	offices, err := views(r).Recipients(r.Context())
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.HTML(w, r, savedDraft(saved, pickerOf(offices, d.Office, parts.FrameFrom(r.Context()).Clock)))
}

// Review is POST /drafts/{draft}/review: keeps what was typed, and shows it for a last look, or the form again with what
// is missing.
func Review(w http.ResponseWriter, r *http.Request) {
	d, err := typed(r)
	if err == nil {
		d, err = keep(r, d)
	}
	if err != nil {
		respond.Failed(w, r, err)
		return
	}
	if wrong := check(d); wrong != nil {
		w.Header().Set("HX-Push-Url", "false")
		showWrong(w, r, d, wrong)
		return
	}
	showReview(w, r, d, nil)
}

// Look is GET /drafts/{draft}/review.
func Look(w http.ResponseWriter, r *http.Request) {
	d, ok := draftOf(w, r)
	switch {
	case !ok:
	case check(d) != nil:
		showWrong(w, r, d, check(d))
	default:
		showReview(w, r, d, nil)
	}
}

// Send is POST /drafts/{draft}/sending. A second time it leads to what the first has become. A draft that is not what was read
// is shown again.
func Send(w http.ResponseWriter, r *http.Request) {
	id, send := r.PathValue("draft"), desk(r).SendMessage
	if d, err := views(r).Draft(r.Context(), id); err == nil && digest(d) != r.PostFormValue("read") {
		showReview(w, r, d, care.Refusef(care.Conflict, "The text has changed since this page was drawn. Read it once more before you send it."))
		return
	}
	if r.FormValue("what") == kindReply {
		send = desk(r).SendReply
	}
	out, err := send(r.Context(), id)
	switch {
	case err == nil && r.FormValue("what") == kindReply:
		respond.GoTo(w, r, link.Conversation(out.Part, ""))
	case err == nil:
		respond.GoTo(w, r, link.Sent(id))
	case care.KindOf(err) == care.Internal:
		respond.Failed(w, r, err)
	default:
		refusedSend(w, r, id, err)
	}
}

// refusedSend draws the review again with what stands against sending; the text stays a draft.
func refusedSend(w http.ResponseWriter, r *http.Request, id string, refusal error) {
	d, err := views(r).Draft(r.Context(), id)
	if err != nil {
		respond.Failed(w, r, refusal)
		return
	}
	showReview(w, r, d, refusal)
}

// Delete is POST /drafts/{draft}/deletion.
func Delete(w http.ResponseWriter, r *http.Request) {
	if err := desk(r).DeleteDraft(r.Context(), r.PathValue("draft")); err != nil {
		respond.Failed(w, r, err)
		return
	}
	respond.GoTo(w, r, link.List(""))
}

// draftOf finds the draft of the address. If its text was sent meanwhile it leads there, and answers false.
func draftOf(w http.ResponseWriter, r *http.Request) (view.Draft, bool) {
	id := r.PathValue("draft")
	d, err := views(r).Draft(r.Context(), id)
	if err == nil {
		return d, true
	}
	if care.KindOf(err) == care.NotFound {
		if now, became := desk(r).Became(r.Context(), id); became == nil {
			respond.GoTo(w, r, sentAt(now))
			return d, false
		}
	}
	respond.Failed(w, r, err)
	return d, false
}

func sentAt(s seat.Sending) string {
	if s.Part.IsZero() {
		return link.Sent(s.Draft)
	}
	return link.Conversation(s.Part, "")
}

// typed reads the form.
func typed(r *http.Request) (view.Draft, error) {
	if err := r.ParseForm(); err != nil {
		return view.Draft{}, respond.BadForm(err)
	}
	d := view.Draft{ID: r.PathValue("draft"), What: kindNew, Office: care.OfficeID(r.PostFormValue("office")),
		Topic: care.Topic(r.PostFormValue("topic")), Subject: clean(r.PostFormValue("subject")), Private: r.PostFormValue("private") == "1", Text: clean(r.PostFormValue("text"))}
	if r.PostFormValue("what") != kindReply {
		return d, nil
	}
	d.What = kindReply
	var err error
	if d.Part, err = care.ParseEventID(r.PostFormValue("part")); err != nil {
		return d, care.Because(care.Invalid, err, "This reply belongs to no conversation. Open the conversation and try again.")
	}
	if d.Thread, err = care.ParseEventID(r.PostFormValue("thread")); err != nil {
		return d, care.Because(care.Invalid, err, "This reply belongs to no conversation. Open the conversation and try again.")
	}
	return d, nil
}

// clean gives text the line ends that everything here uses: forms send others.
func clean(s string) care.Text { return care.Text(strings.ReplaceAll(s, "\r\n", "\n")) }

// keep saves the draft, or forgets it where nothing is in it.
func keep(r *http.Request, d view.Draft) (view.Draft, error) {
	if d.Office == "" && d.Topic == "" && blank(d.Subject) && blank(d.Text) {
		return d, desk(r).DeleteDraft(r.Context(), d.ID)
	}
	return desk(r).SaveDraft(r.Context(), d)
}

func blank(t care.Text) bool { return strings.TrimSpace(string(t)) == "" }

// What is missing, in the order of the form; the page says the same while a person types.
const (
	needOffice  = "Choose an office to continue."
	needSubject = "Add a subject to continue."
	needText    = "Write your message to continue."
)

// check finds the first thing that keeps a draft from being sent; the commands check again.
func check(d view.Draft) *care.Error {
	if d.What == kindReply {
		return fits("text", "reply", "Write your reply to continue.", d.Text, care.MaxText)
	}
	if d.Office == "" {
		return care.Refusef(care.Invalid, needOffice).In("office")
	}
	if err := fits("subject", "subject", needSubject, d.Subject, care.MaxSubject); err != nil {
		return err
	}
	return fits("text", "text", needText, d.Text, care.MaxText)
}

func fits(field, name, empty string, t care.Text, most int) *care.Error {
	if blank(t) {
		return care.Refusef(care.Invalid, "%s", empty).In(field)
	}
	if over := utf8.RuneCountInString(string(t)) - most; over > 0 {
		return care.Refusef(care.Invalid, "Shorten the %s by %s.", name, characters(over)).In(field)
	}
	return nil
}
