package command

import (
	"testing"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/draft"
	"postern/backend/record/recordtest"
)

// Support staff answer administrative topics only. Whatever the screen offers, the desk refuses a reply and a completion of
// a clinical conversation, and says why; triage and notes are theirs in every one. What was taken back from them before it went
// out is set aside.
func TestSupportStaff(t *testing.T) {
	for topic, may := range map[care.Topic]bool{care.TopicAppointment: true, care.TopicOther: true, care.TopicAdvice: false, care.TopicRenewal: false, "": false} {
		sam := sits(t, recordtest.Sam, recordtest.RamanBox, recordtest.LeeBox)
		s := recordtest.NewStoryAbout(t, recordtest.Maria, topic, recordtest.Monday)
		s.Says(recordtest.Maria, "May I come on Friday?")
		sam.takes(s.All...)
		reply, closing := sam.drafts(DraftReply, s.Thread, "Yes."), sam.drafts(DraftClosing, s.Thread, "See you on Friday.")
		for name, do := range map[string]func() error{
			"reply":        func() error { _, err := sam.SendReply(t.Context(), reply); return err },
			"closing line": func() error { _, err := sam.Complete(t.Context(), closing); return err },
			"send and complete": func() error {
				_, err := sam.Complete(t.Context(), sam.drafts(DraftReply, s.Thread, "Done."))
				return err
			},
		} {
			err := do()
			if want := care.RoleSupport.Bounded(topic); may && err != nil || !may && (care.KindOf(err) != care.Forbidden || care.SentenceOf(err) != want) {
				t.Errorf("%s about %q: %v", name, topic, err)
			}
		}
		must(t, sam.Claim(t.Context(), s.Thread))
		must(t, sam.Flag(t.Context(), s.Thread, true, "Asked twice"))
		must(t, sam.SaveNote(t.Context(), sam.drafts(DraftNote, s.Thread, "She calls back.")))
		if !may {
			if d, err := sam.SaveDraft(t.Context(), draft.Draft{ID: reply, What: DraftReply, Part: s.Thread, Text: "Yes."}); err != nil || d.Text != "Yes." {
				t.Errorf("what was typed is gone: %v", err)
			}
		}
	}
	// Held as a nurse, promoted as one who is none any more.
	rosa := rosa(t)
	s, _ := story(t, rosa)
	id := rosa.holds(s.Thread, "Twice a day.")
	rosa.Me.Role = care.RoleSupport
	must(t, rosa.Promote(t.Context(), id))
	rosa.reviewed(id, care.RoleSupport.Bounded(care.TopicAdvice))
	for _, e := range rosa.mails(recordtest.LeeBox) {
		if e.Kind == event.Sent {
			t.Error("it was sent")
		}
	}
}
