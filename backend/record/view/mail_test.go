package view_test

import (
	"bytes"
	"context"
	"database/sql"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	. "postern/backend/record/recordtest"
	"postern/backend/record/view"
)

// What came by ordinary e-mail stands in the care team's conversation and in a queue of its own, also where the conversation is complete;
// the member sees it once it was accepted.
func TestByOrdinaryMail(t *testing.T) {
	s := NewStory(t, Maria, "A rash", Monday)
	m := s.Says(Maria, "It itches.")
	said := s.Says(Rosa, "Use the cream.")
	told := s.Write(Agent, nil, event.NoticeBody{Message: said.ID, Mailbox: MariaBox, Reply: care.EventID{7}.String(), Until: Monday.AddDate(0, 0, 14)})
	s.Completes(Rosa, "Done.", m)
	reply := s.Write(Agent, nil, event.BridgedBody{Notice: told.ID, Mail: care.EventID{8}.String(), Received: Monday.Add(time.Hour), From: "maria@example.org",
		Known: true, Checks: []string{event.CheckAligned}, Text: "It is worse."})

	office := screensOf(t, NewReplica(t, nil), Rosa)
	office.r.Takes(LeeBox, s.All...)
	rows := office.queue(view.QueueBridged, "")
	if len(rows) != 1 || rows[0].Part != s.Thread || rows[0].Open {
		t.Fatalf("in the queue: %+v", rows)
	}
	if r := rows[0]; r.Snippet != "By e-mail, not verified: It is worse." {
		t.Errorf("the row says %q", r.Snippet)
	}
	th := office.thread(s.Thread)
	var came *view.Item
	for i := range th.Items {
		switch it := &th.Items[i]; {
		case it.ID == said.ID && (it.Told == nil || it.Told.Who.ID != Maria.ID):
			t.Errorf("the answer does not say that the member was told: %+v", it.Told)
		case it.Kind == view.ItemBridged:
			came = it
		}
	}
	if came == nil || came.By.ID != Maria.ID || came.Text != "It is worse." || !came.Mail.Known || !came.Mail.Proven || !came.Unread {
		t.Fatalf("%+v", came)
	}
	if found := office.queue(view.QueueAll, "worse"); len(found) != 1 {
		t.Errorf("searching finds %d", len(found))
	}

	taken := s.Write(Rosa, nil, event.AcceptedBody{Reply: reply.ID, Wrote: Maria.ID, Text: "It is worse."})
	office.r.Takes(LeeBox, taken)
	if rows := office.queue(view.QueueBridged, ""); len(rows) != 0 {
		t.Errorf("still in the queue: %+v", rows)
	}
	member := screensOf(t, NewReplica(t, nil), Maria)
	for _, e := range s.All {
		if event.AudienceOf(e.Kind) == event.ToAll {
			member.r.Takes(MariaBox, e)
		}
	}
	th = member.thread(member.thread(s.Thread).After[0].Part)
	if len(th.Items) != 1 || th.Items[0].Text != "It is worse." || !th.Items[0].Own || th.Items[0].TakenBy.ID != Rosa.ID {
		t.Errorf("the member reads %+v", th.Items)
	}
}

// How a patient stands with notices: of those that went out to them the newest counts, and what an office does not know it does not say.
func TestNoticesInThePanel(t *testing.T) {
	office := screensOf(t, NewReplica(t, nil), Rosa)
	reads := func() view.Notices {
		t.Helper()
		p, err := office.Panel(t.Context(), MariaPt)
		if err != nil {
			t.Fatal(err)
		}
		return p.Notices
	}
	if n := reads(); n != (view.Notices{}) {
		t.Errorf("a practice that sends none: %+v", n)
	}
	office.r.Clinic.Policy.Notices.On = true
	if n := reads(); n != (view.Notices{Sent: true}) {
		t.Errorf("before the first: %+v", n)
	}
	s := NewStory(t, Maria, "A rash", Monday)
	s.Says(Maria, "It itches.")
	said := s.Says(Rosa, "Use the cream.")
	told := s.Write(Agent, nil, event.NoticeBody{Message: said.ID, Mailbox: MariaBox})
	office.r.Takes(LeeBox, s.All...)
	if n := reads(); n != (view.Notices{Sent: true}) {
		t.Errorf("one that arrived: %+v", n)
	}
	office.r.Takes(LeeBox, s.Write(Agent, nil, event.FailedBody{Event: told.ID, Mailbox: MariaBox, Reason: "550 No such user"}))
	if n := reads(); !n.Back.Equal(told.At) || n.Failure != "550 No such user" {
		t.Errorf("one that came back: %+v", n)
	}
	more := s.Says(Rosa, "And call us.")
	office.r.Takes(LeeBox, more, s.Write(Agent, nil, event.NoticeBody{Message: more.ID, Mailbox: MariaBox}))
	if n := reads(); n != (view.Notices{Sent: true}) {
		t.Errorf("the next one, which arrived: %+v", n)
	}
	office.r.Clinic.Roster[MariaPt] = func(p care.Patient) care.Patient { p.Mailbox = ""; return p }(office.r.Clinic.Roster[MariaPt])
	if n := reads(); n.Sent {
		t.Errorf("who has no mailbox of their own: %+v", n)
	}
}

// A file is opened once all of it is here, as what its bytes say that it is; the member's side opens nothing that nobody accepted. One whose pieces
// are not what its message says is not opened at all.
func TestFiles(t *testing.T) {
	s := NewStory(t, Maria, "A rash", Monday)
	s.Says(Maria, "It itches.")
	said := s.Says(Rosa, "Show me.")
	told := s.Write(Agent, nil, event.NoticeBody{Message: said.ID, Mailbox: MariaBox, Reply: care.EventID{7}.String(), Until: Monday.AddDate(0, 0, 14)})
	photo := append([]byte("\xff\xd8\xff"), make([]byte, event.PieceSize)...)
	rash, pieces := event.NewFile("rash.exe", "application/pdf", photo) // whatever it says
	lie, more := event.NewFile("b.pdf", "application/pdf", []byte("%PDF-1.7 x"))
	lie.SHA256 = care.EventID{1}.String()
	reply := s.Write(Agent, nil, event.BridgedBody{Notice: told.ID, Mail: care.EventID{8}.String(), Received: Monday.Add(time.Hour), From: "maria@example.org",
		Files: []event.File{rash, lie}, Left: []event.Left{{Name: "x.zip", Why: event.LeftKind}}})
	office := screensOf(t, NewReplica(t, nil), Rosa)
	office.r.Takes(LeeBox, s.All...)
	keep := func(r *Replica, pieces ...[]byte) {
		r.Write(func(ctx context.Context, tx *sql.Tx) error {
			for _, p := range pieces {
				if _, _, err := r.Journal.KeepPiece(ctx, tx, p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	shown := func() (files []view.File) {
		for _, it := range office.thread(s.Thread).Items {
			if it.ID == reply.ID {
				files = it.Files
			}
		}
		return files
	}
	opens := func(x *screens, item care.EventID, n int) (view.Content, care.Kind) {
		c, err := x.File(t.Context(), s.Thread, item, n)
		if err == nil {
			return c, ""
		}
		return c, care.KindOf(err)
	}
	keep(office.r, pieces[0])
	keep(office.r, more...)
	if f := shown(); len(f) != 2 || f[0].Here || !f[1].Here || f[0].Name != "rash.exe.pdf" {
		t.Errorf("half of it is here: %+v", f)
	}
	if _, kind := opens(office, reply.ID, 0); kind != care.Unavailable {
		t.Errorf("half a file: %q", kind)
	}
	keep(office.r, pieces[1])
	if f := shown(); !f[0].Here {
		t.Errorf("all of it is here: %+v", f)
	}
	if c, kind := opens(office, reply.ID, 0); kind != "" || !bytes.Equal(c.Bytes, photo) || c.Kind != "image/jpeg" || c.Name != "rash.exe.jpg" || !c.Picture() {
		t.Errorf("%q, %s, %s, %d bytes", kind, c.Name, c.Kind, len(c.Bytes))
	}
	for what, c := range map[string]struct {
		item care.EventID
		n    int
		want care.Kind
	}{"a lie": {reply.ID, 1, care.Corrupt}, "none": {reply.ID, 2, care.NotFound}, "below": {reply.ID, -1, care.NotFound}, "of nothing": {care.EventID{5}, 0, care.NotFound}, "of a message without": {said.ID, 0, care.NotFound}} {
		if _, kind := opens(office, c.item, c.n); kind != c.want {
			t.Errorf("%s: %q", what, kind)
		}
	}

	taken := s.Write(Rosa, nil, event.AcceptedBody{Reply: reply.ID, Wrote: Maria.ID, Files: []event.File{rash}})
	member := screensOf(t, NewReplica(t, nil), Maria)
	member.r.Takes(MariaBox, s.For(MariaBox)...)
	keep(member.r, pieces...)
	if c, kind := opens(member, taken.ID, 0); kind != "" || !bytes.Equal(c.Bytes, photo) {
		t.Errorf("the member: %q", kind)
	}
	if rows, err := member.Center(t.Context(), "all", ""); err != nil || len(rows) != 1 || rows[0].Snippet != "rash.exe.pdf" {
		t.Errorf("the list says %+v, %v", rows, err)
	}
	nosy := screensOf(t, NewReplica(t, nil), Maria) // has what is not theirs to have, and nobody has accepted yet
	nosy.r.Takes(MariaBox, s.All[:len(s.All)-1]...)
	keep(nosy.r, pieces...)
	if _, kind := opens(nosy, reply.ID, 0); kind != care.NotFound {
		t.Errorf("the member opens what nobody accepted: %q", kind)
	}
}
