package stories

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/fetch"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/post/submit"
	"postern/backend/record/recordtest"
	"postern/backend/trust/directory"
	"postern/backend/trust/enrol"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// clinic is a practice of a real size. Its agent is a process of its own that runs a whole profile, and so is each of a few
// of its staff's windows, in this process. The other windows and the members are light: they sign in, fetch, seal and submit
// with Postern's own code and keys of their own, and keep no record.
type clinic struct {
	*town
	b       *testing.B
	book    *directory.Book
	offices []care.Office
	members []*member
	light   []*window // staff windows that fetch alone
	whole   []*person // and those that open and fold too
	agent   *agentProcess

	again atomic.Int64 // letters that had to be offered again
	last  atomic.Int64 // when somebody last got what they waited for

	mu   sync.Mutex
	sent map[care.EventID]*sentMessage
}

// sentMessage is a member's message, from its submission to its receipt.
type sentMessage struct {
	by       *member
	thread   care.ThreadID
	accepted time.Time // the mail system took the office's copy
	received time.Time // the receipt was opened in the member's mailbox
}

// newClinic makes the practice and enrols everybody; nothing runs yet.
func newClinic(b *testing.B, sys *posttest.System, offices, staff, whole, members int) *clinic {
	b.Helper()
	c := &clinic{b: b, sent: map[care.EventID]*sentMessage{},
		town: &town{t: b, dir: b.TempDir(), mail: sys, who: map[string]care.PersonID{}, people: map[string]*person{}}}
	reg, err := enrol.New(b.Context(), enrol.Options{Dir: filepath.Join(c.dir, "practice"), Passphrase: passphrase, Accounts: sys, Params: cheapVault}, care.Practice{
		Name: "Alder Creek Clinic", FrontDesk: "555-010-0100", NurseLine: "555-010-0140",
		Calendar: care.Calendar{Zone: "America/New_York", Preset: "us", Hours: week},
	})
	must(b, err)
	b.Cleanup(reg.Close)
	c.reg = reg
	for i := range offices {
		o, err := reg.AddOffice(b.Context(), care.Office{Name: fmt.Sprintf("Office %d", i+1), Specialty: "Medicine"})
		must(b, err)
		c.offices = append(c.offices, o)
	}
	agent := c.employ("agent", care.RoleAgent)
	var light []care.PersonID
	for i := range staff {
		office := c.offices[i%offices]
		p := c.employ(fmt.Sprintf("nurse-%d", i+1), care.RoleNurse, office.ID)
		if i < whole {
			must(b, makeQuietly(c.town, p))
			c.whole = append(c.whole, p)
			continue
		}
		light = append(light, c.who[p.name])
		c.light = append(c.light, &window{office: office})
	}
	devices, err := reg.NewDevices(b.Context(), light...)
	must(b, err)
	for i, s := range devices {
		c.light[i].mailbox = newMailbox(s.Logins[0])
	}
	must(b, makeQuietly(c.town, agent))
	c.enrolMembers(members)
	c.book, err = reg.Book()
	must(b, err)
	// Everything that is known of the practice is on every computer from the start: what is mailed of it is no part of the hour.
	for _, p := range append([]*person{agent}, c.whole...) {
		must(b, backend.Refresh(b.Context(), reg, p.dir(), c.who[p.name], passphrase))
	}
	c.agent = &agentProcess{b: b, person: agent}
	return c
}

func (c *clinic) employ(name string, role care.Role, offices ...care.OfficeID) *person {
	c.b.Helper()
	p, err := c.reg.AddPerson(c.b.Context(), care.Person{Name: name, Role: role}, offices)
	must(c.b, err)
	c.who[name] = p.ID
	return &person{t: c.b, name: name, town: c.town, data: filepath.Join(c.dir, "computer-"+name), clock: &c.clock}
}

// cheapVault costs little to open.
var cheapVault = vault.Params{Time: 1, Memory: 8 << 10, Threads: 1}

func secretsOf(b *testing.B, dir string) vault.Secrets {
	b.Helper()
	v, err := vault.Open(dir, passphrase)
	must(b, err)
	defer v.Close()
	return v.Secrets()
}

// enrolMembers takes members in, spread over the offices, each with a device of their own.
func (c *clinic) enrolMembers(n int) {
	c.b.Helper()
	all := make([]enrol.Newcomer, n)
	for i := range all {
		office := c.offices[i%len(c.offices)].ID
		all[i] = enrol.Newcomer{Patient: care.Patient{Name: fmt.Sprintf("Member %d", i+1), Born: "1980-03-04", Sex: "F", MRN: strconv.Itoa(100_000 + i), PCP: office},
			Relations: []care.Relation{{Office: office, Why: "primary"}}}
	}
	start := time.Now()
	must(c.b, c.reg.AddMembers(c.b.Context(), all))
	offices := map[care.OfficeID]care.Office{}
	for _, o := range c.offices {
		offices[o.ID] = o
	}
	patients := c.reg.Patients()
	who := make([]care.PersonID, len(patients))
	for i, p := range patients {
		who[i] = p.Person
	}
	made, err := c.reg.NewDevices(c.b.Context(), who...)
	must(c.b, err)
	c.b.Logf("%d members are enrolled after %.0f s", n, time.Since(start).Seconds())
	start = time.Now()
	_, err = c.reg.NewDevices(c.b.Context(), who[0])
	must(c.b, err)
	c.b.Logf("one more change to the practice takes %.1f s", time.Since(start).Seconds())
	for i, s := range made {
		own, err := seal.ParseSecret(s.Mailboxes[0].Secret)
		must(c.b, err)
		c.members = append(c.members, &member{clinic: c, person: who[i], patient: patients[i].Patient, office: offices[patients[i].Patient.PCP],
			key: s.Device, ring: seal.NewRing(own), mailbox: newMailbox(s.Logins[0])})
	}
}

// mailbox is a fetch.Sink that keeps nothing of the letters but where they lay.
type mailbox struct {
	login care.MailLogin
	take  func(fetch.Letter) // nil: nothing is done with a letter. In order, and once each

	mu       sync.Mutex
	has      map[[2]uint32]bool // of INBOX, by UIDVALIDITY and UID; nobody files elsewhere here
	upToDate time.Time
	trouble  error
	news     chan struct{} // something of the above has changed
}

func newMailbox(login care.MailLogin) *mailbox {
	return &mailbox{login: login, has: map[[2]uint32]bool{}, news: make(chan struct{}, 1)}
}

// Known is fetch.Sink's.
func (m *mailbox) Known(_ context.Context, folder string, validity, _ uint32) (func(uint32) bool, error) {
	return func(uid uint32) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return folder == "INBOX" && m.has[[2]uint32{validity, uid}]
	}, nil
}

// Open is fetch.Sink's: opening has its turn with storing.
func (m *mailbox) Open(_ context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	return taking{m, letters}, nil
}

type taking struct {
	*mailbox
	letters []fetch.Letter
}

func (t taking) Store(context.Context) error {
	for _, l := range t.letters {
		if t.take != nil {
			t.take(l)
		}
		t.mu.Lock()
		t.has[[2]uint32{l.Validity, l.UID}] = true
		t.mu.Unlock()
	}
	t.tell(func() {})
	return nil
}

func (m *mailbox) tell(change func()) {
	m.mu.Lock()
	change()
	m.mu.Unlock()
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// Progress is fetch.Sink's.
func (m *mailbox) Progress(int, int) {}

// UpToDate is fetch.Sink's.
func (m *mailbox) UpToDate(at time.Time) { m.tell(func() { m.upToDate = at }) }

// Problem is fetch.Sink's.
func (m *mailbox) Problem(err error) { m.tell(func() { m.trouble = err }) }

// await waits until something is so of the mailbox, for as long as anything goes on in the clinic.
func (m *mailbox) await(ctx context.Context, what string, c *clinic, yes func() bool) error {
	look := time.NewTicker(patience / 10)
	defer look.Stop()
	for {
		m.mu.Lock()
		is, trouble := yes(), m.trouble
		m.mu.Unlock()
		if is {
			c.went()
			return nil
		}
		select {
		case <-m.news:
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
			if quiet := time.Duration(time.Now().UnixNano() - c.last.Load()); quiet > patience {
				return fmt.Errorf("nothing went on for %s, and there was no %s; last trouble: %v", quiet.Round(time.Second), what, trouble)
			}
		}
	}
}

// patience is how long nothing may go on until what has not come counts as lost.
const patience = 2 * time.Minute

// went notes that something went on: somebody has what they waited for.
func (c *clinic) went() { c.last.Store(time.Now().UnixNano()) }

// window is a light staff window: one login's IMAP session that waits by IDLE and fetches its office's letters as they come.
type window struct {
	*mailbox
	office care.Office
}

func (w *window) run(ctx context.Context) error {
	return (&fetch.Fetcher{Login: w.login, Sink: w.mailbox}).Run(ctx)
}

// member is a light member. One visit at a time uses it.
type member struct {
	*clinic
	*mailbox
	person  care.PersonID
	patient care.Patient
	office  care.Office
	key     ed25519.PrivateKey
	ring    *seal.Ring

	visiting sync.Mutex
	thread   care.ThreadID
	heads    []care.EventID       // what the next message has seen
	letters  map[care.EventID]int // in the own mailbox
	receipts receipts
	err      error // of a letter that does not open, or does not count
}

// receipts are who confirmed each message: the agent, once. Where it needs more than a minute, a window does so too, and that is how
// it is meant; nobody does twice.
type receipts map[care.EventID][]care.PersonID

func (r receipts) note(message care.EventID, by care.PersonID) { r[message] = append(r[message], by) }

// twice counts the messages that somebody confirmed twice, and others those that more than one did.
func (r receipts) twice() (twice, others int) {
	for _, by := range r {
		by = slices.Clone(by)
		n := len(by)
		slices.Sort(by)
		if by = slices.Compact(by); len(by) < n {
			twice++
		}
		if len(by) > 1 {
			others++
		}
	}
	return twice, others
}

// visit is one sitting of a member: sign in, read what is there, write, wait for the receipt, and stay a while. It returns with
// the receipt; over is called when the member has gone.
func (m *member) visit(ctx context.Context, text string, stay time.Duration, over func()) error {
	m.visiting.Lock()
	online, leave := context.WithCancel(ctx)
	var gone sync.WaitGroup
	defer func() {
		go func() {
			if stay > 0 {
				t := time.NewTimer(stay)
				defer t.Stop()
				select {
				case <-t.C:
				case <-ctx.Done():
				}
			}
			leave()
			gone.Wait()
			m.visiting.Unlock()
			over()
		}()
	}()
	m.tell(func() { m.upToDate = time.Time{} })
	m.take = m.open
	gone.Go(func() { _ = (&fetch.Fetcher{Login: m.login, Sink: m.mailbox}).Run(online) }) // the sink hears of trouble
	if err := m.await(ctx, "first look", m.clinic, func() bool { return !m.upToDate.IsZero() }); err != nil {
		return err
	}
	id, err := m.writes(ctx, text)
	if err != nil {
		return err
	}
	if err := m.await(ctx, "receipt", m.clinic, func() bool { return len(m.receipts[id]) > 0 }); err != nil {
		return err
	}
	m.mailbox.mu.Lock()
	defer m.mailbox.mu.Unlock()
	return m.err
}

// writes submits a message as a member's Postern does: every event to the office and to the own mailbox, one letter each, over
// one connection.
func (m *member) writes(ctx context.Context, text string) (id care.EventID, err error) {
	to := []care.MailboxID{m.office.Mailbox, m.patient.Mailbox}
	e := event.Event{Practice: m.book.Practice().ID, Author: seal.Fingerprint(m.key.Public().(ed25519.PublicKey)), As: m.person, For: m.patient.ID,
		At: time.Now(), To: to, Dir: m.book.Version()}
	var all []event.Event
	m.mailbox.mu.Lock()
	thread, heads := m.thread, m.heads
	m.mailbox.mu.Unlock()
	if thread.IsZero() {
		o := e
		o.Kind, o.Body = event.Opened, event.OpenedBody{Office: m.office.ID, Subject: "A question", Readers: []care.MailboxID{m.patient.Mailbox}}
		all = append(all, o)
	}
	e.Kind, e.Body = event.Sent, event.SentBody{Text: care.Text(text)}
	out := &submission{member: m}
	defer out.close()
	for _, e := range append(all, e) {
		if e.Kind == event.Sent {
			e.Thread, e.After = thread, heads
		}
		raw, err := event.Encode(e)
		if err != nil {
			return id, err
		}
		id = event.IDOf(raw)
		if e.Kind == event.Opened {
			thread, heads = id, []care.EventID{id}
		}
		m.mailbox.mu.Lock()
		m.thread, m.heads = thread, []care.EventID{id}
		m.mailbox.mu.Unlock()
		for _, to := range to {
			var kept *sentMessage
			if e.Kind == event.Sent && to == m.office.Mailbox {
				kept = &sentMessage{by: m, thread: thread}
				m.clinic.mu.Lock()
				m.sent[id] = kept
				m.clinic.mu.Unlock()
			}
			if err := out.hands(ctx, to, raw); err != nil {
				return id, err
			}
			if kept != nil {
				m.clinic.mu.Lock()
				kept.accepted = time.Now()
				m.clinic.mu.Unlock()
			}
		}
	}
	return id, nil
}

// submission is a member's connection to the mail system while they write. What it does not take it is offered again.
type submission struct {
	*member
	s *submit.Session
}

func (o *submission) hands(ctx context.Context, to care.MailboxID, raw []byte) error {
	box, known := o.book.Mailbox(to)
	if !known {
		return fmt.Errorf("no mailbox %s", to)
	}
	sealed, err := seal.Seal(box.Key, seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: seal.Sign(o.key, seal.LabelEvent, raw)})
	if err != nil {
		return err
	}
	mail, err := letter.Write(letter.Header{From: o.login.Address, To: box.Address, Date: time.Now(), Domain: letter.Domain(o.login.Address)}, sealed)
	if err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		if o.s == nil {
			o.s, err = submit.Dial(ctx, o.login)
		}
		if err == nil {
			if err = o.s.Send(ctx, o.login.Address, box.Address, mail, letter.Envelope(sealed)); err == nil {
				return nil
			}
		}
		o.close()
		o.again.Add(1)
		if tries == 60 {
			return err
		}
		select { // as the outbox does
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *submission) close() {
	if o.s != nil {
		_ = o.s.Close() // each letter was answered
		o.s = nil
	}
}

// open takes a letter in as a member's Postern does: it is opened, its signature and its author are judged, and a receipt is noted.
func (m *member) open(l fetch.Letter) {
	e, err := opened(m.ring, m.book, l.Message)
	now := time.Now()
	m.mailbox.mu.Lock()
	defer m.mailbox.mu.Unlock()
	if err != nil {
		m.err = errors.Join(m.err, err)
		return
	}
	if m.letters == nil {
		m.letters, m.receipts = map[care.EventID]int{}, receipts{}
	}
	m.letters[e.ID]++
	b, is := e.Body.(event.ReceivedBody)
	if !is {
		return
	}
	m.receipts.note(b.Message, e.As)
	m.heads = []care.EventID{e.ID} // it names the message
	m.clinic.mu.Lock()
	defer m.clinic.mu.Unlock()
	if s := m.sent[b.Message]; s != nil && s.received.IsZero() {
		s.received = now
	}
}

// opened is the event in a letter, by an author who may write it.
func opened(ring *seal.Ring, book *directory.Book, mail []byte) (*event.Event, error) {
	sealed, err := letter.Read(mail)
	if err != nil {
		return nil, err
	}
	content, err := ring.Open(sealed)
	if err != nil {
		return nil, err
	}
	e, err := event.Decode(content.Bytes)
	if err != nil {
		return nil, err
	}
	if key, known := book.PublicKey(e.Author); !known || !seal.Verify(key, seal.LabelEvent, content.Bytes, content.Signature) {
		return nil, fmt.Errorf("event %s is not its author's", e.ID)
	}
	if s := fold.Judge(e, book); s.Verdict != fold.Accepted {
		return nil, fmt.Errorf("event %s does not count: %s", e.ID, s.Reason)
	}
	return e, nil
}

// agentProcess is the clinic's agent: this test binary again, which opens the agent's profile as `postern agent` does and runs all
// that it runs.
type agentProcess struct {
	b *testing.B
	*person
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// stand is how the agent's process stands.
type stand struct {
	Heap    float64 // MB that are in use after a garbage collection
	RSS     float64 // MB
	CPU     time.Duration
	Waiting int // letters that are still to be handed over
}

func (a *agentProcess) start() {
	a.b.Helper()
	order, err := json.Marshal(childOrder{Data: a.data, Name: a.name, Serve: true})
	must(a.b, err)
	a.cmd = exec.Command(os.Args[0])
	a.cmd.Env = append(os.Environ(), childEnv+"="+string(order))
	a.cmd.Stderr = os.Stderr
	a.in, err = a.cmd.StdinPipe()
	must(a.b, err)
	out, err := a.cmd.StdoutPipe()
	must(a.b, err)
	a.out = bufio.NewScanner(out)
	must(a.b, a.cmd.Start())
	a.b.Cleanup(func() { _ = a.in.Close(); _ = a.cmd.Wait() }) // it ended already, or the benchmark failed
	a.look(a.b)                                                // once every mailbox has been read
}

// look says how it stands now.
func (a *agentProcess) look(b *testing.B) (s stand) {
	b.Helper()
	_, err := fmt.Fprintln(a.in, "look")
	must(b, err)
	if !a.out.Scan() {
		b.Fatalf("the agent ended: %v", a.out.Err())
	}
	if err := json.Unmarshal(a.out.Bytes(), &s); err != nil {
		b.Fatalf("the agent says %q: %v", a.out.Bytes(), err)
	}
	return s
}

func (a *agentProcess) stop() {
	a.b.Helper()
	must(a.b, a.in.Close())
	must(a.b, a.cmd.Wait())
}

// serve runs a profile until the standard input ends, and says how it stands whenever a line comes there.
func serve(ctx context.Context, o childOrder) error {
	if file := os.Getenv("CLINIC_PROFILE"); file != "" { // where its CPU profile goes
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() { pprof.StopCPUProfile(); _ = f.Close() }() // it is read by who asked for it
	}
	b := backend.New(o.Data, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), nil)
	defer b.Close()
	p, err := b.SignIn(ctx, o.Name, passphrase)
	if err != nil {
		return err
	}
	changes, stop := p.Wake()
	for p.Sync().Phase != care.SyncUpToDate {
		<-changes
	}
	stop()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		n, err := p.Waiting(ctx)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(stand{float64(m.HeapAlloc) / 1e6, resident(), recordtest.CPU(), n}); err != nil {
			return err
		}
	}
	return nil
}

// resident is the memory of this process, in MB; zero where the system does not say.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64) // as the kernel writes it
			return kib * 1024 / 1e6
		}
	}
	return 0
}
