package inbox_test

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/care/fold"
	"postern/backend/record/view"
	"postern/frontend/seat"
)

// clinic is the care team's side of a small invented practice in memory, behind the interfaces that the screens ask.
// It knows no rules beyond what a screen's behaviour hangs on.
type clinic struct {
	seat.Enroller // none: these tests enrol nobody

	mu      sync.Mutex
	now     time.Time
	me      care.Person
	threads []*view.Thread
	drafts  map[string]view.Draft
	held    map[string]view.Held
	sent    map[string]bool
	sends   int
	reads   int
	wakes   map[chan seat.Change]bool
	fail    error // what every command answers, if set
	sync    care.SyncState
	gate    chan struct{}
	gated   []string  // the lists that wait at it; none: all
	office  *registry // the administration, where this computer holds it
	unbound bool      // who is signed in belongs to no office
	audit   audit
	notices view.Notices // how everybody stands with notices by e-mail
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
	rosa    = care.Person{ID: "ps_rosa", Name: "Rosa Delgado", Shown: "Rosa Delgado, RN", Short: "Rosa", Initials: "RD", Role: care.RoleNurse}
	priya   = care.Person{ID: "ps_priya", Name: "Priya Nair", Shown: "Priya Nair, RN", Short: "Priya", Initials: "PN", Role: care.RoleNurse}
	haddad  = care.Person{ID: "ps_haddad", Name: "Omar Haddad", Shown: "Dr. Omar Haddad", Short: "Dr. Haddad", Initials: "OH", Role: care.RolePhysician}
	ana     = care.Person{ID: "ps_lee", Name: "Ana Lee", Shown: "Dr. Ana Lee", Short: "Dr. Lee", Initials: "AL", Role: care.RolePhysician}
	raman   = care.Person{ID: "ps_raman", Name: "Priya Raman", Shown: "Dr. Priya Raman", Short: "Dr. Raman", Initials: "PR", Role: care.RolePhysician}
	marisol = care.Person{ID: "ps_marisol", Name: "Marisol Vega", Shown: "Marisol Vega", Short: "Marisol", Initials: "MV", Role: care.RoleMember}

	lee = care.Office{ID: "of_leeleeleeleelee2", Name: "Dr. Lee's office", Provider: "ps_lee"}
)

type sample struct {
	name, born, sex, mrn, subject, snippet string
	topic                                  care.Topic
	left                                   time.Duration
	flag, unread                           bool
	owner                                  care.Person
}

var samples = []sample{
	{"Aaliyah Brooks", "1997-05-02", "F", "66301182", "Rash after starting amoxicillin", "It started on my stomach this morning and it itches. No fever.", care.TopicAdvice, 2 * time.Hour, true, true, care.Person{}},
	{"Theodore Nakamura", "1955-01-30", "M", "22076614", "Swelling in both ankles again", "Since Tuesday my ankles are puffy by the evening and my shoes are tight.", care.TopicCarePlan, -3 * time.Hour, false, true, care.Person{}},
	{"Maximiliana Wojciechowska-Featherstone", "1943-02-11", "F", "10945527", "Renewal of apixaban 5 mg, metoprolol succinate 50 mg and furosemide", "My daughter is typing this for me. I have nine days left of the", care.TopicRenewal, 4 * time.Hour, false, true, care.Person{}},
	{"Dmitri Volkov", "1971-07-07", "M", "33189046", "What does “non-fasting glucose 118” mean?", "I saw the result in the portal and wonder if I should repeat it", care.TopicResult, 6 * time.Hour, false, false, priya},
	{"Grace Oyelaran", "1988-03-15", "F", "77452031", "Can my follow-up be by phone?", "I start a new job on Monday and cannot come before 5 pm.", care.TopicAppointment, 12 * time.Hour, false, true, care.Person{}},
	{"Nguyễn Thị Minh Anh", "1976-06-01", "F", "81294405", "Thyroid ultrasound report", "Cô y tá nói kết quả sẽ có hôm nay. The nurse said the report", care.TopicResult, 16 * time.Hour, false, false, care.Person{}},
	{"Marisol Vega", "1980-03-04", "F", "48210739", "Blood pressure readings after the new dose", "Thank you. The readings are better: 118/74 today. I only have the 20 mg", care.TopicCarePlan, 17 * time.Hour, false, false, rosa},
	{"Beatriz Albuquerque", "1984-09-09", "F", "27468839", "Flu shot while breastfeeding?", "Is it safe to get the flu shot and the covid booster on the same", care.TopicAdvice, 17 * time.Hour, false, false, care.Person{}},
	{"Samuel Okonkwo", "2007-01-20", "M", "99031268", "Sports clearance form", "Coach needs it before December 1. I attached both pages.", care.TopicOther, 17 * time.Hour, false, false, care.Person{}},
	{"Henrik Lindqvist", "1962-04-04", "M", "55827710", "Refill: levothyroxine 88 mcg", "Same pharmacy as always, thank you.", care.TopicRenewal, 18 * time.Hour, false, false, care.Person{}},
}

// newClinic is the practice as the pictures show it.
func newClinic(me care.Person) *clinic {
	c := &clinic{now: at(time.November, 20, 15, 55), me: me, drafts: map[string]view.Draft{}, held: map[string]view.Held{},
		sent: map[string]bool{}, wakes: map[chan seat.Change]bool{},
		sync: care.SyncState{Phase: care.SyncUpToDate, Checked: at(time.November, 20, 15, 55)}}
	for _, s := range samples {
		c.open(s)
	}
	c.pressure()
	return c
}

func (c *clinic) open(s sample) *view.Thread {
	t := &view.Thread{Row: view.Row{
		Thread: id(s.name), Part: id(s.name), Office: lee, Subject: care.Text(s.subject), Topic: s.topic, Snippet: care.Text(s.snippet),
		Patient: care.Patient{ID: care.PatientID("pt_" + s.mrn), Name: s.name, Born: s.born, Sex: s.sex, MRN: s.mrn, Language: "en"},
		At:      at(time.November, 20, 15, 42), Unread: s.unread, Flagged: s.flag, Open: true, Awaits: fold.Office,
		Due: at(time.November, 24, 15, 42), Left: s.left, State: view.StateDelivered, Owner: s.owner, Mine: s.owner.ID == c.me.ID && c.me.ID != "",
	}}
	writer := care.Person{Name: s.name, Shown: s.name}
	t.Items = []view.Item{{Kind: view.ItemMessage, ID: id("1" + s.name), By: writer, Member: true, At: t.At, Text: care.Text(s.snippet),
		State: view.StateDelivered, Received: t.At, Due: t.Due, Unread: s.unread}}
	c.threads = append(c.threads, t)
	return t
}

func (c *clinic) named(name string) *view.Thread {
	for _, t := range c.threads {
		if t.Patient.Name == name {
			return t
		}
	}
	panic("no thread of " + name)
}

func (c *clinic) pressure() {
	t := c.named("Marisol Vega")
	t.HasNotes = true
	t.Patient.Language, t.Patient.Pronouns, t.Patient.Phone = "es", "she/her", "555-010-0177"
	t.Absence = away()
	t.Items = []view.Item{
		{Kind: view.ItemMessage, ID: id("p1"), By: marisol, Member: true, At: at(time.November, 18, 8, 57), Received: at(time.November, 18, 8, 57), Due: at(time.November, 20, 8, 57),
			Text: "Hello Dr. Lee,\n\nSince we went up to 20 mg of lisinopril last week I feel light-headed when I stand up."},
		{Kind: view.ItemMessage, ID: id("p2"), By: rosa, Own: c.me.ID == rosa.ID, At: at(time.November, 19, 14, 26), State: view.StateDelivered, SeenAt: at(time.November, 19, 18, 10),
			Text: "Hi Marisol,\n\nThank you for writing down your readings. That helps a lot. Dr. Haddad, who is covering for Dr. Lee, looked at them today. He would like you to:\n\n- Go back to 10 mg of lisinopril once a day, starting tomorrow morning.\n- Take your blood pressure each morning, before the tablet.\n\nStand up slowly for the next few days. If you faint, or have chest pain or trouble breathing, call 911."},
		{Kind: view.ItemMessage, ID: id("p3"), By: marisol, Member: true, At: at(time.November, 20, 15, 42), Received: at(time.November, 20, 15, 42), Due: t.Due, Cover: haddad,
			Text: "Thank you. The readings are better: 118/74 today and 120/76 yesterday, and I am not dizzy any more.\n\nI only have the 20 mg tablets. Can I split them in half until the new ones come?"},
		{Kind: view.ItemNote, ID: id("p4"), By: haddad, At: at(time.November, 20, 15, 49),
			Text: "Fine to split: her 20 mg tablets are scored. New script for 10 mg sent to Alder Street Pharmacy. Please remind her to bring the cuff on Dec 2."},
	}
}

func away() *view.Absence {
	return &view.Absence{Person: ana, Until: "2026-11-29", Back: at(time.November, 30, 9, 0), Cover: haddad}
}

// ---- Home and Signed ----

func (c *clinic) Profiles(context.Context) ([]seat.Profile, error) {
	return []seat.Profile{{ID: "staff", Label: c.me.Name + " (nurse)"}}, nil
}
func (c *clinic) SignIn(context.Context, string, string) (seat.Signed, error) { return signed{c}, nil }

// RootFile is gone: it was taken away.
func (c *clinic) RootFile(string) ([]byte, error) {
	return nil, care.Refusef(care.NotFound, "The root key is not on this computer any more.")
}

func (c *clinic) OpenByKeychain(context.Context, string) (seat.Signed, error) {
	return nil, care.Refusef(care.Forbidden, "No.")
}

func (c *clinic) Tries(context.Context, string) (seat.Tries, error) { return seat.Tries{}, nil }
func (c *clinic) Recovers(context.Context, string) (seat.Profile, error) {
	return seat.Profile{}, care.Refusef(care.Invalid, "No.").In("code")
}
func (c *clinic) Recover(context.Context, string, string) (seat.Signed, seat.Profile, error) {
	return nil, seat.Profile{}, care.Refusef(care.Invalid, "No.").In("code")
}
func (c *clinic) Judge(string, string) seat.Strength { return seat.Strength{} }
func (c *clinic) Suggest() (string, error)           { return "", nil }

type signed struct{ *clinic }

func (s signed) ChangePassphrase(string, string) error { return nil }
func (s signed) NewCode(string) (string, error)        { return "", nil }
func (s signed) HasCode() (bool, error)                { return false, nil }

func (s signed) Keychain(context.Context) (seat.Keychain, error) { return seat.Keychain{}, nil }
func (s signed) SetKeychain(context.Context, bool, string) error { return nil }
func (s signed) Notices(context.Context) (seat.Notices, error)   { return seat.Notices{}, nil }
func (s signed) ChooseNotices(context.Context, bool) error       { return nil }

func (s signed) Me() care.Person                                { return s.me }
func (s signed) Patient() care.Patient                          { return care.Patient{} }
func (s signed) Own() care.PatientID                            { return "" }
func (s signed) WritesFor() []care.Patient                      { return nil }
func (s signed) For(care.PatientID) seat.Signed                 { return s }
func (s signed) Proxies() []care.Person                         { return nil }
func (c *clinic) Acting(context.Context) ([]view.Acting, error) { return nil, nil }

func (c *clinic) Confide(_ context.Context, part care.EventID) error {
	return c.change(func() error {
		t, err := c.find(part)
		if err == nil {
			t.Private, t.Confides = true, false
		}
		return err
	})
}

// emailed is a reply that came by ordinary e-mail.
func (c *clinic) emailed(t *view.Thread) {
	t.Items[1].Told, t.Items[1].SeenAt = &view.Told{At: at(time.November, 19, 14, 32), Who: marisol}, time.Time{}
	t.Items = append(t.Items, view.Item{Kind: view.ItemBridged, ID: id("mail"), By: marisol, Member: true, At: at(time.November, 20, 15, 50), Unread: true,
		Text: "One more thing: my sister drives me on Dec 2, so any time after ten is good.",
		Files: []view.File{{Name: "IMG_2041.png", Kind: "image/png", Size: int64(len(pictures[0])), Here: true},
			{Name: "Überweisung an das Labor.pdf", Kind: "application/pdf", Size: 1_250_000, Here: true}, {Name: "IMG_2042.jpg", Kind: "image/jpeg", Size: 3_400_000}},
		Mail: &view.Mail{From: "marisol.vega@example.org", Known: true, Proven: true, Cut: true,
			Left: []view.Left{{Name: "IMG_2043.mov", Why: "kind"}, {Name: "MRI.zip", Why: "large"}, {Name: "x", Why: "of tomorrow"}}}})
}

// overlarge is one that was too large to be read.
func (c *clinic) overlarge(t *view.Thread) {
	t.Items = append(t.Items, view.Item{Kind: view.ItemBridged, ID: id("huge mail"), By: marisol, Member: true, At: at(time.November, 20, 15, 58), Unread: true,
		Mail: &view.Mail{From: "marisol.vega@example.org", Known: true, Large: 18_400_000}})
}

func (c *clinic) Accept(_ context.Context, part, reply care.EventID) error {
	return c.judge(part, reply, func(i *view.Item) {
		i.Kind, i.TakenBy, i.Received = view.ItemMessage, c.me, c.now
	})
}

func (c *clinic) Decline(_ context.Context, part, reply care.EventID) error {
	return c.judge(part, reply, func(i *view.Item) { i.Mail.DeclinedBy = c.me })
}

func (c *clinic) judge(part, reply care.EventID, how func(*view.Item)) error {
	return c.change(func() error {
		t, err := c.find(part)
		if err != nil {
			return err
		}
		for i := range t.Items {
			if t.Items[i].ID == reply && t.Items[i].Kind == view.ItemBridged {
				how(&t.Items[i])
			}
		}
		return nil
	})
}

func (s signed) Practice() care.Practice {
	if s.office != nil {
		return s.office.Practice()
	}
	return care.Practice{Name: "Alder Creek Clinic", NurseLine: "555-010-0140", FrontDesk: "555-010-0100", Calendar: care.Calendar{Zone: zone.String()}}
}
func (s signed) Views() seat.Views { return s.clinic }
func (s signed) Desk() seat.Desk   { return s.clinic }
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
func (s signed) SyncNow()                             {}
func (s signed) Waiting(context.Context) (int, error) { return 0, nil }
func (s signed) Admin() seat.Admin {
	if s.office == nil {
		return nil
	}
	return s.office
}
func (s signed) Printed() {}
func (s signed) Audit() seat.Audit {
	if s.me.Role != care.RoleAdministrator {
		return nil
	}
	return &s.audit
}
func (s signed) Close() error { return nil }
func (s signed) Wake() (<-chan seat.Change, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := make(chan seat.Change, 64)
	s.wakes[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.wakes, ch)
	}
}

// change runs f under the lock and tells the screens, as a commit does.
func (c *clinic) change(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	err := f()
	if err == nil {
		for ch := range c.wakes {
			ch <- seat.Change{Texts: true}
		}
	}
	return err
}

// ---- views ----

func (c *clinic) in(queue string, t *view.Thread) bool {
	office := t.Open && t.Awaits == fold.Office
	switch queue {
	case "unassigned":
		return office && t.Owner.ID == ""
	case "mine":
		return office && t.Mine
	case "member":
		return t.Open && t.Awaits == fold.Member
	case "urgent":
		return t.Open && t.Flagged
	case "overdue":
		return office && t.Left < 0
	case "unreached":
		return t.Unseen || t.State == view.StateFailed || t.State == view.StateReview
	case "completed":
		return !t.Open
	}
	return t.Open && (queue == "all" || queue == string(t.Office.ID))
}

func (c *clinic) count(queue string) (n int) {
	for _, t := range c.threads {
		if c.in(queue, t) {
			n++
		}
	}
	return n
}

func (c *clinic) Queues(context.Context) (queues, offices []view.Queue, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range [][2]string{{"unassigned", "Unassigned"}, {"mine", "Assigned to me"}, {"member", "Awaiting member"},
		{"urgent", "Urgent flags"}, {"overdue", "Overdue"}, {"unreached", "Not reached"}, {"completed", "Completed"}} {
		queues = append(queues, view.Queue{ID: q[0], Name: q[1], Count: c.count(q[0]), Hot: q[0] == "urgent" || q[0] == "overdue" || q[0] == "unreached"})
	}
	if c.unbound {
		return queues, nil, nil
	}
	offices = []view.Queue{{ID: string(lee.ID), Name: lee.Name, Count: c.count(string(lee.ID)), Provider: ana, Absence: away()},
		{ID: "of_haddadhaddad222", Name: "Dr. Haddad's office", Provider: haddad}, {ID: "of_ramanramanrama2", Name: "Dr. Raman's office", Provider: raman}}
	return queues, offices, nil
}

// slow makes lists wait at a gate, every one or those that are named; nil: none.
func (c *clinic) slow(gate chan struct{}, only ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate, c.gated = gate, only
}

func (c *clinic) Queue(ctx context.Context, queue, search string) (view.Queue, []view.Row, error) {
	c.mu.Lock()
	gate, gated := c.gate, c.gated
	c.mu.Unlock()
	if gate != nil && (len(gated) == 0 || slices.Contains(gated, queue)) {
		<-gate
	}
	queues, offices, err := c.Queues(ctx)
	if err != nil {
		return view.Queue{}, nil, err
	}
	all := append(queues, offices...)
	i := slices.IndexFunc(all, func(q view.Queue) bool { return q.ID == queue })
	if i < 0 {
		return view.Queue{}, nil, care.Refusef(care.NotFound, "There is no such list.")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	search = strings.ToLower(strings.TrimSpace(search))
	limit := view.MaxRows
	if search != "" {
		limit = view.MaxFound
	}
	var rows []view.Row
	for _, t := range c.threads { // a search looks in all of them, whatever the queue
		if search == "" && c.in(queue, t) || search != "" && strings.Contains(strings.ToLower(string(t.Subject)+t.Patient.Name), search) {
			rows = append(rows, t.Row)
		}
	}
	return all[i], rows[:min(len(rows), limit)], nil
}

func (c *clinic) find(part care.EventID) (*view.Thread, error) {
	for _, t := range c.threads {
		if t.Part == part {
			return t, nil
		}
	}
	return nil, care.Refusef(care.NotFound, "This conversation is not on this computer.")
}

func (c *clinic) Thread(_ context.Context, part care.EventID) (view.Thread, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.find(part)
	if err != nil {
		return view.Thread{}, err
	}
	out := *t
	out.Items = slices.Clone(t.Items) // the clinic goes on changing its own while a page is drawn
	out.Drafts = map[string]view.Draft{}
	for _, d := range c.drafts {
		if d.Part == part {
			out.Drafts[d.What] = d
		}
	}
	for _, draft := range slices.Sorted(maps.Keys(c.held)) {
		if h := c.held[draft]; h.Part == part {
			out.Held = append(out.Held, h)
		}
	}
	slices.SortFunc(out.Held, func(a, b view.Held) int { return strings.Compare(a.Draft, b.Draft) })
	return out, nil
}

func (c *clinic) Panel(_ context.Context, patient care.PatientID) (view.Panel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.threads {
		if t.Patient.ID == patient {
			return view.Panel{Patient: t.Patient, PCP: ana, Notices: c.notices,
				Visits: []view.PanelVisit{
					{Visit: care.Visit{Date: "2026-11-11", What: "Office visit, Dr. Lee", Why: "Hypertension"}},
					{Visit: care.Visit{Date: "2026-10-06", What: "Cardiology, Dr. Raman", Why: "New patient"}},
					{Visit: care.Visit{Date: "2026-09-22", What: "Dermatology, Dr. Brandt-Oyelaran"}}},
				Others: []view.Link{
					{Part: id("treadmill"), Subject: "Treadmill test on December 8", Office: care.Office{Name: "Dr. Raman's office"}, Provider: raman, Open: true, Due: at(time.November, 24, 9, 0)},
					{Part: id("refill"), Subject: "Refill: atorvastatin 20 mg", Office: lee, Provider: ana, At: at(time.November, 12, 10, 0)}}}, nil
		}
	}
	return view.Panel{}, care.Refusef(care.NotFound, "There is no such patient here.")
}

func (c *clinic) Colleagues(context.Context, care.OfficeID) ([]view.Colleague, error) {
	return []view.Colleague{{Person: rosa, Me: c.me.ID == rosa.ID}, {Person: priya, Me: c.me.ID == priya.ID}, {Person: haddad}, {Person: ana, Absence: away()}}, nil
}

// File is what came with the e-mail: a picture, and a page that calls itself one.
func (c *clinic) File(_ context.Context, part, item care.EventID, n int) (view.Content, error) {
	t, err := c.Thread(context.Background(), part)
	if err != nil {
		return view.Content{}, err
	}
	for _, i := range t.Items {
		if i.ID == item && n >= 0 && n < len(i.Files) {
			return view.Content{File: i.Files[n], Bytes: pictures[n]}, nil
		}
	}
	return view.Content{}, care.Refusef(care.NotFound, "There is no such file in this conversation.")
}

func (c *clinic) Center(context.Context, string, string) ([]view.Row, error) { return nil, nil }
func (c *clinic) HeldText(context.Context, string) (view.Held, error)        { return view.Held{}, nil }
func (c *clinic) Recipients(context.Context) ([]view.Recipient, error)       { return nil, nil }
func (c *clinic) Draft(_ context.Context, id string) (view.Draft, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.drafts[id]
	if !ok {
		return d, care.Refusef(care.NotFound, "This draft is not on this computer.")
	}
	return d, nil
}
func (c *clinic) Became(_ context.Context, draft string) (seat.Sending, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent[draft] || c.held[draft].Draft != "" {
		return seat.Sending{Draft: draft}, nil
	}
	return seat.Sending{}, care.Refusef(care.NotFound, "This text was not sent.")
}
func (c *clinic) SendMessage(context.Context, string) (s seat.Sending, e error) { return s, e }

// ---- desk ----

func (c *clinic) SaveDraft(_ context.Context, d view.Draft) (view.Draft, error) {
	return d, c.change(func() error {
		if c.sent[d.ID] || c.held[d.ID].Draft != "" {
			return care.Refusef(care.Conflict, "This text was already sent.")
		}
		d.Saved = c.now
		c.drafts[d.ID] = d
		return nil
	})
}

func (c *clinic) DeleteDraft(_ context.Context, id string) error {
	return c.change(func() error { delete(c.drafts, id); return nil })
}

func (c *clinic) SendReply(_ context.Context, id string) (seat.Sending, error) {
	return c.hold(id, "reply", "Write your reply.")
}

func (c *clinic) Complete(_ context.Context, id string) (seat.Sending, error) {
	return c.hold(id, "completion", "Write a closing line: the member reads it as the last message.")
}

func (c *clinic) hold(id, what, empty string) (seat.Sending, error) {
	return seat.Sending{Draft: id}, c.change(func() error {
		if c.sent[id] || c.held[id].Draft != "" {
			return nil
		}
		d := c.drafts[id]
		if strings.TrimSpace(string(d.Text)) == "" {
			return care.Refusef(care.Invalid, "%s", empty).In("text")
		}
		c.sends++
		c.held[id] = view.Held{Draft: id, What: what, Part: d.Part, Text: d.Text, State: view.StateHeld}
		delete(c.drafts, id)
		return nil
	})
}

func (c *clinic) SendNow(_ context.Context, draft string) error {
	return c.change(func() error {
		h, ok := c.held[draft]
		if !ok {
			return nil
		}
		delete(c.held, draft)
		c.sent[draft] = true
		t, err := c.find(h.Part)
		if err != nil {
			return err
		}
		item := view.Item{Kind: view.ItemMessage, ID: id("sent" + draft), By: c.me, Own: true, At: c.now, Text: h.Text, State: view.StateHanded}
		if h.What == "completion" {
			item.Kind, t.Open = view.ItemComplete, false
		}
		t.Items, t.Awaits = append(t.Items, item), fold.Member
		if !t.Open {
			t.Completed = &item
		}
		return nil
	})
}

func (c *clinic) TakeBack(_ context.Context, draft string) (view.Draft, error) {
	var d view.Draft
	return d, c.change(func() error {
		h, ok := c.held[draft]
		if !ok {
			return care.Refusef(care.Conflict, "It is already on its way.")
		}
		delete(c.held, draft)
		d = view.Draft{ID: draft, What: map[string]string{"reply": "reply", "completion": "closing"}[h.What], Part: h.Part, Text: h.Text, Saved: c.now}
		c.drafts[draft] = d
		return nil
	})
}

func (c *clinic) Discard(_ context.Context, draft string) error {
	return c.change(func() error { delete(c.held, draft); return nil })
}

func (c *clinic) on(part care.EventID, f func(*view.Thread) error) error {
	return c.change(func() error {
		t, err := c.find(part)
		if err != nil {
			return err
		}
		return f(t)
	})
}

func (c *clinic) MarkRead(_ context.Context, part care.EventID, shown ...care.EventID) error {
	return c.on(part, func(t *view.Thread) error {
		c.reads++
		for i, it := range t.Items {
			t.Items[i].Unread = it.Unread && !slices.Contains(shown, it.ID)
		}
		t.Unread = len(t.News()) > 0
		return nil
	})
}

func (c *clinic) Claim(ctx context.Context, part care.EventID) error {
	return c.Assign(ctx, part, c.me.ID)
}
func (c *clinic) Unclaim(ctx context.Context, part care.EventID) error {
	return c.Assign(ctx, part, "")
}
func (c *clinic) Assign(_ context.Context, part care.EventID, who care.PersonID) error {
	return c.on(part, func(t *view.Thread) error {
		people := map[care.PersonID]care.Person{rosa.ID: rosa, priya.ID: priya, haddad.ID: haddad}
		if who == ana.ID {
			return care.Refusef(care.Invalid, "Dr. Ana Lee is out of office. Choose somebody else.").In("who")
		}
		t.Owner, t.Mine = people[who], who == c.me.ID
		return nil
	})
}

func (c *clinic) Flag(_ context.Context, part care.EventID, on bool, reason care.Text) error {
	return c.on(part, func(t *view.Thread) error { t.Flagged, t.FlagReason = on, reason; return nil })
}

func (c *clinic) SaveNote(_ context.Context, draft string) error {
	return c.change(func() error {
		d, ok := c.drafts[draft]
		if !ok {
			return nil
		}
		if strings.TrimSpace(string(d.Text)) == "" {
			return care.Refusef(care.Invalid, "Write the note.").In("text")
		}
		t, err := c.find(d.Part)
		if err != nil {
			return err
		}
		t.Items = append(t.Items, view.Item{Kind: view.ItemNote, ID: id("note" + draft), By: c.me, Own: true, At: c.now, Text: d.Text})
		c.sent[draft] = true
		delete(c.drafts, draft)
		return nil
	})
}

func (c *clinic) Copied(context.Context, care.EventID) error { return nil }

func (c *clinic) Resend(_ context.Context, part care.EventID) error {
	return c.change(func() error {
		t, err := c.find(part)
		if err != nil {
			return err
		}
		again := 0
		for i := range t.Items {
			if t.Items[i].State == view.StateFailed {
				t.Items[i].State, t.Items[i].Why, again = view.StateWaiting, "", again+1
			}
		}
		if again == 0 {
			return care.Refusef(care.NotFound, "Nothing here waits to be sent again.")
		}
		return nil
	})
}
func (c *clinic) Reopen(_ context.Context, part care.EventID) error {
	return c.on(part, func(t *view.Thread) error { t.Open, t.Completed = true, nil; return nil })
}

// completes is a colleague completing a conversation.
func (c *clinic) completes(name string) {
	t := c.named(name)
	err := c.change(func() error {
		done := view.Item{Kind: view.ItemComplete, ID: id("done" + name), By: priya, At: c.now, Text: "All well."}
		t.Items, t.Open, t.Completed = append(t.Items, done), false, &done
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// written are the texts of all drafts.
func (c *clinic) written() (texts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.drafts {
		texts = append(texts, string(d.Text))
	}
	return texts
}

// writes is the member writing again.
func (c *clinic) writes(name string, text care.Text) {
	t := c.named(name)
	err := c.change(func() error {
		t.Items = append(t.Items, view.Item{Kind: view.ItemMessage, ID: id(string(text)), By: care.Person{Name: name, Shown: name}, Member: true,
			At: c.now, Received: c.now, Text: text, Unread: true})
		t.Unread, t.Awaits = true, fold.Office
		return nil
	})
	if err != nil {
		panic(err)
	}
}
