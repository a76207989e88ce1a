package backend

import (
	"database/sql"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/posttest"
	"postern/backend/record/draft"
	"postern/backend/record/ordinary"
	"postern/backend/replica"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// withAgent is a data folder with the profile of a practice's agent, whose mail system cannot be reached.
func withAgent(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	reg, err := enrol.New(t.Context(), enrol.Options{Dir: filepath.Join(dir, "practice"), Passphrase: passphrase, Accounts: unreached{},
		Params: vault.Params{Time: 1, Memory: 64, Threads: 1}}, ExamplePlan().Practice)
	must(t, err)
	defer reg.Close()
	_, err = reg.AddOffice(t.Context(), care.Office{Name: "Dr. Lee's office"})
	must(t, err)
	agent, err := reg.AddPerson(t.Context(), care.Person{Name: "Agent", Role: care.RoleAgent}, nil)
	must(t, err)
	must(t, MakeProfile(t.Context(), reg, filepath.Join(ProfilesDir(dir), "agent"), agent.ID, "Agent", passphrase))
	return dir
}

// words are what wants a person, in a line.
func words(t *testing.T, p *Profile) string {
	t.Helper()
	h, err := p.Health(t.Context())
	must(t, err)
	var all []string
	for _, w := range h.Wrong {
		if w.Says == "" || w.Do == "" {
			t.Errorf("%s is not said: %+v", w.Word, w)
		}
		all = append(all, w.Word)
	}
	return strings.Join(all, " ")
}

// TestWhatWantsAPerson: what waits, and mailboxes that are not read, want a person after a while, and not before.
func TestWhatWantsAPerson(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	b := New(withAgent(t), quiet(), func() time.Time { return now })
	t.Cleanup(b.Close)
	p, err := b.SignInStill(t.Context(), "agent", passphrase)
	must(t, err)
	if got := words(t, p); got != "" {
		t.Errorf("at the start: %s", got)
	}
	h, err := p.Health(t.Context())
	must(t, err)
	if !h.Named || h.Free <= 0 || h.Size < h.Free || h.Version == "" || len(h.Mailboxes) < 2 || len(h.Waiting) != 0 {
		t.Errorf("it stands so: %+v", h)
	}
	must(t, p.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := ordinary.New(p.db).Add(t.Context(), tx, ordinary.Out{Key: care.EventID{1}, Address: "maria@example.org", Mail: []byte("x"), Added: now})
		return err
	}))
	tellsDigest(t, p) // is a letter
	now = now.Add(4 * time.Minute)
	if got := words(t, p); got != "" {
		t.Errorf("after four minutes: %s", got)
	}
	now = now.Add(2 * time.Minute)
	if got := words(t, p); got != "fetch letters" {
		t.Errorf("after six minutes: %s", got)
	}
	h, err = p.Health(t.Context())
	must(t, err)
	if len(h.Waiting) != 1 || h.Waiting[0].Kind != "audit.digest" || h.Waiting[0].N != 1 || h.Mails.N != 1 || !h.Mails.Oldest.Equal(now.Add(-6*time.Minute)) {
		t.Errorf("waiting are %+v and %+v", h.Waiting, h.Mails)
	}
	now = now.Add(time.Hour)
	if got := words(t, p); got != "fetch letters mails" {
		t.Errorf("after an hour: %s", got)
	}
}

// TestFromWhenOn: each of these wants a person from a bound on, and not just before it.
func TestFromWhenOn(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	type at struct {
		h      Health
		stands replica.Standing
		sync   care.SyncState
	}
	for word, change := range map[string]func(*at, time.Duration){
		wrongFetch: func(a *at, over time.Duration) { a.stands.Mailboxes[1].Checked = noon.Add(-unread - over) },
		wrongSend: func(a *at, over time.Duration) {
			a.stands.Problem, a.stands.Failing = "The mail system does not answer.", noon.Add(-unsent-over)
		},
		wrongLetters: func(a *at, over time.Duration) {
			a.h.Waiting = []Queue{{Kind: string(event.Health), N: 1, Oldest: noon.Add(-time.Hour)}, {Kind: string(event.Received), N: 2, Oldest: noon.Add(-unsent - over)}}
		},
		wrongReplies: func(a *at, over time.Duration) {
			a.h.ordinary = agent.Ordinary{Begun: noon.Add(-time.Hour), Read: noon.Add(-unread - over)}
		},
		wrongRepliesRefused: func(a *at, over time.Duration) {
			a.h.ordinary = agent.Ordinary{Begun: noon.Add(-unread - over), Unread: care.Forbidden}
		},
		wrongMailsRefused: func(a *at, over time.Duration) {
			a.h.ordinary.Unsent, a.h.Mails = care.Forbidden, Queue{N: 1, Oldest: noon.Add(-unmailed - over)}
		},
		wrongMails:       func(a *at, over time.Duration) { a.h.Mails = Queue{N: 1, Oldest: noon.Add(-unmailed - over)} },
		wrongQuota:       func(a *at, over time.Duration) { a.h.Mailboxes[0].Used, a.h.Mailboxes[0].Limit = 899+int64(over), 1000 },
		wrongCertificate: func(a *at, over time.Duration) { a.h.Mailboxes[0].Ends = noon.Add(renewal - over) },
		wrongDisk:        func(a *at, over time.Duration) { a.h.Free = cramped - int64(over) },
		wrongAmiss: func(a *at, over time.Duration) {
			if over > 0 {
				a.sync = care.SyncState{Phase: care.SyncAmiss, Problem: "The file is damaged."}
			}
		},
	} {
		for _, over := range []time.Duration{0, 1} {
			boxes := []MailboxHealth{{Mailbox: "mb_one", Fetched: noon}, {Mailbox: "mb_two", Fetched: noon}}
			a := at{h: Health{Version: "1", At: noon, Free: 5 << 30, Mailboxes: boxes}, sync: care.SyncState{Phase: care.SyncUpToDate},
				stands: replica.Standing{Mailboxes: []replica.MailboxStanding{{Checked: noon}, {Checked: noon}}}}
			change(&a, over)
			a.h.judge(a.stands, a.sync, noon.Add(-time.Hour), time.UTC)
			switch wrong := a.h.Wrong; {
			case over == 0 && len(wrong) != 0:
				t.Errorf("%s: too early: %+v", word, wrong)
			case over == 1 && (len(wrong) != 1 || wrong[0].Word != word || wrong[0].Says == "" || wrong[0].Do == ""):
				t.Errorf("%s: %+v", word, wrong)
			}
		}
	}
}

// TestFewWords: the agent says how it stands each hour and when something changes, and of what it could not hand over the newest alone
// waits.
func TestFewWords(t *testing.T) {
	now := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	b := New(withAgent(t), quiet(), func() time.Time { return now })
	t.Cleanup(b.Close)
	p, err := b.SignInStill(t.Context(), "agent", passphrase)
	must(t, err)
	var said spoken
	told := func(after time.Duration) bool {
		t.Helper()
		now = now.Add(after)
		before := said.id
		must(t, p.tell(t.Context(), &said))
		return said.id != before
	}
	waits := func() (n int) {
		t.Helper()
		must(t, p.db.Read(t.Context(), func(tx *sql.Tx) error {
			left, err := p.desk.Outbox.Left(t.Context(), tx)
			n = len(left)
			if n == 1 && (left[0].Event != said.id || left[0].Mailbox != p.Practice().Mailbox) {
				t.Errorf("another letter waits: %+v", left[0])
			}
			return err
		}))
		return n
	}
	for _, x := range []struct {
		after time.Duration
		tells bool
		why   string
	}{{0, true, "at its start"}, {4 * time.Minute, false, "nothing has changed"}, {2 * time.Minute, true, "mailboxes are not read"},
		{time.Minute, false, "they still are not"}, {time.Hour, true, "an hour has passed"}} {
		if told(x.after) != x.tells {
			t.Errorf("%s: told %v", x.why, !x.tells)
		}
		if n := waits(); n != 1 {
			t.Errorf("%s: %d letters wait", x.why, n)
		}
	}
	must(t, p.db.Read(t.Context(), func(tx *sql.Tx) error {
		all, err := p.desk.Journal.LooseOf(t.Context(), tx, event.Health)
		if len(all) != 1 || all[0].Event.For != "" {
			t.Errorf("the record holds %d", len(all))
		}
		return err
	}))
}

// TestTheNewestWordCounts: whatever the order in which they come, and nobody else's.
func TestTheNewestWordCounts(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p := &Profile{now: func() time.Time { return noon.Add(150 * time.Minute) }, facts: &facts{books: replica.NewBooks(directory.NewBook(directory.Pin{}))}}
	clock := noon
	say := func(who care.PersonID, version string, at time.Time, wrong ...string) {
		clock = clock.Add(time.Millisecond)
		p.heard.hear(&event.Event{ID: care.EventID{version[0], byte(len(version))}, Kind: event.Health, As: who, At: clock, Body: event.HealthBody{Version: version, Wrong: wrong}}, at)
	}
	say("ps_one", "2", noon, wrongDisk, "later")
	say("ps_one", "1", noon.Add(-time.Hour))
	say("ps_one", "1", noon.Add(2*time.Hour)) // again, as a mail system may have it
	for version := range 9 {                  // of one second, the last
		say("ps_two", strconv.Itoa(version+1)+" of two", noon.Add(time.Hour))
	}
	p.heard.hear(&event.Event{Kind: event.Digest, As: "ps_two", Body: event.DigestBody{}}, noon.Add(2*time.Hour))
	one, two, none := p.AgentHealth("ps_one"), p.AgentHealth("ps_two"), p.AgentHealth("ps_none")
	if one.Version != "2" || !one.Heard.Equal(noon) || !one.Silent || len(one.Wrong) != 2 || !strings.Contains(one.Wrong[1].Do, "Update Postern") {
		t.Errorf("of one: %+v", one)
	}
	if two.Version != "9 of two" || two.Silent || !none.Silent || !none.Heard.IsZero() {
		t.Errorf("of two: %+v, of none: %+v", two, none)
	}
}

// TestAnotherAgent: two agents run; the administrator sees how each stands and names the other one, which takes over without a
// restart, while the one before stands by.
func TestAnotherAgent(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	ctx := t.Context()
	front := computer(t, sys)
	founded, err := front.Found(ctx, Founding{Practice: ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden",
		Name: "Priya Nair", Label: "Priya", Passphrase: good})
	must(t, err)
	priya, err := front.SignIn(ctx, founded.Profile, good)
	must(t, err)
	reg := priya.Registrar()
	lee, err := reg.AddOffice(ctx, care.Office{Name: "Dr. Lee's office"})
	must(t, err)
	hire := func(name string, role care.Role) care.PersonID {
		t.Helper()
		p, err := reg.AddPerson(ctx, care.Person{Name: name, Role: role}, nil)
		must(t, err)
		return p.ID
	}
	one, two, rosa := hire("Agent", care.RoleAgent), hire("Spare", care.RoleAgent), hire("Rosa", care.RoleNurse)
	if got := reg.Practice().Agent; got != one {
		t.Fatalf("the practice names %s", got)
	}
	marisol, err := reg.AddMember(ctx, care.Patient{Name: "Marisol Vega", Born: "1980-03-04", MRN: "4821 0739"}, []care.Relation{{Office: lee.ID, Why: "primary"}})
	must(t, err)
	reg.Kick()
	in := func(who care.PersonID, born string) *Profile {
		t.Helper()
		i, err := reg.Invite(ctx, who)
		must(t, err)
		home := computer(t, sys)
		id, err := home.Enrol(Enrolment{File: i.File, Code: i.Code, Born: born, Label: "Profile", Passphrase: good})
		must(t, err)
		until(t, "taken in", func() bool {
			now, err := home.Enrolling(id)
			return err == nil && now.Step == EnrolDone
		})
		p, err := home.Enter(ctx, id)
		must(t, err)
		return p
	}
	for _, who := range []care.PersonID{two, rosa, "ps_aaaaaaaaaaaaaaaa"} { // no computer, no agent, nobody
		if err := reg.NameAgent(ctx, who); err == nil {
			t.Errorf("%s was named", who)
		}
	}
	first, second := in(one, ""), in(two, "")
	until(t, "both are heard", func() bool {
		a, b := priya.AgentHealth(one), priya.AgentHealth(two)
		return a.Named && !a.Silent && !b.Named && !b.Silent
	})
	member := in(marisol.Person.ID, "1980-03-04")
	receivedBy := func(text string) (who care.PersonID) {
		t.Helper()
		d, err := member.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNew, Office: lee.ID, Subject: care.Text(text), Text: care.Text(text)})
		must(t, err)
		_, err = member.Desk().SendMessage(ctx, d.ID)
		must(t, err)
		must(t, member.Desk().SendNow(ctx, d.ID))
		var thread care.ThreadID
		until(t, text+" is on its way", func() bool {
			rows, err := member.Views().Center(ctx, "", "")
			must(t, err)
			for _, r := range rows {
				if string(r.Subject) == text {
					thread = care.ThreadID(r.Part)
				}
			}
			return !thread.IsZero()
		})
		until(t, text+" is received", func() bool {
			must(t, member.db.Read(ctx, func(tx *sql.Tx) error {
				all, err := member.desk.Journal.Thread(ctx, tx, thread)
				for _, e := range all {
					if e.Event.Kind == event.Received {
						who = e.Event.As
					}
				}
				return err
			}))
			return who != ""
		})
		return who
	}
	if who := receivedBy("Before"); who != one {
		t.Errorf("confirmed by %s", who)
	}
	must(t, reg.NameAgent(ctx, two))
	reg.Kick()
	until(t, "both know", func() bool {
		return second.isAgent() && !first.isAgent() && priya.AgentHealth(two).Named && !priya.AgentHealth(one).Named
	})
	until(t, "the next sign-in knows, too", func() bool {
		again := &Profile{db: priya.db, desk: priya.desk}
		must(t, again.knownHealth(ctx))
		w, any := again.heard.of(two)
		return any && w.Named && !w.at.IsZero()
	})
	if who := receivedBy("After"); who != two {
		t.Errorf("confirmed by %s", who)
	}
	if err := reg.Remove(ctx, two); err != nil {
		t.Fatal(err)
	}
	if three := hire("Third", care.RoleAgent); reg.Practice().Agent != three {
		t.Error("the one that left is still named")
	}
	if err := reg.NameAgent(ctx, two); care.KindOf(err) != care.NotFound {
		t.Errorf("named one that left: %v", err)
	}
}
