package stories

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/post/posttest"
	"postern/backend/record/view"
	"postern/backend/trust/seal"
)

// The clinic that BenchmarkClinic is of. CLINIC_MEMBERS and CLINIC_MESSAGES make it smaller or larger, CLINIC_MINUTES is what
// its hour is compressed to.
const (
	clinicOffices = 24
	clinicWindows = 100
	clinicWhole   = 4               // of these
	clinicSlice   = 1 * time.Minute // of the hour as it is
	clinicStay    = 3 * time.Minute // for which a member stays in front of the screen after the receipt
)

// BenchmarkClinic is the busiest hour of a clinic: 2,000 members write 5,000 messages to 24 offices with 100 staff windows, and
// one agent confirms them. It is measured three times: three minutes of that hour at its own pace; the whole hour compressed, with
// all that happens in it; and what goes through at the most.
//
// A receipt takes from the mail system's word that it has the office's copy of a message to the opened receipt at its member,
// who hears of it by IDLE. What is lost or doubled fails the benchmark; what is late does not.
func BenchmarkClinic(b *testing.B) { posttest.EachB(b, benchmarkClinic) }

func benchmarkClinic(b *testing.B, sys *posttest.System) {
	messages := number(b, "CLINIC_MESSAGES", 5000)
	minutes := number(b, "CLINIC_MINUTES", 10)
	ears(b)
	c := newClinic(b, sys, clinicOffices, clinicWindows, clinicWhole, number(b, "CLINIC_MEMBERS", 2000))
	c.opens()
	hour := float64(messages) / time.Hour.Seconds()
	times := 60 / float64(minutes)
	for _, part := range []struct {
		name string
		n    int
		rate float64
		stay time.Duration
	}{
		{"as-it-is", max(1, int(hour*clinicSlice.Seconds())), hour, clinicStay},
		{fmt.Sprintf("hour-in-%d-min", minutes), messages, hour * times, time.Duration(float64(clinicStay) / times)},
		{"at-most", max(1, messages/5), 0, 0},
	} {
		if _, own := sys.Gateway(); own && part.rate > 0 && os.Getenv("CLINIC_GATEWAY") == "" {
			continue // the clinic's size is for a mail system that is a program of its own
		}
		if !b.Run(part.name, func(b *testing.B) { c.measures(b, part.n, part.rate, part.stay) }) {
			return
		}
	}
	c.arrived()
	c.agent.stop()
	for _, p := range c.whole {
		p.off()
	}
	c.counts()
}

func number(b *testing.B, name string, otherwise int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		b.Fatalf("%s is no number: %q", name, text)
	}
	return n
}

// ears lets as many sessions wait for letters as there are: of Linux each user may have 128 by default, and the mail system's
// further ones hear of a letter half a minute late. docs/gateways.md says so to clinics.
func ears(b *testing.B) {
	const file, enough = "/proc/sys/fs/inotify/max_user_instances", 4096
	was, err := os.ReadFile(file)
	if err != nil {
		return // no Linux
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(was))); err != nil || n >= enough {
		return
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(enough)), 0o644); err != nil {
		b.Logf("fs.inotify.max_user_instances stays at %s: %v", strings.TrimSpace(string(was)), err)
		return
	}
	b.Cleanup(func() {
		if err := os.WriteFile(file, was, 0o644); err != nil {
			b.Error(err)
		}
	})
}

// opens starts the agent and all windows, and returns when everybody is in step.
func (c *clinic) opens() {
	c.b.Helper()
	c.agent.start()
	c.went()
	ctx, cancel := context.WithCancel(c.b.Context())
	var all sync.WaitGroup
	c.b.Cleanup(func() { cancel(); all.Wait() })
	for _, w := range c.light {
		all.Go(func() { _ = w.run(ctx) }) // it ends with its context alone
	}
	for _, p := range c.whole {
		p.on(true)
	}
	for _, w := range c.light {
		must(c.b, w.await(ctx, "first look of a window", c, func() bool { return !w.upToDate.IsZero() }))
	}
	for _, p := range c.whole {
		p.waitFor("the first look", func() bool { return p.p.Sync().Phase == care.SyncUpToDate })
	}
}

// measures lets n messages be written, so many a second at random moments, or without a rate sixteen at a time, and says what
// became of them.
func (c *clinic) measures(b *testing.B, n int, rate float64, stay time.Duration) {
	for b.Loop() {
		c.measure(b, n, rate, stay)
	}
}

// How many members are in at the same time: where there is no rate, and at most. Who comes when it is full waits at the door, or
// a computer that is too slow would do nothing any more but let people in.
const (
	atOnce = 16
	atMost = 500
)

func (c *clinic) measure(b *testing.B, n int, rate float64, stay time.Duration) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	before := map[care.EventID]bool{}
	c.mu.Lock()
	for id := range c.sent {
		before[id] = true
	}
	c.mu.Unlock()

	first := c.agent.look(b)
	stands := []stand{first}
	again, busy := c.again.Load(), cpuTime()
	start := time.Now()
	var visits, sittings sync.WaitGroup
	failed := make(chan error, n)
	room := make(chan struct{}, atMost)
	if rate == 0 {
		room = make(chan struct{}, atOnce)
	}
	full := 0
	c.went()
	random := rand.New(rand.NewPCG(uint64(n), 7))
	next := start
	for i := range n {
		m := c.members[(len(before)+i)%len(c.members)]
		if rate > 0 {
			next = next.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
			time.Sleep(time.Until(next)) // the hour's own pace
			if len(room) == atMost {
				full++
			}
		}
		room <- struct{}{}
		visits.Add(1)
		sittings.Add(1)
		go func() {
			defer visits.Done()
			if err := m.visit(ctx, words(i), stay, func() { <-room; sittings.Done() }); err != nil {
				failed <- err
			}
		}()
		if (i+1)*5%n < 5 && i+1 < n { // at each fifth
			stands = append(stands, c.agent.look(b))
		}
	}
	visits.Wait()
	took := time.Since(start)
	busy = cpuTime() - busy
	stands = append(stands, c.agent.look(b))
	cancel() // nobody stays any longer
	sittings.Wait()
	close(failed)
	for err := range failed {
		b.Errorf("a visit failed: %v", err)
	}

	var all []time.Duration
	lost, late := 0, 0
	c.mu.Lock()
	for id, s := range c.sent {
		switch {
		case before[id]:
		case s.received.IsZero():
			lost++
		default:
			d := max(0, s.received.Sub(s.accepted))
			if d > 5*time.Second {
				late++
			}
			all = append(all, d)
		}
	}
	c.mu.Unlock()
	if lost > 0 || len(all) != n {
		b.Fatalf("%d messages were written, %d have a receipt, %d have none", n, len(all), lost)
	}
	slices.Sort(all)
	at := func(hundredths int) float64 { return float64(all[min(n-1, n*hundredths/100)].Microseconds()) / 1000 }
	b.ReportMetric(at(50), "receipt-p50-ms")
	b.ReportMetric(at(99), "receipt-p99-ms")
	b.ReportMetric(at(100), "receipt-max-ms")
	b.ReportMetric(float64(late), "later-than-5s")
	b.ReportMetric(float64(full), "waited-at-the-door")
	b.ReportMetric(float64(n)/took.Seconds(), "receipts/s")
	b.ReportMetric(100*busy.Seconds()/took.Seconds()/float64(runtime.NumCPU()), "%-of-the-cores")
	b.ReportMetric(float64(c.again.Load()-again), "offered-again")
	last := stands[len(stands)-1]
	b.ReportMetric((last.CPU-first.CPU).Seconds()*1000/float64(n), "agent-cpu-ms/receipt")
	b.ReportMetric(stands[min(1, len(stands)-1)].Heap, "agent-heap-MB-at-20%")
	b.ReportMetric(last.Heap, "agent-heap-MB-at-100%")
	b.ReportMetric(last.RSS, "agent-rss-MB-at-100%")
	var heaps []string
	for _, s := range stands {
		heaps = append(heaps, fmt.Sprintf("%.1f of %.0f", s.Heap, s.RSS))
	}
	b.Logf("the agent's heap and memory in MB, at each fifth: %s", strings.Join(heaps, ", "))
}

// words is a message of some length.
func words(n int) string {
	return fmt.Sprintf("Number %d. ", n) + strings.Repeat("The readings are better today than yesterday, and I am not dizzy any more. ", 1+n%12)
}

// cpuTime is what all processes of this computer have computed; zero where it does not say.
func cpuTime() (busy time.Duration) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:] {
		if i == 3 || i == 4 || i > 7 { // idle, waiting for the disk, and guests, who are counted already
			continue
		}
		n, _ := strconv.ParseInt(field, 10, 64) // as the kernel writes it
		busy += time.Duration(n) * 10 * time.Millisecond
	}
	return busy
}

// arrived waits until every office's mailbox, and every whole window of it, has what it is to have.
func (c *clinic) arrived() {
	c.b.Helper()
	want := map[care.MailboxID]int{}
	threads := map[care.ThreadID]bool{}
	for _, s := range c.sent {
		want[s.by.office.Mailbox] += 2 // and its receipt
		if !threads[s.thread] {
			threads[s.thread] = true
			want[s.by.office.Mailbox]++ // and its opening
		}
	}
	for _, o := range c.offices {
		c.mail.Await(c.b, c.local(o.Mailbox), "INBOX", want[o.Mailbox])
	}
	for _, p := range c.whole {
		office := p.desk().Directory().OfficesOf(p.p.Me().ID)[0]
		n := 0
		for id := range threads {
			for _, s := range c.sent {
				if s.thread == id && s.by.office.ID == office.ID {
					n++
					break
				}
			}
		}
		p.waitFor("every conversation with its due time", func() bool {
			rows := p.rows()
			return len(rows) == n && !slices.ContainsFunc(rows, func(r view.Row) bool { return r.Due.IsZero() })
		})
	}
}

// counts folds what every office's mailbox holds, as a new replica would, and what the agent's own record has: each message
// is there once, with one receipt and one due time, and so it is with its member.
func (c *clinic) counts() {
	c.b.Helper()
	var secrets []seal.Secret
	for _, m := range secretsOf(c.b, c.agent.dir()).Mailboxes {
		s, err := seal.ParseSecret(m.Secret)
		must(c.b, err)
		secrets = append(secrets, s)
	}
	ring := seal.NewRing(secrets...)
	there := map[care.ThreadID][]*event.Event{}
	letters := map[care.EventID]int{}
	held := map[care.MailboxID]int{}
	for _, o := range c.offices {
		for _, m := range c.mail.Messages(c.b, c.local(o.Mailbox), "INBOX") {
			e, err := opened(ring, c.book, m.Raw)
			must(c.b, err)
			held[o.Mailbox]++
			if letters[e.ID]++; letters[e.ID] == 1 {
				t := e.Thread
				if e.Kind == event.Opened {
					t = e.ID
				}
				there[t] = append(there[t], e)
			}
		}
	}
	c.folds("the offices' mailboxes", there)
	for _, w := range c.light {
		n := held[w.office.Mailbox]
		must(c.b, w.await(c.b.Context(), fmt.Sprintf("%dth letter of %s", n, w.office.Name), c, func() bool { return len(w.has) >= n }))
		if len(w.has) > n {
			c.b.Errorf("%s: a window has %d letters of %d", w.office.Name, len(w.has), n)
		}
	}
	for id, n := range letters {
		if n != 1 {
			c.b.Errorf("%d letters of event %s are in an office's mailbox", n, id)
		}
	}
	for _, m := range c.members {
		for id, n := range m.letters {
			if n != 1 {
				c.b.Errorf("a member has %d letters of event %s", n, id)
			}
		}
		if twice, _ := m.receipts.twice(); twice > 0 {
			c.b.Errorf("a member has %d messages that somebody confirmed twice", twice)
		}
	}

	a := c.agent.person
	a.on(false)
	kept := map[care.ThreadID][]*event.Event{}
	must(c.b, a.desk().DB.Read(a.ctx(), func(tx *sql.Tx) error {
		all, err := a.desk().Journal.Threads(a.ctx(), tx)
		for _, t := range all {
			entries, err := a.desk().Journal.Thread(a.ctx(), tx, t)
			if err != nil {
				return err
			}
			for _, e := range entries {
				kept[t] = append(kept[t], e.Event)
			}
		}
		return err
	}))
	c.folds("the agent's record", kept)
	if n, err := a.p.Waiting(a.ctx()); err != nil || n > 0 {
		c.b.Errorf("%d letters of the agent wait: %v", n, err)
	}
	a.off()
}

// folds says what of the messages is lost or doubled in the fold of these events.
func (c *clinic) folds(where string, threads map[care.ThreadID][]*event.Event) {
	c.b.Helper()
	seen, given := map[care.EventID]int{}, receipts{}
	lost := 0
	for id, events := range threads {
		for _, e := range events {
			if b, is := e.Body.(event.ReceivedBody); is {
				given.note(b.Message, e.As)
			}
		}
		for _, p := range fold.Fold(events, c.book).Parts {
			if p.ID != id {
				c.b.Errorf("%s: a follow-up that nobody wrote", where)
			}
			for _, m := range p.Messages {
				if seen[m.ID]++; m.Receipt == nil || m.Receipt.Due.IsZero() {
					lost++
				}
			}
		}
	}
	doubled, others := given.twice()
	for id := range c.sent {
		switch {
		case seen[id] == 0 || len(given[id]) == 0:
			lost++
		case seen[id] > 1:
			doubled++
		}
	}
	if lost > 0 || doubled > 0 || len(seen) != len(c.sent) {
		c.b.Fatalf("%s: of %d messages %d are there, %d are lost or without a due time, %d are doubled", where, len(c.sent), len(seen), lost, doubled)
	}
	c.b.Logf("%s: %d messages in %d conversations, each once, with one due time; %d were confirmed by a window too, since the agent was a minute late",
		where, len(seen), len(threads), others)
}
