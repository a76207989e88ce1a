package stories

import (
	"bytes"
	"errors"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/post/submit"
	"postern/backend/record/view"
	"postern/backend/trust/seal"
)

// TestProof16MemberCopyRefused: the mail system takes the office's copy of a reply and refuses the member's for good. The
// thread awaits the office with its original due time, its screens say why, and once the mailbox is there again the same
// reply is sent again.
func TestProof16MemberCopyRefused(t *testing.T) { posttest.Each(t, testProof16MemberCopyRefused) }

func testProof16MemberCopyRefused(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	d := marisol.writes("Lee", "Refused", "Could you look?")
	marisol.sends()
	part := marisol.part(d)
	clinic.inStep()
	rosa.pulls()
	due := rosa.sees(part).Due

	own := w.local(marisol.desk().Mailbox)
	must(t, w.mail.Without(t.Context(), own))
	w.untilRefused(own)
	rosa.says(part, "We looked.")
	rosa.sends()
	rosa.pulls()
	th := rosa.sees(part)
	equal(t, "after the refusal it awaits the office", th.Awaits, fold.Office)
	equal(t, "due", th.Due, due)
	equal(t, "what the conversation is told", kinds(t, rosa, part, event.Failed), 1)
	if said := th.Items[len(th.Items)-1]; said.State != view.StateFailed || said.Why == "" {
		t.Errorf("the reply is shown as %s: %q", said.State, said.Why)
	}
	clinic.inStep() // and every other window of the office knows
	equal(t, "the agent awaits", clinic.sees(part).Awaits, fold.Office)
}

// untilRefused waits until the mail system takes no letter for a mailbox that was taken away: one may remember it a while.
func (w *town) untilRefused(local string) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		s, err := submit.Dial(w.t.Context(), *w.mailer)
		must(w.t, err)
		err = s.Send(w.t.Context(), w.mailer.Address, w.mail.Address(local), []byte("Subject: x\r\n\r\nx\r\n"), "x")
		_ = s.Close() // it was answered
		var refused *submit.Refused
		if errors.As(err, &refused) && refused.Permanent {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("the mailbox that was taken away still takes letters: %v", err)
		}
	}
}

// TestProof43WhatTheWireShows: a day of letters as the mail system keeps them shows no name, record number, subject, or
// id of an event or thread: only random addresses, fixed headers, and sizes from the list of buckets.
func TestProof43WhatTheWireShows(t *testing.T) { posttest.Each(t, testProof43WhatTheWireShows) }

func testProof43WhatTheWireShows(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.at("rosa"), w.at("agent")
	// Long enough not to stand in base64 by chance.
	secret := []string{"Glucose result", "not fasting", "Holter first", "marisol", "Alder Creek", "4821 0739", "See you, "}
	d := marisol.writes("Lee", "Glucose result", "I was not fasting. "+strings.Repeat("It was high. ", 600))
	marisol.sends()
	part := marisol.part(d)
	clinic.inStep()
	rosa.pulls()
	rosa.claims(part)
	rosa.notes(part, "Holter first.")
	rosa.says(part, "Come in fasting.")
	rosa.sends()
	rosa.completes(part, "See you, Marisol.")
	rosa.sends()
	marisol.pulls()
	secret = append(secret, part.String(), string(marisol.p.Me().ID), string(marisol.desk().Patient), string(w.offices["Lee"].ID))
	for _, it := range rosa.sees(part).Items {
		secret = append(secret, it.ID.String())
	}

	headers := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	added := []string{"Return-Path", "Delivered-To", "Received"} // by mail systems on the way
	random := regexp.MustCompile(`^<?[a-z2-7]{16,32}@[a-z.]+>?$`)
	sizes := w.bucketSizes()
	n := 0
	for _, box := range []care.MailboxID{w.offices["Lee"].Mailbox, marisol.desk().Mailbox} {
		for _, m := range w.mail.Messages(t, w.local(box), "INBOX") {
			n++
			for _, s := range secret {
				if bytes.Contains(bytes.ToLower(m.Raw), []byte(strings.ToLower(s))) {
					t.Errorf("a letter says %q:\n%.600s", s, m.Raw)
				}
			}
			parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
			must(t, err)
			for name, values := range parsed.Header {
				if !slices.Contains(headers, name) && !slices.Contains(added, name) {
					t.Errorf("a letter has the header %s: %q", name, values)
				}
			}
			for _, name := range []string{"From", "To", "Message-Id"} {
				if got := parsed.Header.Get(name); !random.MatchString(got) {
					t.Errorf("%s is %q", name, got)
				}
			}
			if got, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil || got != "Postern" {
				t.Errorf("the subject is %q", got)
			}
			sealed, err := letter.Read(m.Raw)
			must(t, err)
			if !slices.Contains(sizes, len(sealed)) {
				t.Errorf("a letter of %d bytes, which is of no bucket", len(sealed))
			}
		}
	}
	if n < 12 {
		t.Errorf("only %d letters were looked at", n)
	}
}

// bucketSizes are the sizes that letters of every bucket have: what is inside changes none of them.
func (w *town) bucketSizes() (sizes []int) {
	w.t.Helper()
	book, err := w.reg.Book()
	must(w.t, err)
	m, _ := book.Mailbox(w.offices["Lee"].Mailbox)
	for bucket := 4 << 10; bucket <= 512<<10; bucket *= 2 {
		sealed, err := seal.Seal(m.Key, seal.Content{Type: seal.TypeEvent, Bytes: make([]byte, bucket-1000), Signature: make([]byte, 64)})
		must(w.t, err)
		sizes = append(sizes, len(sealed))
	}
	return sizes
}
