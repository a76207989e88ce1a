package agent

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"postern/backend/record/ordinary"
	"postern/backend/record/recordtest"
)

// computers are two of the agent's, which read the same mailbox: that on which it was taken in last speaks first.
func computers(t *testing.T) (first, second *post) {
	t.Helper()
	first, second = notified(t, false), notified(t, false)
	for before, p := range []*post{first, second} {
		p.Turns = Turns{Place: func() (int, int) { return before, 2 }, Copies: "care@clinic.example"}
	}
	return first, second
}

// sends is what goes out now; it is over then.
func (p *post) sends() (all []ordinary.Out) {
	p.t.Helper()
	p.r.Write(func(ctx context.Context, tx *sql.Tx) (err error) {
		if all, err = p.Mails.Due(ctx, tx, p.now, 100); err != nil {
			return err
		}
		for _, m := range all {
			if err := p.Mails.Over(ctx, tx, m.Key); err != nil {
				return err
			}
		}
		return nil
	})
	return all
}

// Of two computers that read the same mailbox, the first says where to write, and before it to the other that it has; that says nothing
// then, whatever it read first. Where no copy comes, the second says it.
func TestOneOfTwoAnswers(t *testing.T) {
	wrote := func(p *post) string { return plain("maria@example.org", p.to(), "", "Hello.") }
	goes := func(what string, got []ordinary.Out, addresses ...string) {
		t.Helper()
		var to []string
		for _, m := range got {
			to = append(to, m.Address)
		}
		if strings.Join(to, " ") != strings.Join(addresses, " ") {
			t.Fatalf("%s: to %q, want %q", what, to, addresses)
		}
	}
	first, second := computers(t)
	for _, p := range []*post{first, second} {
		if became := p.brings(wrote(p)); became != becameAnswer {
			t.Fatalf("it became %q", became)
		}
		goes("at once", p.sends())
		p.now = p.now.Add(hearing)
	}
	sent := first.sends()
	goes("the first", sent, "care@clinic.example", "maria@example.org")
	if string(sent[0].Mail) != doneField+": "+sent[1].Key.String()+"\r\n"+string(sent[1].Mail) {
		t.Errorf("the copy is\n%s", sent[0].Mail)
	}
	for _, p := range []*post{first, second} {
		if became := p.brings(string(sent[0].Mail)); became != becameCopy {
			t.Errorf("the copy became %q", became)
		}
		p.now = p.now.Add(24 * time.Hour)
		goes("of what was said", p.sends())
	}

	// The second was off, and reads the copy before what it answers.
	first, second = computers(t)
	first.brings(wrote(first))
	first.now = first.now.Add(hearing)
	sent = first.sends()
	second.brings(string(sent[0].Mail))
	if became := second.brings(wrote(second)); became != becameNothing {
		t.Errorf("it became %q", became)
	}
	second.now = second.now.Add(time.Hour)
	goes("who was off", second.sends())

	// The first is off.
	_, second = computers(t)
	second.brings(wrote(second))
	second.now = second.now.Add(hearing + further - time.Second)
	goes("while the first may speak", second.sends())
	second.now = second.now.Add(time.Second)
	goes("instead of the first", second.sends(), "care@clinic.example", "maria@example.org")

	// What a stranger forges says nothing to anybody about a member's notices.
	first, _ = computers(t)
	forged := strings.Replace(string(sent[0].Mail), sent[1].Key.String(), first.told.ID.String(), 1)
	first.brings(forged)
	first.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		n, err := first.Mails.Sent(ctx, tx, "maria@example.org", recordtest.Monday.AddDate(0, 0, -1), first.now)
		if n != 0 {
			t.Errorf("%d mails count for her", n)
		}
		return err
	})
	if became := first.brings(doneField + ": nonsense\r\n" + string(sent[1].Mail)); became != becameNothing {
		t.Errorf("nonsense became %q", became)
	}
}
