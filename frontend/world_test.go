package frontend_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/view"
	"postern/frontend/seat"
)

// world is a small invented practice in memory, behind the interfaces that the screens ask. It knows no rules beyond
// what a screen's behaviour hangs on: texts are held, become conversations, are taken back.
type world struct {
	seat.Enroller              // nil, except where somebody comes in
	chief         *care.Person // who signs in as "dana"
	unfinished    string       // the profile that the practice has not taken in yet

	mu      sync.Mutex
	now     time.Time
	profile []seat.Profile
	sync    care.SyncState
	writes  map[care.PatientID]care.Patient // for whom Marisol writes, beside herself

	threads map[care.EventID]*view.Thread
	drafts  map[string]view.Draft
	before  func(http.Handler) http.Handler // stands between the browser and Postern, where it is set
	held    map[string]view.Held
	became  map[string]seat.Sending
	offices []view.Recipient
	read    []care.EventID
	sends   int // how often a text went into its hold
	wakes   map[chan seat.Change]bool
	printed int
	closed  int
	panics  string // the method that panics, for the guard
	fail    error  // what saving a draft answers, if set
	keys    keys
	notices seat.Notices
	named   bool           // e-mails name the practice
	copied  []care.EventID // copies that left, and
	full    error          // why none may
}

var zone = func() *time.Location {
	z, err := time.LoadLocation("America/Chicago")
	if err != nil {
		panic(err)
	}
	return z
}()

func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2026, month, day, hour, minute, 0, 0, zone)
}

func id(name string) care.EventID { return sha256.Sum256([]byte(name)) }

var (
	marisol = care.Person{ID: "ps_marisol", Name: "Marisol Vega", Shown: "Marisol Vega", Short: "Marisol", Initials: "MV", Role: care.RoleMember}
	joaquin = care.Person{ID: "ps_joaquin", Name: "Joaquín Vega", Shown: "Joaquín Vega", Short: "Joaquín", Initials: "JV", Role: care.RoleMember}
	rosa    = care.Person{ID: "ps_rosa", Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Role: care.RoleNurse}
	haddad  = care.Person{ID: "ps_haddad", Name: "Omar Haddad", Shown: "Dr. Omar Haddad", Short: "Dr. Haddad", Initials: "OH", Pronoun: "his", Role: care.RolePhysician}

	lee    = care.Office{ID: "of_lee", Name: "Dr. Lee's office", Provider: "ps_lee", Specialty: "Internal Medicine"}
	raman  = care.Office{ID: "of_raman", Name: "Dr. Raman's office", Provider: "ps_raman", Specialty: "Cardiology"}
	brandt = care.Office{ID: "of_brandt", Name: "Dr. Brandt-Oyelaran's office", Provider: "ps_brandt", Specialty: "Dermatology"}
	luis   = care.Office{ID: "of_luis", Name: "Dr. Ferreira's office", Provider: "ps_luis", Specialty: "Physical Therapy"}
)

func provider(id care.PersonID, name, initials, pronoun string) care.Person {
	return care.Person{ID: id, Name: strings.TrimPrefix(name, "Dr. "), Shown: name, Initials: initials, Pronoun: pronoun, Role: care.RolePhysician}
}

// newWorld is the practice as the pictures show it.
func newWorld() *world {
	w := &world{now: at(time.November, 20, 18, 10), threads: map[care.EventID]*view.Thread{}, drafts: map[string]view.Draft{},
		held: map[string]view.Held{}, became: map[string]seat.Sending{}, wakes: map[chan seat.Change]bool{},
		notices: seat.Notices{Sent: true, Email: "marisol.vega@example.org", On: true},
		profile: []seat.Profile{{ID: "marisol", Label: "Marisol Vega (member)"}, {ID: "joaquin", Label: "Joaquín Vega (member)"}},
		sync:    care.SyncState{Phase: care.SyncUpToDate, Checked: at(time.November, 20, 18, 10)}}
	ana := provider("ps_lee", "Dr. Ana Lee", "AL", "her")
	away := &view.Absence{Person: ana, Until: "2026-11-29", Back: at(time.November, 30, 9, 0), Cover: haddad}
	due := at(time.November, 24, 17, 0)
	w.offices = []view.Recipient{
		{Office: lee, Provider: ana, Primary: true, Absence: away, Due: due},
		{Office: raman, Provider: provider("ps_raman", "Dr. Priya Raman", "PR", "her"), Seen: "2026-10-06", Due: due},
		{Office: brandt, Provider: provider("ps_brandt", "Dr. Wilhelmina Brandt-Oyelaran", "WB", "her"), Seen: "2026-09-22", Due: due},
		{Office: luis, Provider: provider("ps_luis", "Dr. Luis Ferreira", "LF", "his"), Seen: "2026-08-30", Due: due},
	}
	w.pressure(away)
	w.treadmill()
	w.refill()
	w.row("mole", brandt, "Photos of the mole on my left shoulder, as you asked at the visit in October", view.StateCompleted, at(time.November, 3, 9, 0))
	w.row("knee", luis, "Exercises for the right knee", view.StateCompleted, at(time.October, 21, 9, 0))
	return w
}

func (w *world) row(name string, o care.Office, subject care.Text, s view.State, t time.Time) *view.Thread {
	row := view.Row{Thread: id(name), Part: id(name), Office: o, Patient: patient(), Subject: subject, At: t, State: s, By: rosa,
		Open: s != view.StateCompleted, Awaits: fold.Member}
	th := &view.Thread{Row: row, Drafts: map[string]view.Draft{}}
	w.threads[row.Part] = th
	return th
}

func patient() care.Patient {
	return care.Patient{ID: "pt_marisol", Name: "Marisol Vega", MRN: "48210739", Born: "1980-03-04", Sex: "F"}
}

func (w *world) pressure(away *view.Absence) {
	t := w.row("pressure", lee, "Blood pressure readings after the new dose", view.StateReplied, at(time.November, 19, 14, 26))
	t.Topic, t.Unread, t.Absence = care.TopicCarePlan, true, away
	t.Items = []view.Item{
		{Kind: view.ItemMessage, ID: id("p1"), By: marisol, Own: true, Member: true, At: at(time.November, 18, 8, 57), State: view.StateReplied, Received: at(time.November, 18, 8, 57),
			Text: "Hello Dr. Lee,\n\nSince we went up to 20 mg of lisinopril last week I feel light-headed when I stand up, mostly in the mornings.\n\nShould I keep taking the higher dose?\n\nThank you, Marisol"},
		{Kind: view.ItemMessage, ID: id("p2"), By: rosa, At: at(time.November, 19, 14, 26), Unread: true,
			Text: "Hi Marisol,\n\nThank you for writing down your readings. That helps a lot. Dr. Haddad, who is covering for Dr. Lee, looked at them today. He would like you to:\n\n- Go back to 10 mg of lisinopril once a day, starting tomorrow morning.\n- Take your blood pressure each morning, before the tablet.\n- Send us the readings on Wednesday, Nov 25.\n\nStand up slowly for the next few days. If you faint, or have chest pain or trouble breathing, call 911."},
	}
}

func (w *world) treadmill() {
	t := w.row("treadmill", raman, "Question about the treadmill test on December 8", view.StateDelivered, at(time.November, 18, 15, 42))
	t.Due, t.Awaits = at(time.November, 23, 15, 42), fold.Office
	t.Items = []view.Item{{Kind: view.ItemMessage, ID: id("t1"), By: marisol, Own: true, Member: true, At: t.At, State: view.StateDelivered,
		Received: t.At, Due: t.Due, Text: "Do I need to stop the tablets before the test?"}}
}

func (w *world) refill() {
	t := w.row("refill", lee, "Refill: atorvastatin 20 mg", view.StateCompleted, at(time.November, 12, 10, 5))
	t.Topic = care.TopicRenewal
	t.Items = []view.Item{
		{Kind: view.ItemMessage, ID: id("r1"), By: marisol, Own: true, Member: true, At: at(time.November, 11, 16, 20), State: view.StateReplied, Received: at(time.November, 11, 16, 20),
			Text: "The pharmacy says I have no refills left on atorvastatin 20 mg. Could you renew it at the pharmacy on Alder Street?"},
		{Kind: view.ItemComplete, ID: id("r2"), By: rosa, At: at(time.November, 12, 10, 5),
			Text: "Hi Marisol,\n\nDr. Lee renewed it for a year. Alder Street Pharmacy will have it tomorrow after 2 pm."},
	}
	t.Completed = &t.Items[1]
}

// ---- Home and Signed ----

func (w *world) Profiles(context.Context) ([]seat.Profile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Clone(w.profile)
	if len(all) == 1 {
		all[0].Opens = w.keys.chain.On && !w.keys.inside
	}
	return all, nil
}

func (w *world) SignIn(_ context.Context, profile, passphrase string) (seat.Signed, error) {
	if err := w.try(passphrase); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.keys.inside = true
	w.mu.Unlock()
	if profile == "dana" && w.chief != nil {
		return signed{w, *w.chief, ""}, nil
	}
	if w.unfinished == profile {
		return nil, care.Refusef(care.Unfinished, "The clinic has not taken you in yet.")
	}
	if profile == "joaquin" {
		return signed{w, joaquin, ""}, nil
	}
	return signed{w, marisol, ""}, nil
}

// signed is one of the people of the world. They share its one record, which is nobody's business here.
type signed struct {
	*world
	me    care.Person
	about care.PatientID
}

func (s signed) Me() care.Person { return s.me }
func (s signed) Patient() care.Patient {
	if s.about != "" {
		return s.writes[s.about]
	}
	return patient()
}

func (s signed) Own() care.PatientID { return patient().ID }

func (s signed) WritesFor() []care.Patient {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []care.Patient{patient()}
	for _, p := range s.writes {
		all = append(all, p)
	}
	return all
}

func (s signed) For(id care.PatientID) seat.Signed {
	if slices.ContainsFunc(s.WritesFor(), func(p care.Patient) bool { return p.ID == id }) && id != patient().ID {
		return signed{s.world, s.me, id}
	}
	return signed{s.world, s.me, ""}
}

func (s signed) Notices(context.Context) (seat.Notices, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notices, nil
}

func (s signed) ChooseNotices(_ context.Context, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.notices.On = on
	return nil
}

func (s signed) Proxies() []care.Person { return nil }
func (s signed) Admin() seat.Admin      { return nil }
func (s signed) Audit() seat.Audit      { return nil }
func (s signed) Printed()               { s.change(seat.Change{}, func() { s.printed++ }) }

func (s signed) Practice() care.Practice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return care.Practice{Policy: care.Policy{Notices: care.Notices{On: s.notices.Sent, Name: s.named}}, Name: "Alder Creek Clinic", NurseLine: "555-010-0140", FrontDesk: "555-010-0100", Calendar: care.Calendar{Zone: zone.String()}}
}
func (s signed) Views() seat.Views { return about{s.world, s.about} }
func (s signed) Desk() seat.Desk   { return s.world }
func (s signed) Sync() care.SyncState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sync
}
func (s signed) WorkOffline(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sync = care.SyncState{Phase: care.SyncUpToDate, Checked: s.now}
	if on {
		s.sync = care.SyncState{Phase: care.SyncOffline, Chosen: true, Checked: s.now}
	}
}
func (s signed) SyncNow() {}
func (s signed) Waiting(context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held), nil
}

func (s signed) Wake() (<-chan seat.Change, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan seat.Change, 16)
	s.wakes[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.wakes, ch)
	}
}

func (s signed) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

// change runs f under the lock and tells the screens.
func (w *world) change(c seat.Change, f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	for ch := range w.wakes {
		ch <- c
	}
}

// ---- views ----

func (w *world) Center(_ context.Context, show, search string) ([]view.Row, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.panics == "Center" {
		panic("Blood pressure of Marisol Vega")
	}
	var rows []view.Row
	for _, t := range w.threads {
		rows = append(rows, t.Row)
	}
	for _, d := range w.drafts {
		if d.What == "new" {
			o, _ := w.office(d.Office)
			rows = append(rows, view.Row{Draft: d.ID, Office: o.Office, Subject: d.Subject, At: d.Saved, State: view.StateDraft})
		}
	}
	for _, h := range w.held {
		if h.What == "message" {
			rows = append(rows, view.Row{Draft: h.Draft, Office: h.Office, Subject: h.Subject, At: h.Written, State: h.State})
		}
	}
	rows = slices.DeleteFunc(rows, func(r view.Row) bool {
		return !strings.Contains(strings.ToLower(string(r.Subject)), strings.ToLower(search)) ||
			show == "unread" && !r.Unread || show == "drafts" && r.State != view.StateDraft
	})
	slices.SortFunc(rows, func(a, b view.Row) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(a.Draft, b.Draft), strings.Compare(string(a.Subject), string(b.Subject)))
	})
	return rows, nil
}

func (w *world) Queues(context.Context) (queues, offices []view.Queue, err error) {
	return nil, nil, nil
}
func (w *world) Queue(context.Context, string, string) (view.Queue, []view.Row, error) {
	return view.Queue{}, nil, nil
}
func (w *world) Colleagues(context.Context, care.OfficeID) ([]view.Colleague, error) { return nil, nil }
func (w *world) Panel(context.Context, care.PatientID) (view.Panel, error)           { return view.Panel{}, nil }

func (w *world) Thread(_ context.Context, part care.EventID) (view.Thread, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.threads[part]
	if !ok {
		return view.Thread{}, care.Refusef(care.NotFound, "This conversation is not on this computer.")
	}
	out := *t
	out.Items = slices.Clone(t.Items) // the world goes on changing its own while a page is drawn
	if t.Completed != nil {
		done := *t.Completed
		out.Completed = &done
	}
	out.Drafts = map[string]view.Draft{}
	for _, d := range w.drafts {
		if d.Part == part {
			out.Drafts[d.What] = d
		}
	}
	for _, h := range w.held {
		if h.Part == part {
			out.Held = append(out.Held, h)
		}
	}
	return out, nil
}

func (w *world) File(context.Context, care.EventID, care.EventID, int) (view.Content, error) {
	return view.Content{}, care.Refusef(care.NotFound, "There is no such file in this conversation.")
}

func (w *world) HeldText(_ context.Context, draft string) (view.Held, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h, ok := w.held[draft]; ok {
		return h, nil
	}
	return view.Held{}, care.Refusef(care.NotFound, "This text is not waiting to be sent.")
}

func (w *world) Recipients(context.Context) ([]view.Recipient, error) { return w.offices, nil }

func (w *world) Draft(_ context.Context, id string) (view.Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d, ok := w.drafts[id]; ok {
		return d, nil
	}
	return view.Draft{}, care.Refusef(care.NotFound, "This draft is gone.")
}

func (w *world) office(id care.OfficeID) (view.Recipient, bool) {
	for _, o := range w.offices {
		if o.Office.ID == id {
			return o, true
		}
	}
	return view.Recipient{}, false
}

// ---- desk ----

func (w *world) SaveDraft(_ context.Context, d view.Draft) (view.Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return d, w.fail
	}
	if _, sent := w.became[d.ID]; sent || w.held[d.ID].Draft != "" {
		return d, care.Refusef(care.Conflict, "This text was already sent.")
	}
	d.Saved = w.now
	w.drafts[d.ID] = d
	return d, nil
}

func (w *world) DeleteDraft(_ context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.drafts, id)
	return nil
}

func (w *world) SendMessage(_ context.Context, id string) (seat.Sending, error) {
	defer w.woken()
	return w.hold(id, "message")
}
func (w *world) SendReply(_ context.Context, id string) (seat.Sending, error) {
	defer w.woken()
	return w.hold(id, "reply")
}

// woken tells the screens that texts changed.
func (w *world) woken()                                                 { w.change(seat.Change{Texts: true}, func() {}) }
func (w *world) Complete(context.Context, string) (seat.Sending, error) { return seat.Sending{}, nil }

func (w *world) hold(id, what string) (seat.Sending, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.became[id]; ok {
		return s, nil
	}
	if h, ok := w.held[id]; ok {
		return seat.Sending{Draft: id, Until: h.Until, Part: h.Part}, nil
	}
	d, ok := w.drafts[id]
	if !ok {
		return seat.Sending{}, care.Refusef(care.NotFound, "This draft is gone.")
	}
	if what == "message" && d.Office == "of_luis" {
		return seat.Sending{}, care.Refusef(care.Forbidden, "You have no current relation with this office. Call the front desk.").In("office")
	}
	o, _ := w.office(d.Office)
	w.sends++
	h := view.Held{Draft: id, What: what, Thread: d.Thread, Part: d.Part, Office: o.Office, Patient: patient(), Subject: d.Subject,
		Topic: d.Topic, Text: d.Text, Written: w.now, Until: w.now.Add(15 * time.Second), State: view.StateHeld}
	if t := w.threads[d.Part]; t != nil {
		h.Office = t.Office
	}
	w.held[id] = h
	delete(w.drafts, id)
	return seat.Sending{Draft: id, Until: h.Until, Thread: h.Thread, Part: h.Part}, nil
}

func (w *world) SendNow(_ context.Context, draft string) error {
	defer w.woken()
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := w.held[draft]
	if !ok {
		return nil
	}
	delete(w.held, draft)
	item := view.Item{Kind: view.ItemMessage, ID: id("sent " + draft), By: marisol, Own: true, Member: true, At: w.now, Text: h.Text, State: view.StateHanded}
	t := w.threads[h.Part]
	if t == nil {
		t = w.row(draft, h.Office, h.Subject, view.StateHanded, w.now)
		t.Topic = h.Topic
	}
	t.State, t.Awaits, t.At = view.StateHanded, fold.Office, w.now
	t.Items = append(t.Items, item)
	w.became[draft] = seat.Sending{Draft: draft, Thread: t.Row.Thread, Part: t.Part}
	return nil
}

func (w *world) TakeBack(_ context.Context, draft string) (view.Draft, error) {
	defer w.woken()
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := w.held[draft]
	if !ok {
		return view.Draft{}, care.Refusef(care.Conflict, "It is already on its way.")
	}
	delete(w.held, draft)
	d := view.Draft{ID: draft, What: map[string]string{"message": "new", "reply": "reply"}[h.What], Thread: h.Thread, Part: h.Part,
		Office: h.Office.ID, Topic: h.Topic, Subject: h.Subject, Text: h.Text, Saved: w.now}
	w.drafts[draft] = d
	return d, nil
}

func (w *world) Discard(_ context.Context, draft string) error {
	defer w.woken()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, draft)
	return nil
}

func (w *world) Became(_ context.Context, draft string) (seat.Sending, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.became[draft]; ok {
		return s, nil
	}
	if h, ok := w.held[draft]; ok {
		return seat.Sending{Draft: draft, Until: h.Until, Thread: h.Thread, Part: h.Part}, nil
	}
	return seat.Sending{}, care.Refusef(care.NotFound, "This text was not sent.")
}

func (w *world) MarkRead(_ context.Context, part care.EventID, shown ...care.EventID) error {
	w.change(seat.Change{Threads: []care.ThreadID{part}}, func() {
		w.read = append(w.read, shown...)
		if t := w.threads[part]; t != nil {
			markRead(t, shown)
		}
	})
	return nil
}

func markRead(t *view.Thread, shown []care.EventID) {
	for i, it := range t.Items {
		t.Items[i].Unread = it.Unread && !slices.Contains(shown, it.ID)
	}
	t.Unread = len(t.News()) > 0
}

func (w *world) Claim(context.Context, care.EventID) error                 { return nil }
func (w *world) Unclaim(context.Context, care.EventID) error               { return nil }
func (w *world) Assign(context.Context, care.EventID, care.PersonID) error { return nil }
func (w *world) Flag(context.Context, care.EventID, bool, care.Text) error { return nil }
func (w *world) SaveNote(context.Context, string) error                    { return nil }
func (w *world) Reopen(context.Context, care.EventID) error                { return nil }
func (w *world) Copied(_ context.Context, part care.EventID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full == nil {
		w.copied = append(w.copied, part)
	}
	return w.full
}
func (w *world) Resend(_ context.Context, part care.EventID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, again := w.threads[part], 0
	for i := range t.Items {
		if t.Items[i].State == view.StateFailed {
			t.Items[i].State, t.Items[i].Why, again = view.StateWaiting, "", again+1
		}
	}
	if again == 0 {
		return care.Refusef(care.NotFound, "Nothing here waits to be sent again.")
	}
	return nil
}

// delivered confirms the newest letter of a conversation, as the clinic does.
func (w *world) delivered(part care.EventID, due time.Time) {
	w.change(seat.Change{Threads: []care.ThreadID{part}}, func() {
		t := w.threads[part]
		last := &t.Items[len(t.Items)-1]
		last.State, last.Received, last.Due = view.StateDelivered, w.now, due
		t.State, t.Due = view.StateDelivered, due
	})
}

// failing is what saving a draft answers from now on; nil saves it.
func (w *world) failing(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

// clock is the time, and passes makes some of it pass.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) passes(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// written are the texts of all drafts.
func (w *world) written() (texts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.drafts {
		texts = append(texts, string(d.Text))
	}
	return texts
}

// listeners is how many streams of changes are open.
func (w *world) listeners() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.wakes)
}

// told are the letters that were told to have been read.
func (w *world) told() []care.EventID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.read)
}

// completes is the office completing a conversation.
func (w *world) completes(part care.EventID) {
	w.change(seat.Change{Threads: []care.ThreadID{part}}, func() {
		t := w.threads[part]
		t.Items = append(t.Items, view.Item{Kind: view.ItemComplete, ID: id("done"), By: rosa, At: w.now, Text: "Glad it helped."})
		t.Open, t.State, t.Completed = false, view.StateCompleted, &t.Items[len(t.Items)-1]
	})
}

// awaits is the conversation awaiting the other side, as when the answer of somebody who has left is not confirmed yet.
func (w *world) awaits(part care.EventID, side fold.Side) {
	w.change(seat.Change{Threads: []care.ThreadID{part}}, func() { w.threads[part].Awaits = side })
}

// replies is the office writing.
func (w *world) replies(part care.EventID, text care.Text) {
	w.change(seat.Change{Threads: []care.ThreadID{part}}, func() {
		t := w.threads[part]
		t.Items = append(t.Items, view.Item{Kind: view.ItemMessage, ID: id(string(text)), By: rosa, At: w.now, Text: text, Unread: true})
		t.State, t.By, t.Unread, t.Awaits = view.StateReplied, rosa, true, fold.Member
	})
}

// about is the world as it looks with one patient's record before somebody.
type about struct {
	*world
	id care.PatientID
}

func (a about) Center(ctx context.Context, show, search string) ([]view.Row, error) {
	rows, err := a.world.Center(ctx, show, search)
	return slices.DeleteFunc(rows, func(r view.Row) bool { return (r.Patient.ID == mateo().ID) != (a.id == mateo().ID) }), err
}

func (a about) Thread(ctx context.Context, part care.EventID) (view.Thread, error) {
	t, err := a.world.Thread(ctx, part)
	if err == nil && (t.Patient.ID == mateo().ID) != (a.id == mateo().ID) {
		return view.Thread{}, care.Refusef(care.NotFound, "This conversation is not on this computer.")
	}
	return t, err
}

func (w *world) Confide(context.Context, care.EventID) error { return nil }

func (w *world) Accept(context.Context, care.EventID, care.EventID) error  { return nil }
func (w *world) Decline(context.Context, care.EventID, care.EventID) error { return nil }

func (w *world) Acting(context.Context) ([]view.Acting, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := []view.Acting{{Patient: patient(), Self: true}}
	for _, p := range w.writes {
		all = append(all, view.Acting{Patient: p, Waiting: 1})
	}
	return all, nil
}
