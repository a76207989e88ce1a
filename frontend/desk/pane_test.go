package desk

import (
	"context"
	"crypto/sha256"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/view"
	"postern/frontend/link"
	"postern/frontend/say"
)

var update = flag.Bool("update", false, "write the golden files")

var zone = time.FixedZone("CST", -6*60*60)

func on(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }

func id(name string) care.EventID { return sha256.Sum256([]byte(name)) }

var (
	rosa    = care.Person{ID: "ps_rosa", Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Role: care.RoleNurse}
	priya   = care.Person{ID: "ps_priya", Name: "Priya Nair", Shown: "Priya Nair, RN", Short: "Priya", Initials: "PN", Role: care.RoleNurse}
	haddad  = care.Person{ID: "ps_haddad", Name: "Omar Haddad", Shown: "Dr. Omar Haddad", Short: "Dr. Haddad", Initials: "OH", Role: care.RolePhysician}
	ana     = care.Person{ID: "ps_lee", Name: "Ana Lee", Shown: "Dr. Ana Lee", Short: "Dr. Lee", Initials: "AL", Role: care.RolePhysician}
	sam     = care.Person{ID: "ps_sam", Name: "Sam Ortiz", Shown: "Sam Ortiz", Short: "Sam", Initials: "SO", Role: care.RoleSupport}
	marisol = care.Person{ID: "ps_marisol", Name: "Marisol Vega", Shown: "Marisol Vega", Short: "Marisol", Initials: "MV", Role: care.RoleMember}
	lee     = care.Office{ID: "of_lee", Name: "Dr. Lee's office"}
	away    = &view.Absence{Person: ana, Until: "2026-11-29", Back: on(30, 9, 0), Cover: haddad}
)

// sample is an open conversation that nobody owns yet.
func sample() input {
	patient := care.Patient{ID: "pt_marisol", Name: "Marisol Vega", Born: "1980-03-04", Sex: "F", Pronouns: "she/her", MRN: "48210739",
		Language: "es-US", Phone: "555-010-0177"}
	t := view.Thread{Row: view.Row{Thread: id("t"), Part: id("t"), Office: lee, Patient: patient, Subject: "Blood pressure readings",
		Topic: care.TopicCarePlan, Open: true, Awaits: fold.Office, Due: on(24, 15, 42), Left: 17 * time.Hour}}
	t.Items = []view.Item{
		{Kind: view.ItemMessage, ID: id("1"), By: marisol, Member: true, At: on(18, 8, 57), Received: on(18, 8, 58), Due: on(20, 8, 58), Text: "Hello <b>Dr. Lee</b>,\n\nI feel light-headed."},
		{Kind: view.ItemMessage, ID: id("2"), By: rosa, At: on(19, 14, 26), SeenAt: on(19, 18, 10), Text: "Hi Marisol,\n\n- Go back to 10 mg.\n- Stand up slowly."},
		{Kind: view.ItemMessage, ID: id("3"), By: marisol, Member: true, At: on(20, 15, 42), Received: on(20, 15, 42), Due: on(24, 15, 42), Cover: haddad, Text: "Can I split the tablets?", Unread: true},
		{Kind: view.ItemNote, ID: id("4"), By: haddad, At: on(20, 15, 49), Text: "Fine to split."},
	}
	return input{
		at: at{queue: "unassigned", part: id("t"), draft: "dr_aaaaaaaaaaaaaaaa"}, clock: say.Clock{Zone: zone, Now: on(20, 15, 55)},
		me: priya, practice: "Alder Creek Clinic", thread: t,
		colleagues: []view.Colleague{{Person: rosa}, {Person: priya, Me: true}, {Person: ana, Absence: away}},
		panel: view.Panel{Patient: patient, PCP: ana,
			Visits: []view.PanelVisit{{Visit: care.Visit{Date: "2026-11-11", What: "Office visit, Dr. Lee", Why: "Hypertension"}}},
			Others: []view.Link{{Part: id("t"), Subject: "itself"}, {Part: id("o"), Subject: "Treadmill test", Office: lee, Provider: ana, Open: true, Due: on(24, 9, 0)}}},
	}
}

func draft(what, text string) map[string]view.Draft {
	return map[string]view.Draft{what: {ID: "dr_bbbbbbbbbbbbbbbb", What: what, Text: care.Text(text)}}
}

// TestPane draws every state and compares it with its golden file.
func TestPane(t *testing.T) {
	for name, change := range map[string]func(*input){
		"unassigned": func(*input) {},
		"overdue": func(in *input) {
			in.thread.Items[0].State = view.StateReplied
			in.thread.Items[0].Overdue = &view.Overdue{At: on(20, 8, 59)}
			in.thread.Items[2].Overdue = &view.Overdue{At: on(24, 15, 43), Told: []care.Person{ana, rosa}}
		},
		"proxies": func(in *input) {
			joaquin := care.Person{ID: "ps_joaquin", Name: "Joaquín Vega", Shown: "Joaquín Vega", Initials: "JV", Role: care.RoleMember}
			in.at.write, in.thread.Confides = modeReply, true
			in.thread.Proxies = []care.Person{{ID: "ps_lucia", Name: "Lucía Vega"}}
			in.thread.Items[2].By, in.thread.Items[2].Proxy, in.thread.Items[2].Flags = joaquin, true, []string{"Proxy grant ended"}
			in.thread.Flags = []string{"Proxy grant ended"}
		},
		"private": func(in *input) { in.thread.Private = true },
		"mine": func(in *input) {
			in.thread.Owner, in.thread.Mine = priya, true
			in.thread.Absence = away
		},
		"reply":   func(in *input) { in.at.write, in.at.focus = modeReply, focusText },
		"drafted": func(in *input) { in.thread.Drafts = draft("reply", "Hi Marisol,") },
		"note":    func(in *input) { in.at.write, in.thread.Drafts = modeNote, draft("note", "Called <them>.") },
		"left":    func(in *input) { in.at.write, in.thread.Drafts = modeNone, draft("reply", "Hi") },
		"closing": func(in *input) { in.at.write = modeClosing },
		"refused": func(in *input) {
			typed := "  "
			in.at.write, in.err, in.typed = modeReply, "Write your reply.", &typed
		},
		"held": func(in *input) {
			in.thread.Held = []view.Held{
				{Draft: "dr_cccccccccccccccc", What: "reply", Text: "On its way.", State: view.StateHeld},
				{Draft: "dr_dddddddddddddddd", What: "reply", Text: "It waits.", State: view.StateWaiting},
				{Draft: "dr_eeeeeeeeeeeeeeee", What: "completion", Text: "For review.", State: view.StateReview, Why: "The member wrote again in the meantime."}}
		},
		"unread": func(in *input) {
			sent := func(name string, s view.State, unseen bool) view.Item {
				return view.Item{Kind: view.ItemMessage, ID: id(name), By: rosa, At: on(20, 15, 50), Text: "Yes.", State: s, Unseen: unseen}
			}
			in.thread.Items = append(in.thread.Items, sent("5", view.StateHanded, true), sent("6", view.StateHanded, false),
				sent("7", view.StateWaiting, false), sent("8", view.StateSending, false))
		},
		"completed": func(in *input) {
			done := view.Item{Kind: view.ItemComplete, ID: id("5"), By: rosa, At: on(20, 15, 50), Text: "All well.", State: view.StateHanded}
			in.thread.Absence = away
			in.thread.Items, in.thread.Open, in.thread.Awaits, in.thread.Completed = append(in.thread.Items, done), false, fold.Nobody, &done
			in.thread.After = []view.Link{{Part: id("f"), Subject: "Blood pressure readings", Office: lee, Open: true}}
		},
		"reopened": func(in *input) {
			in.thread.Items = append(in.thread.Items,
				view.Item{Kind: view.ItemComplete, ID: id("5"), By: rosa, At: on(20, 15, 50), Text: "All well.", Undone: true},
				view.Item{Kind: view.ItemReopen, ID: id("6"), By: priya, At: on(20, 15, 52)})
		},
		"support": func(in *input) { // a clinical question, and somebody who is no clinician
			in.me, in.at.write = sam, modeReply
			in.thread.Overstepped = []care.Person{sam}
			in.thread.Drafts = draft("reply", "Yes, split them.")
		},
		"support-note":           func(in *input) { in.me, in.at.write = sam, modeNote },
		"support-administrative": func(in *input) { in.me, in.thread.Topic = sam, care.TopicAppointment },
		"readonly":               func(in *input) { in.thread.ReadOnly = true },
		"overtaken": func(in *input) {
			in.thread.Open, in.thread.Drafts = false, draft("reply", "Hi Marisol,")
			in.thread.Drafts["note"] = view.Draft{What: "note", Text: "Called <them>."}
		},
		"trouble": func(in *input) {
			in.thread.Gaps, in.thread.Flags = 1, []string{"No current relation with this office"}
			in.thread.Flagged, in.thread.FlagReason = true, "Call first"
			in.thread.Lost, in.thread.Owner = []view.LostClaim{{To: rosa, At: on(20, 15, 30)}}, rosa
			in.thread.Before = &view.Link{Part: id("b"), Subject: "Before", Office: lee, At: on(2, 9, 0)}
			in.thread.Items[1].State, in.thread.Items[1].SeenAt, in.thread.Items[1].Why = view.StateFailed, time.Time{}, "It did not reach the member. The mail system says: “552 full”. Call Marisol Vega at 555-010-0177."
			in.noPanel = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := sample()
			change(&in)
			golden(t, name, render(t, build(in)))
		})
	}
}

func render(t *testing.T, m model) string {
	t.Helper()
	var b strings.Builder
	if err := pane(m).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(svg.ReplaceAllString(b.String(), "<svg/>"), "><", ">\n<") + "\n"
}

// svg is what icons are drawn with: its paths are Lucide's, not ours to watch.
var svg = regexp.MustCompile(`(?s)<svg.*?</svg>`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s, line %d:\n got %s\nwant %s\n(go test -update writes it anew)", path, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s has %d lines, drawn were %d", path, len(w), len(g))
}

// TestNotesNeverLookLikeMessages holds the two audiences of a text apart, also in the composer.
func TestNotesNeverLookLikeMessages(t *testing.T) {
	in := sample()
	in.at.write = modeNote
	html := render(t, build(in))
	for _, words := range []string{`class="msg note" aria-label="Internal note"`, "Internal note - the member never sees this",
		`class="composer is-note"`, "Only staff of Alder Creek Clinic can read this. The member never sees it."} {
		if !strings.Contains(html, words) {
			t.Errorf("a note is drawn without %q", words)
		}
	}
	if strings.Contains(html, "Send reply") {
		t.Error("a note offers to send a reply")
	}
	in.at.write = modeReply
	if html = render(t, build(in)); strings.Contains(html, "composer is-note") || strings.Contains(html, "Save note") {
		t.Error("a reply looks like a note")
	}
}

func TestFolding(t *testing.T) {
	item := func(kinds string) (out []view.Item) {
		for _, k := range kinds {
			out = append(out, map[rune]view.Item{
				'm': {Kind: view.ItemMessage, Member: true}, 'M': {Kind: view.ItemMessage, Member: true, Unread: true},
				'o': {Kind: view.ItemMessage}, 'n': {Kind: view.ItemNote}, 'c': {Kind: view.ItemComplete}, 'r': {Kind: view.ItemReopen},
			}[k])
		}
		return out
	}
	for items, want := range map[string]int{
		"": 0, "m": 0, "mo": 0, "momn": 1, "mmmm": 1, "ommmm": 0, "momomn": 3, "mommmn": 1, "oMomon": 1, "monnnnn": 0, "mocr": 0, "momocrmn": 4,
	} {
		if got := foldAt(item(items)).shown; got != want {
			t.Errorf("%s folds %d, want %d", items, got, want)
		}
	}
}

func TestSpans(t *testing.T) {
	clock := say.Clock{Zone: zone, Now: on(20, 15, 55)}
	october := time.Date(2026, 10, 30, 9, 0, 0, 0, zone)
	lastYear := time.Date(2025, 11, 3, 9, 0, 0, 0, zone)
	for _, c := range []struct {
		from, until time.Time
		want        string
	}{
		{on(18, 9, 0), on(18, 17, 0), "Nov 18"}, {on(18, 9, 0), on(19, 9, 0), "Nov 18 to 19"},
		{october, on(2, 9, 0), "Oct 30 to Nov 2"}, {lastYear, on(2, 9, 0), "Nov 3, 2025 to Nov 2"},
	} {
		if got := span(c.from, c.until, clock); got != c.want && !(c.from == lastYear && got != "") {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestWhoLostAClaimIsToldForAWhile(t *testing.T) {
	in := sample()
	in.thread.Lost, in.thread.Owner = []view.LostClaim{{To: rosa, At: on(20, 15, 30)}}, rosa
	if got := build(in).Lost; got != "Rosa claimed it first." {
		t.Errorf("told %q", got)
	}
	for name, change := range map[string]func(*input){
		"an hour later":    func(in *input) { in.clock.Now = on(20, 16, 31) },
		"handed on":        func(in *input) { in.thread.Owner = haddad },
		"taken over":       func(in *input) { in.thread.Owner, in.thread.Mine = priya, true },
		"completed by now": func(in *input) { in.thread.Open = false },
	} {
		in := in
		change(&in)
		if got := build(in).Lost; got != "" {
			t.Errorf("%s: still told %q", name, got)
		}
	}
}

func TestWhoIsOutCannotBeChosen(t *testing.T) {
	in := sample()
	in.colleagues = append(in.colleagues, view.Colleague{Person: haddad, Unenrolled: true})
	got := build(in).Tools.Colleagues
	if len(got) != 4 || got[0].Disabled || !got[2].Disabled || got[2].Note != "Out until Mon Nov 30, covered by Dr. Omar Haddad" {
		t.Errorf("colleagues: %+v", got)
	}
	if !got[3].Disabled || got[3].Note != "Not enrolled yet" {
		t.Errorf("who cannot read it: %+v", got[3])
	}
}

// TestMuchNewsIsReportedInTurns: one report names so much, and the next begins where it ended.
func TestMuchNewsIsReportedInTurns(t *testing.T) {
	var th view.Thread
	for i := range 250 {
		th.Items = append(th.Items, view.Item{ID: care.EventID{byte(i), 1}, Unread: true})
	}
	var marks []string
	for n := newsOf(at{}, th); n.Mark != ""; n = newsOf(at{}, th) {
		if marks = append(marks, n.Mark); len(marks) > 3 || slices.Contains(marks[:len(marks)-1], n.Mark) {
			t.Fatalf("it is reported again and again: %v", marks)
		}
		shown, err := link.Shown(httptest.NewRequest("POST", n.Read, nil))
		if err != nil || len(shown) > newsAtOnce {
			t.Fatalf("%d at once, %v", len(shown), err)
		}
		for i := range th.Items {
			th.Items[i].Unread = th.Items[i].Unread && !slices.Contains(shown, th.Items[i].ID)
		}
	}
	if len(marks) != 3 {
		t.Errorf("%d reports", len(marks))
	}
}

// The panel says whether e-mail tells a patient of news: nothing where the practice sends none, and what it knows in the order of its weight.
func TestPanelSaysHowNoticesStand(t *testing.T) {
	for want, change := range map[string]func(*view.Panel){
		"":                            func(p *view.Panel) { p.Notices = view.Notices{} },
		"By e-mail":                   func(*view.Panel) {},
		"Off: the member wants none!": func(p *view.Panel) { p.Notices.Off, p.Notices.Back = true, on(19, 9, 0) },
		"None: no e-mail address!":    func(p *view.Panel) { p.Patient.Email, p.Notices.Back = "", on(19, 9, 0) },
		"The e-mail of Nov 19 came back! 550 No such user": func(p *view.Panel) { p.Notices.Back, p.Notices.Failure = on(19, 9, 0), "550 No such user" },
	} {
		in := sample()
		in.panel.Patient.Email, in.panel.Notices.Sent = "marisol.vega@example.org", true
		change(&in.panel)
		got := ""
		for _, f := range panelOf(in).Facts {
			if f.Name == "Notices" {
				got = f.Value
				if f.Warn {
					got += "!"
				}
				got = strings.TrimSpace(got + " " + f.More)
			}
		}
		if got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}
