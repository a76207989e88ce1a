package demo

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
	"postern/backend/trust/vault"
)

// quick is what a test's vaults cost.
var quick = vault.Params{Time: 1, Memory: 8 << 10, Threads: 1}

func (c *clinic) make() error {
	m := Maker{Data: c.data, Accounts: c.mail, Now: func() time.Time { return c.now }, Params: quick, Log: slog.New(slog.DiscardHandler), Say: func(int, int, string) {}}
	return m.Make(c.t.Context())
}

// clinic is a demo in a folder, with its mail system.
type clinic struct {
	t    *testing.T
	data string
	mail *posttest.System
	now  time.Time
}

// visit opens profiles, still, and closes them again.
func (c *clinic) visit(do func(open func(key string) *backend.Profile)) {
	c.t.Helper()
	people, agents := c.backend(c.data), c.backend(AgentData(c.data))
	defer people.Close()
	defer agents.Close()
	do(func(key string) *backend.Profile {
		c.t.Helper()
		b := people
		if key == AgentProfile {
			b = agents
		}
		p, err := b.SignInStill(c.t.Context(), key, Passphrase)
		must(c.t, err)
		return p
	})
}

func (c *clinic) backend(data string) *backend.Backend {
	return backend.New(data, slog.New(slog.DiscardHandler), func() time.Time { return c.now })
}

// stand counts how the conversations stand at a nurse's, who is in every office.
func (c *clinic) stand(rosa *backend.Profile) (s stand) {
	for _, queue := range []string{view.QueueAll, view.QueueCompleted} {
		for _, r := range c.queue(rosa, queue) {
			switch {
			case !r.Open:
				s.completed++
			case r.Awaits == fold.Office:
				s.due(r.Left)
			default:
				s.member++
			}
			if r.Flagged {
				s.flagged++
			}
			if r.FollowUp {
				s.followUps++
			}
			t, err := rosa.Views().Thread(c.t.Context(), r.Part)
			must(c.t, err)
			s.drafts += len(t.Drafts)
			unseen := false
			for _, i := range t.Items {
				if i.Kind == view.ItemReopen {
					s.reopened++
				}
				ours := i.Kind == view.ItemComplete && !i.Undone || i.Kind == view.ItemMessage && !i.Member
				unseen = unseen || ours && i.SeenAt.IsZero() && clock(c.t).Left(i.At, c.now) > practice.Policy.Promise()
			}
			if unseen {
				s.unseen++
			}
		}
	}
	return s
}

func (c *clinic) queue(p *backend.Profile, id string) []view.Row {
	c.t.Helper()
	_, rows, err := p.Views().Queue(c.t.Context(), id, "")
	must(c.t, err)
	return rows
}

func (c *clinic) center(p *backend.Profile) []view.Row {
	c.t.Helper()
	rows, err := p.Views().Center(c.t.Context(), view.ShowAll, "")
	must(c.t, err)
	return rows
}

// told is all that everybody's screens say, a line a conversation.
func (c *clinic) told(pull bool) string {
	var out strings.Builder
	c.visit(func(open func(string) *backend.Profile) {
		for _, l := range labels() {
			p := open(l.ID)
			if pull {
				must(c.t, p.Replica().Pull(c.t.Context()))
			}
			rows := c.center
			if p.Me().Role != care.RoleMember {
				rows = func(p *backend.Profile) []view.Row {
					return append(c.queue(p, view.QueueAll), c.queue(p, view.QueueCompleted)...)
				}
			}
			fmt.Fprintf(&out, "%s of %s, %s\n", l.Label, p.Practice().Name, p.Practice().ID)
			for _, r := range rows(p) {
				fmt.Fprintf(&out, "  %s|%s|%s|%s|%s|%v|%v|%v|%s|%v|%s\n", r.Part, r.Draft, r.Patient.Name, r.Subject, r.State, r.Unread, r.At, r.Due, r.Owner.Name, r.Flagged, r.Snippet)
			}
		}
	})
	return out.String()
}

// TestDemo makes a demo over the real mail system, finds it again, and starts over, at other hours.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("makes two practices over a mail system")
	}
	c := &clinic{t: t, data: t.TempDir(), mail: posttest.Start(t, posttest.Gateway), now: clocks["Thanksgiving"]}

	// A demo that was begun and never finished is cleared away.
	ghost := filepath.Join(backend.ProfilesDir(c.data), "ghost")
	must(t, os.MkdirAll(ghost, 0o700))
	must(t, os.WriteFile(filepath.Join(c.data, begun), nil, 0o600))
	if Made(c.data) {
		t.Error("a demo that is half made counts as one")
	}
	start := time.Now()
	must(t, c.make())
	t.Logf("made in %s", time.Since(start).Round(100*time.Millisecond))
	if there(ghost) || !Made(c.data) {
		t.Errorf("what was half made is there: %v, made: %v", there(ghost), Made(c.data))
	}
	c.visit(func(open func(string) *backend.Profile) { c.everything(open) })

	// Starting again finds everything as it was, and so does a look into the mailboxes. It is not made twice.
	first := c.told(false)
	if err := c.make(); care.KindOf(err) != care.Conflict {
		t.Errorf("made over one that is there: %v", err)
	}
	if again := c.told(true); again != first {
		t.Errorf("after a restart:\n%s\nbefore:\n%s", again, first)
	}

	// Starting over makes it new.
	must(t, StartOver(c.data))
	if Made(c.data) || there(backend.ProfilesDir(c.data)) {
		t.Error("the old demo is still there")
	}
	c.now = clocks["New Year's Eve"]
	must(t, c.make())
	c.visit(func(open func(string) *backend.Profile) { c.everything(open) })
	if before, now := c.id(first), c.id(c.told(false)); before == now {
		t.Errorf("it is the same practice, %s", now)
	}
}

// id is the practice's, from what is told of it.
func (c *clinic) id(told string) string {
	line, _, _ := strings.Cut(told, "\n")
	return line[strings.LastIndex(line, " ")+1:]
}

// everything looks for something of everything that there is to show.
func (c *clinic) everything(open func(string) *backend.Profile) {
	t := c.t
	rosa := open("rosa")
	got := c.stand(rosa)
	helena := open("helena")
	drafts, err := helena.Views().Drafts(t.Context())
	must(t, err)
	got.drafts += len(drafts)
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := os.Stat(filepath.Join(backend.ProfilesDir(c.data), administrator, "registrar.json")); err != nil {
		t.Error(err)
	}
	queues, offices, err := rosa.Views().Queues(t.Context())
	must(t, err)
	for _, q := range slices.Concat(queues, offices) {
		if q.Count == 0 {
			t.Errorf("nothing is in %s", q.Name)
		}
		if lee := q.Provider.Short == "Dr. Lee"; lee != (q.Absence != nil) || lee && q.Absence.Cover.Short != "Dr. Haddad" {
			t.Errorf("%s: absence %+v", q.Name, q.Absence)
		}
	}
	c.followUp(rosa, open("marisol"))
	unread := 0
	for _, m := range members {
		rows := c.center(open(m.key))
		for _, r := range rows {
			if r.Unread {
				unread++
			}
			if r.State == view.StateHanded || r.State == view.StateReview || r.State == view.StateFailed {
				t.Errorf("%s: %q is %s", m.key, r.Subject, r.State)
			}
		}
		if len(rows) < 5 {
			t.Errorf("%s has %d conversations", m.key, len(rows))
		}
	}
	if unread < 3 {
		t.Errorf("members have %d conversations to read", unread)
	}
	for _, s := range staff {
		p := open(s.key)
		for _, r := range c.queue(p, view.QueueAll) {
			if len(r.Flags) > 0 || r.Awaits == fold.Office && r.Due.IsZero() {
				t.Errorf("%s: %q is flagged %q, due %v", s.key, r.Subject, r.Flags, r.Due)
			}
		}
	}
}

// followUp looks at the message that crossed a completion: a conversation of its own on both sides, and due.
func (c *clinic) followUp(rosa, marisol *backend.Profile) {
	c.t.Helper()
	found := 0
	for _, r := range c.queue(rosa, view.QueueAll) {
		if !r.FollowUp {
			continue
		}
		found++
		theirs, err := marisol.Views().Thread(c.t.Context(), r.Part)
		must(c.t, err)
		if theirs.Before == nil || theirs.Before.Open || theirs.State != view.StateDelivered || !theirs.Due.Equal(r.Due) {
			c.t.Errorf("the follow-up is %s, due %v and %v, after %+v", theirs.State, theirs.Due, r.Due, theirs.Before)
		}
	}
	if found != 1 {
		c.t.Errorf("%d follow-ups", found)
	}
}

// A practice that is not the demo's is left alone.
func TestNotTheDemos(t *testing.T) {
	c := &clinic{t: t, data: t.TempDir(), now: clocks["a Sunday"]}
	theirs := filepath.Join(backend.ProfilesDir(c.data), "rosa", "vault.json")
	must(t, os.MkdirAll(filepath.Dir(theirs), 0o700))
	must(t, os.WriteFile(theirs, []byte("{}"), 0o600))
	if err := c.make(); care.KindOf(err) != care.Conflict {
		t.Errorf("%v", err)
	}
	must(t, StartOver(c.data))
	if !there(theirs) {
		t.Error("it was removed")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
