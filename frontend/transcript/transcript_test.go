package transcript

import (
	"crypto/sha256"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/parts"
	"postern/frontend/say"
)

var update = flag.Bool("update", false, "write the golden files")

var zone = func() *time.Location {
	z, err := time.LoadLocation("America/Chicago")
	if err != nil {
		panic(err)
	}
	return z
}()

func on(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }

func id(name string) care.EventID { return sha256.Sum256([]byte(name)) }

var (
	rosa    = care.Person{ID: "ps_rosa", Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Role: care.RoleNurse}
	haddad  = care.Person{ID: "ps_haddad", Name: "Omar Haddad", Shown: "Dr. Omar Haddad", Role: care.RolePhysician}
	marisol = care.Person{ID: "ps_marisol", Name: "Marisol Vega", Shown: "Marisol Vega", Role: care.RoleMember}
	joaquin = care.Person{ID: "ps_joaquin", Name: "Joaquín Vega", Shown: "Joaquín Vega", Role: care.RoleMember}
	lee     = care.Office{ID: "of_lee", Name: "Dr. Lee's office"}

	member = parts.Frame{Practice: "Alder Creek Clinic", Mark: "All people here are invented.", Me: marisol, Member: true,
		Clock: say.Clock{Zone: zone, Now: on(25, 15, 15)}}
	staff = parts.Frame{Practice: "Alder Creek Clinic", Me: rosa, Clock: member.Clock}
)

// everything is a conversation with each thing in it that can be, and with hostile words wherever a person writes.
func everything() view.Thread {
	t := view.Thread{Row: view.Row{Part: id("t"), Office: lee, Subject: "<script>alert(1)</script>", Topic: care.TopicCarePlan,
		Patient: care.Patient{ID: "pt_marisol", Name: "Marisol Vega", Born: "1980-03-04", MRN: "48210739", Phone: "555-010-0177"},
		Flags:   []string{"No current relation with this office"}, Owner: haddad}}
	t.ReadOnly, t.Gaps, t.Flagged, t.FlagReason = true, 2, true, "Call first"
	t.Before = &view.Link{Part: id("b"), Subject: "Refill </p><img src=x>"}
	t.After = []view.Link{{Part: id("a"), Subject: "Treadmill", At: on(24, 9, 0)}}
	t.Items = []view.Item{
		{Kind: view.ItemMessage, ID: id("1"), By: marisol, Own: true, Member: true, At: on(18, 8, 57), State: view.StateReplied, Received: on(18, 8, 58), Due: on(20, 8, 58), Cover: haddad,
			Text: "<img src=x onerror=alert(1)>\n- <b>one</b>\n- </article></main><script>alert(2)</script>\n\n&lt;Thank you&gt;"},
		{Kind: view.ItemNote, ID: id("2"), By: haddad, At: on(18, 9, 30), Text: "A note for us alone."},
		{Kind: view.ItemMessage, ID: id("3"), By: rosa, At: on(19, 14, 26), State: view.StateDelivered, SeenAt: on(19, 18, 10), Text: "Hi Marisol,\n\nStand up slowly."},
		{Kind: view.ItemComplete, ID: id("4"), By: haddad, At: on(20, 9, 0), State: view.StateHanded, Text: "All well.", Undone: true},
		{Kind: view.ItemReopen, ID: id("5"), By: rosa, At: on(20, 9, 5)},
		{Kind: view.ItemMessage, ID: id("6"), By: joaquin, Member: true, At: on(21, 7, 0), State: view.StateHanded, Text: "She feels dizzy again. – Cô y tá"},
		{Kind: "of-a-later-version", ID: id("7"), By: rosa, At: on(21, 8, 0), Text: "What nobody knows."},
		{Kind: view.ItemMessage, ID: id("9"), By: rosa, At: on(22, 9, 0), State: view.StateFailed, Text: "Lie down.", Files: []view.File{{Name: "lie-down.pdf"}},
			Why: "It did not reach the member. The mail system says: “552 mailbox full”. Call Marisol Vega at 555-010-0177."},
		{Kind: view.ItemComplete, ID: id("8"), By: rosa, At: on(23, 16, 0), Text: "Glad it helped."},
	}
	t.Completed = &t.Items[len(t.Items)-1]
	t.Drafts = map[string]view.Draft{"reply": {Text: "A draft of hers."}, "note": {Text: "A draft of a note."}}
	t.Held = []view.Held{{Text: "A held text.", State: view.StateHeld}}
	return t
}

func render(t *testing.T, th view.Thread, f parts.Frame) string {
	t.Helper()
	var b strings.Builder
	if err := document(build(th, f)).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFiles compares both sides' copies with what they were when somebody last looked.
func TestFiles(t *testing.T) {
	for name, f := range map[string]parts.Frame{"member": member, "staff": staff} {
		got := render(t, everything(), f)
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
		if got != string(want) {
			t.Errorf("%s's copy differs from %s (go test -update writes it anew):\n%s", name, path, got)
		}
	}
}

// TestACopyStandsAlone: whatever people wrote, a copy has no element that runs or fetches anything, and leads nowhere.
func TestACopyStandsAlone(t *testing.T) {
	harmless := strings.Fields("html head meta title style body header main footer article h1 h2 dl div dt dd p b span strong time ul li br")
	for name, f := range map[string]parts.Frame{"member": member, "staff": staff} {
		doc, err := html.Parse(strings.NewReader(render(t, everything(), f)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !slices.Contains(harmless, n.Data) {
				t.Errorf("%s's copy has a <%s>", name, n.Data)
			}
			if n.Data == "style" && (strings.Contains(n.FirstChild.Data, "url(") || strings.Contains(n.FirstChild.Data, "@import")) {
				t.Errorf("%s's copy has a style that fetches", name)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"src", "href", "style", "action", "srcset"}, a.Key) {
					t.Errorf("%s's copy has a <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// TestWhatIsInACopy and what never is: of the care team's own things, nothing is in either side's.
func TestWhatIsInACopy(t *testing.T) {
	both := []string{"Alder Creek Clinic", "Dr. Lee&#39;s office", "Marisol Vega", "&lt;script&gt;alert(1)&lt;/script&gt;", "Care plan question",
		"Wed Nov 18, 2026, 8:57 am CST", "Delivered to Dr. Lee&#39;s office Wed Nov 18, 2026, 8:58 am CST.", "A reply was promised by Fri Nov 20, 2026.", "Dr. Omar Haddad covered.",
		"Stand up slowly.", "All well.", "Lie down.", "Files that were sent with messages are not in this copy.", "With this the conversation was completed. It was reopened later.", "Joaquín Vega</b> <span>for Marisol Vega",
		"Sent. Dr. Lee&#39;s office had not confirmed it when this copy was saved.", "Completed Mon Nov 23, 2026, 4:00 pm CST", "Refill &lt;/p&gt;", "Treadmill",
		"A newer version of Postern wrote in this conversation.", "Part of this conversation had not arrived", "Wed Nov 25, 2026, 3:15 pm CST",
		"Times are those of the practice, America/Chicago.", "Anyone who can open this file can read it."}
	neither := []string{"A note for us", "A draft", "A held text", "What nobody knows", "Call first", "No current relation", "555-010-0177", "552"}
	ours := []string{"48210739", "4821 0739", "Born", "Mar 4, 1980", "Read by the member Thu Nov 19, 2026, 6:10 pm CST.", "Rosa Delgado, RN reopened", "Internal notes are not part of this copy."}
	for name, c := range map[string]struct {
		frame      parts.Frame
		has, lacks []string
	}{
		"member": {member, []string{"by Marisol Vega with Postern", "Dr. Lee&#39;s office reopened this conversation", "All people here are invented."}, ours},
		"staff":  {staff, append([]string{"by Rosa Delgado, RN with Postern"}, ours[1:]...), []string{"invented"}},
	} {
		got := render(t, everything(), c.frame)
		for _, w := range append(c.has, both...) {
			if !strings.Contains(got, w) {
				t.Errorf("%s's copy lacks %q", name, w)
			}
		}
		for _, w := range append(c.lacks, neither...) {
			if strings.Contains(got, w) {
				t.Errorf("%s's copy has %q", name, w)
			}
		}
		if title, _, _ := strings.Cut(got[strings.Index(got, "<title>"):], "</title>"); title != "<title>Copy of a conversation" {
			t.Errorf("%s's copy has the title %q", name, title)
		}
	}
}

// TestStates: each message says where it stood, in words that stay true.
func TestStates(t *testing.T) {
	sent, seen := on(20, 9, 0), on(20, 10, 0)
	for _, c := range []struct {
		it            view.Item
		member, staff string
	}{
		{view.Item{Member: true, State: view.StateSending}, "It had not reached Dr. Lee's office when this copy was saved.", "It had not reached Dr. Lee's office when this copy was saved."},
		{view.Item{Member: true, State: view.StateWaiting}, "It had not reached Dr. Lee's office when this copy was saved.", "It had not reached Dr. Lee's office when this copy was saved."},
		{view.Item{Member: true, State: view.StateFailed, Why: "It did not reach them."}, "It did not reach Dr. Lee's office.", "It did not reach Dr. Lee's office."},
		{view.Item{Member: true, State: view.StateHanded}, "Sent. Dr. Lee's office had not confirmed it when this copy was saved.", "Sent. Dr. Lee's office had not confirmed it when this copy was saved."},
		{view.Item{Member: true, State: view.StateReplied}, "Delivered to Dr. Lee's office.", "Delivered to Dr. Lee's office."},
		{view.Item{Member: true, State: view.StateDelivered, Received: sent}, "Delivered to Dr. Lee's office Fri Nov 20, 2026, 9:00 am CST.", "Delivered to Dr. Lee's office Fri Nov 20, 2026, 9:00 am CST."},
		{view.Item{State: view.StateWaiting}, "", "It had not reached the member when this copy was saved."},
		{view.Item{State: view.StateFailed, Why: "It did not reach the member. Call her at 555-010-0177."}, "", "It did not reach the member."},
		{view.Item{State: view.StateHanded}, "", "Sent. The member had not read it when this copy was saved."},
		{view.Item{State: view.StateDelivered, SeenAt: seen}, "", "Read by the member Fri Nov 20, 2026, 10:00 am CST."},
		{view.Item{State: view.StateDelivered}, "", "Delivered."},
	} {
		for saver, want := range map[bool]string{true: c.member, false: c.staff} {
			w := writer{office: lee.Name, member: saver, clock: member.Clock}
			if got := strings.Join(w.states(c.it), " "); got != want {
				t.Errorf("%s, written by a member %v, saved by a member %v: %q, want %q", c.it.State, c.it.Member, saver, got, want)
			}
		}
	}
}

// TestAConversationWithoutItsBeginning has no office, topic or patient yet, and is written out all the same.
func TestAConversationWithoutItsBeginning(t *testing.T) {
	got := render(t, view.Thread{Gaps: 1, Row: view.Row{Open: true}}, staff)
	for _, w := range []string{"the office", "Unknown member", "Open", "had not arrived"} {
		if !strings.Contains(got, w) {
			t.Errorf("it lacks %q", w)
		}
	}
	for _, w := range []string{"Topic", "MRN", "Born"} {
		if strings.Contains(got, w) {
			t.Errorf("it has %q", w)
		}
	}
}

// TestAZoneThatIsNotKnown is not called the practice's.
func TestAZoneThatIsNotKnown(t *testing.T) {
	f := member
	f.Clock.Zone = time.Local
	if got := build(everything(), f).Zone; got != "Times are those of the computer that saved it." {
		t.Errorf("%q", got)
	}
}
