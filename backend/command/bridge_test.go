package command

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/recordtest"
)

func theAgent(t *testing.T) *at { return sits(t, recordtest.Agent, recordtest.LeeBox) }

// told notes a notice and says whether one went out.
func (a *at) notifies(part care.EventID) (done bool) {
	a.t.Helper()
	var out int
	done, err := a.Notify(a.t.Context(), part, event.NoticeBody{Mailbox: recordtest.MariaBox, Reply: care.EventID{7}.String(), Until: a.now.Add(time.Hour)},
		func(context.Context, *sql.Tx, care.EventID) error { out++; return nil })
	must(a.t, err)
	if done != (out == 1) {
		a.t.Errorf("done is %v, and %d went out", done, out)
	}
	return done
}

// One notice a conversation until the member has read there.
func TestNotifyOnceUntilRead(t *testing.T) {
	a := theAgent(t)
	s, _ := story(t, a)
	if a.notifies(s.Thread) {
		t.Error("a notice of nothing to read")
	}
	said := s.Says(recordtest.DrLee, "Use the cream.")
	a.takes(said)
	if !a.notifies(s.Thread) || a.notifies(s.Thread) {
		t.Error("not exactly one notice")
	}
	more := s.Says(recordtest.DrLee, "Twice a day.")
	a.takes(more)
	if a.notifies(s.Thread) {
		t.Error("a second notice while the first is unread")
	}
	a.takes(s.Write(recordtest.Maria, nil, event.SeenBody{Message: said.ID}), s.Write(recordtest.Maria, nil, event.SeenBody{Message: more.ID}))
	if a.notifies(s.Thread) {
		t.Error("a notice of what was read")
	}
	a.takes(s.Says(recordtest.DrLee, "And call us on Friday."))
	if !a.notifies(s.Thread) {
		t.Error("no notice of what is new")
	}
}

// What came by ordinary e-mail is nothing until the office's team accepts it; then it is the member's message and gets a receipt.
func TestBridgeAndAccept(t *testing.T) {
	a, r, lee := theAgent(t), rosa(t), drlee(t)
	s, _ := story(t, a, r, lee)
	said := s.Says(recordtest.DrLee, "Use the cream.")
	for _, x := range []*at{a, r, lee} {
		x.takes(said)
	}
	a.notifies(s.Thread)
	body := event.BridgedBody{Notice: a.part(s.Thread).Notices[0].ID, Mail: care.EventID{9}.String(), Received: a.now, From: "maria@example.org", Known: true, Text: "Thank you."}
	must(t, a.Bridge(t.Context(), s.Thread, body))
	must(t, a.Bridge(t.Context(), s.Thread, body))
	p := a.part(s.Thread)
	if len(p.Bridged) != 1 || len(p.Messages) != 2 {
		t.Fatalf("%d bridged, %d messages", len(p.Bridged), len(p.Messages))
	}
	if err := a.Accept(t.Context(), s.Thread, p.Bridged[0].ID); err == nil {
		t.Error("the agent took it as the member's word")
	}
	r.takes(a.mails(recordtest.LeeBox)...)
	must(t, r.MarkRead(t.Context(), s.Thread, p.Bridged[0].ID))
	if len(r.told.Threads) != 1 {
		t.Error("it was shown, and stays unread")
	}
	must(t, r.Decline(t.Context(), s.Thread, p.Bridged[0].ID))
	must(t, r.Accept(t.Context(), s.Thread, p.Bridged[0].ID)) // on second thoughts
	must(t, r.Accept(t.Context(), s.Thread, p.Bridged[0].ID))
	p = r.part(s.Thread)
	if len(p.Bridged) != 0 || len(p.Messages) != 3 || p.Messages[2].As != recordtest.Maria.ID || p.Messages[2].TakenBy != recordtest.Rosa.ID {
		t.Fatalf("%+v", p)
	}
	taken := p.Messages[2].ID
	must(t, r.Receive(t.Context(), s.Thread, taken, r.now))
	if m := r.part(s.Thread).Messages[2]; m.Receipt == nil || m.Receipt.Due.IsZero() {
		t.Errorf("no receipt: %+v", m)
	}
	m := maria(t)
	m.takes(s.All...)
	m.takes(r.mails(recordtest.MariaBox)...)
	if p := m.part(s.Thread); len(p.Messages) != 3 || p.Messages[2].Text != "Thank you." {
		t.Errorf("the member has %+v", p.Messages)
	}
}

// queued is what the outbox holds for a mailbox, in its order: events by their kinds, pieces of files as "piece".
func (a *at) queued(box care.MailboxID) (all []string) {
	a.t.Helper()
	a.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		letters, err := a.Outbox.Open(ctx, tx)
		for _, l := range letters {
			if l.Mailbox != box {
				continue
			}
			what := "nothing"
			if e, ok, err := a.Journal.Event(ctx, tx, l.Event); err != nil {
				return err
			} else if ok {
				what = string(e.Event.Kind)
			} else if here, err := a.Journal.HasPiece(ctx, tx, l.Event); err != nil {
				return err
			} else if here {
				what = "piece"
			}
			all = append(all, what)
		}
		return err
	})
	return all
}

// gets takes pieces of files as they come out of a mailbox.
func (a *at) gets(pieces ...[]byte) {
	a.t.Helper()
	a.r.Write(func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range pieces {
			if _, _, err := a.Journal.KeepPiece(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// The files of a reply go to the office with it and, once it is accepted, to the member's side and nobody else. Half a file is accepted by nobody.
func TestAcceptWithFiles(t *testing.T) {
	a, r := theAgent(t), rosa(t)
	s, _ := story(t, a, r)
	said := s.Says(recordtest.DrLee, "Use the cream.")
	a.takes(said)
	r.takes(said)
	a.notifies(s.Thread)
	r.takes(a.mails(recordtest.LeeBox)...) // the notice
	rash, pieces := event.NewFile("rash.jpg", "image/jpeg", append(make([]byte, event.PieceSize), "end"...))
	body := event.BridgedBody{Notice: a.part(s.Thread).Notices[0].ID, Mail: care.EventID{9}.String(), Received: a.now, From: "maria@example.org", Known: true, Files: []event.File{rash}}
	for range 2 { // the same e-mail twice is once
		must(t, a.Bridge(t.Context(), s.Thread, body, pieces...))
		if got := a.queued(recordtest.LeeBox); !slices.Equal(got, []string{"reply.bridged", "piece", "piece"}) {
			t.Errorf("to the office go %v", got)
		}
	}
	if got := a.queued(recordtest.MariaBox); len(got) != 0 {
		t.Errorf("to the member go %v", got)
	}
	r.takes(a.mails(recordtest.LeeBox)...)
	reply := r.part(s.Thread).Bridged[0].ID
	for _, half := range [][][]byte{nil, pieces[:1]} {
		r.gets(half...)
		refuses(t, "half a file", r.Accept(t.Context(), s.Thread, reply), care.Conflict, "")
	}
	r.gets(pieces...)
	must(t, r.Accept(t.Context(), s.Thread, reply))
	if got := r.queued(recordtest.MariaBox); !slices.Equal(got, []string{"reply.accepted", "piece", "piece"}) {
		t.Errorf("to the member go %v", got)
	}
	if got := r.queued(recordtest.LeeBox); !slices.Equal(got, []string{"reply.accepted"}) {
		t.Errorf("to the office go %v", got)
	}
	unsent, err := r.Unsent(t.Context())
	must(t, err)
	if unsent.N() != 1 {
		t.Errorf("%d things are not sent", unsent.N())
	}
	for l, of := range unsent.letters {
		if l.event == of {
			unsent.Went(l.event, l.mailbox)
		}
	}
	if unsent.N() != 1 || len(unsent.letters) != 2 {
		t.Errorf("its files wait, and %d things are not sent", unsent.N())
	}
	m := r.part(s.Thread).Messages
	if last := m[len(m)-1]; len(last.Files) != 1 || last.Files[0].SHA256 != rash.SHA256 || len(last.Flags) != 0 {
		t.Errorf("the message is %+v", last)
	}
}

// An agent that comes second, or came second because the first died before its files went out, sends what is not there.
func TestBridgeSendsWhatTheOtherAgentDidNot(t *testing.T) {
	a, other := theAgent(t), theAgent(t)
	s, _ := story(t, a, other)
	said := s.Says(recordtest.DrLee, "Use the cream.")
	a.takes(said)
	other.takes(said)
	a.notifies(s.Thread)
	rash, pieces := event.NewFile("rash.jpg", "image/jpeg", []byte("a rash"))
	body := event.BridgedBody{Notice: a.part(s.Thread).Notices[0].ID, Mail: care.EventID{9}.String(), Received: a.now, From: "maria@example.org", Known: true, Files: []event.File{rash}}
	must(t, a.Bridge(t.Context(), s.Thread, body, pieces...))
	other.takes(a.mails(recordtest.LeeBox)...) // and nothing of the file
	must(t, other.Bridge(t.Context(), s.Thread, body, append(pieces, []byte("of another reading"))...))
	if got := other.queued(recordtest.LeeBox); !slices.Equal(got, []string{"piece"}) {
		t.Errorf("the other sends %v", got)
	}
	if n := len(other.part(s.Thread).Bridged); n != 1 {
		t.Errorf("%d replies", n)
	}
}

// Whoever has a notice fills no mailbox with files: what is too much stays behind by its name.
func TestBridgedFilesAreBounded(t *testing.T) {
	a := theAgent(t)
	s, _ := story(t, a)
	a.takes(s.Says(recordtest.DrLee, "Use the cream."))
	a.notifies(s.Thread)
	large, pieces := event.NewFile("large.jpg", "image/jpeg", make([]byte, event.MaxFile))
	for i := range 7 {
		body := event.BridgedBody{Notice: a.part(s.Thread).Notices[0].ID, Mail: care.EventID{9, byte(i)}.String(), Received: a.now, From: "maria@example.org", Files: []event.File{large}}
		must(t, a.Bridge(t.Context(), s.Thread, body, pieces...))
	}
	with, left := 0, 0
	for _, r := range a.part(s.Thread).Bridged {
		with, left = with+len(r.Files), left+len(r.Left)
	}
	if with != 5 || left != 2 {
		t.Errorf("%d with their files, %d without", with, left)
	}
}

// A member who lost everything has the files again with what brought them.
func TestRepeatSendsFiles(t *testing.T) {
	a := theAgent(t)
	s, _ := story(t, a)
	rash, pieces := event.NewFile("rash.jpg", "image/jpeg", append(make([]byte, event.PieceSize), "end"...))
	a.takes(s.Write(recordtest.Rosa, nil, event.AcceptedBody{Reply: care.EventID{4}, Wrote: recordtest.Maria.ID, Files: []event.File{rash}}))
	a.gets(pieces...)
	must(t, a.Repeat(t.Context(), s.Thread, recordtest.MariaBox, a.now.Add(time.Hour)))
	if got := a.queued(recordtest.MariaBox); !slices.Equal(got, []string{"thread.opened", "message.sent", "reply.accepted", "piece", "piece"}) {
		t.Errorf("again go %v", got)
	}
}
