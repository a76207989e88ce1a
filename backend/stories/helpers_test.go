package stories

import (
	"context"
	"database/sql"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/record/draft"
	"postern/backend/record/journal"
)

func newDraft(w *town, office, subject, text string) draft.Draft {
	return draft.Draft{What: command.DraftNew, Office: w.offices[office].ID, Subject: care.Text(subject), Text: care.Text(text)}
}

// makeQuietly makes a profile without telling anybody of its certificate.
func makeQuietly(w *town, p *person) error {
	return backend.MakeProfile(w.t.Context(), w.reg, filepath.Join(backend.ProfilesDir(p.data), p.name), w.who[p.name], p.name, passphrase)
}

// entry is one event of a person's journal.
func entry(t *testing.T, p *person, id care.EventID) journal.Entry {
	t.Helper()
	var e journal.Entry
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) (err error) {
		var ok bool
		if e, ok, err = p.desk().Journal.Event(p.ctx(), tx, id); err == nil && !ok {
			t.Fatalf("%s has no event %s", p.name, id)
		}
		return err
	}))
	return e
}

// noteOf is the internal note of a thread.
func noteOf(t *testing.T, p *person, thread care.ThreadID) (note journal.Entry) {
	t.Helper()
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		all, err := p.desk().Journal.Thread(p.ctx(), tx, thread)
		for _, e := range all {
			if e.Event != nil && e.Event.Kind == event.Note {
				note = e
			}
		}
		return err
	}))
	if note.Event == nil {
		t.Fatalf("%s has no note", p.name)
	}
	return note
}

// refusedFor fails unless quarantine holds something refused for each reason.
func refusedFor(t *testing.T, p *person, reasons ...string) {
	t.Helper()
	var all []journal.Quarantined
	must(t, p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) (err error) {
		all, err = p.desk().Journal.Quarantined(p.ctx(), tx)
		return err
	}))
	for _, reason := range reasons {
		found := false
		for _, q := range all {
			found = found || strings.Contains(q.Reason, reason)
		}
		if !found {
			t.Errorf("%s: nothing is refused for %q: %+v", p.name, reason, all)
		}
	}
}

// rewrapped is a letter as a mail system hands it on that adds a disclaimer: in a multipart, in another coding of lines.
func rewrapped(payload []byte) []byte {
	coded := base64.StdEncoding.EncodeToString(payload)
	var lines strings.Builder
	for len(coded) > 60 {
		lines.WriteString(coded[:60] + "\r\n")
		coded = coded[60:]
	}
	lines.WriteString(coded + "\r\n")
	return []byte("From: <a@elsewhere.test>\r\nSubject: [EXTERNAL] Postern\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain\r\n\r\n" +
		"This message came from outside.\r\n--b1\r\nContent-Type: application/octet-stream; name=\"noname\"\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + lines.String() + "--b1--\r\n")
}

// drafted are the person's unsent texts.
func (p *person) drafted() (all []draft.Draft, err error) {
	err = p.desk().DB.Read(p.ctx(), func(tx *sql.Tx) error {
		all, err = p.desk().Drafts.List(p.ctx(), tx)
		return err
	})
	return all, err
}

func newChildContext() context.Context { return context.Background() }
