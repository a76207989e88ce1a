package stories

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/record/recordtest"
	"postern/backend/trust/seal"
	"postern/backend/trust/vault"
)

// BenchmarkFirstSync fetches 10,000 and 50,000 sealed events of about 3 KB from a mail system into a new replica: opened, verified,
// journalled, folded and indexed; and beside it, in turn, mbsync of the same mailbox with FSync off, which stores the
// mail as it is.
func BenchmarkFirstSync(b *testing.B) {
	for _, n := range []int{10_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			posttest.EachB(b, func(b *testing.B, sys *posttest.System) { benchmarkFirstSync(b, sys, n) })
		})
	}
}

func benchmarkFirstSync(b *testing.B, sys *posttest.System, n int) {
	w := newTown(b, sys)
	marisol := w.at("marisol")
	office := w.offices["Lee"].Mailbox
	fill(b, w, marisol, office, n)
	for b.Loop() {
		ana := w.off("ana", fmt.Sprint(time.Now().UnixNano()))
		ana.on(false)
		start, before := time.Now(), recordtest.CPU()
		ana.pulls()
		ours, busy := time.Since(start), recordtest.CPU()-before
		if got := events(b, ana); got.all < n {
			b.Fatalf("%d events of %d are there", got.all, n)
		}
		login := ana.p.Replica().Logins[0]
		ana.off()
		theirs, mails := posttest.Mbsync(b, w.mail.Clear(login))
		if mails < n {
			b.Fatalf("mbsync has %d of %d", mails, n)
		}
		b.ReportMetric(float64(n)/ours.Seconds(), "events/s")
		b.ReportMetric(busy.Seconds()*1e6/float64(n), "cpu-us/event") // the embedded gateway's too
		b.ReportMetric(float64(n)/theirs.Seconds(), "mbsync-mails/s")
		b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times-mbsync")
	}
}

// fill puts n sealed events of one member's conversations into an office's mailbox.
func fill(b *testing.B, w *town, m *person, office care.MailboxID, n int) {
	b.Helper()
	book, err := w.reg.Book()
	must(b, err)
	to, _ := book.Mailbox(office)
	v, err := vault.Open(m.dir(), passphrase)
	must(b, err)
	defer v.Close()
	key := v.Secrets().Device
	text := strings.Repeat("The readings are better today than yesterday, and I am not dizzy any more. ", 15)
	batch := make([][]byte, 0, 500)
	var thread care.ThreadID
	var after []care.EventID
	for i := range n {
		e := event.Event{Practice: book.Practice().ID, Kind: event.Sent, Thread: thread, After: after,
			Author: seal.Fingerprint(key.Public().(ed25519.PublicKey)), As: m.p.Me().ID, For: m.desk().Patient, At: time.Now(),
			To: []care.MailboxID{office, m.desk().Mailbox}, Dir: book.Version(),
			Body: event.SentBody{Text: care.Text(fmt.Sprintf("%d %s", i, text))}}
		if i%5 == 0 {
			e.Kind, e.Thread, e.After = event.Opened, care.ThreadID{}, nil
			e.Body = event.OpenedBody{Office: w.offices["Lee"].ID, Subject: care.Text(fmt.Sprintf("Question %d", i)), Readers: []care.MailboxID{m.desk().Mailbox}}
		}
		raw, err := event.Encode(e)
		must(b, err)
		id := event.IDOf(raw)
		if i%5 == 0 {
			thread = id
		}
		after = []care.EventID{id}
		sealed, err := seal.Seal(to.Key, seal.Content{Type: seal.TypeEvent, Bytes: raw, Signature: seal.Sign(key, seal.LabelEvent, raw)})
		must(b, err)
		mail, err := letter.Write(letter.Header{From: "x@postern.test", To: to.Address, Date: time.Now(), Domain: "postern.test"}, sealed)
		must(b, err)
		if batch = append(batch, mail); len(batch) == cap(batch) || i == n-1 {
			w.mail.Append(b, w.local(office), "INBOX", time.Now(), batch...)
			batch = batch[:0]
		}
	}
}

// BenchmarkDelivery sends messages one at a time from a member's live replica and measures, for each, the time from the
// end of its hold to the moment at which the nurse's live replica has it as a screen would read it.
func BenchmarkDelivery(b *testing.B) { posttest.EachB(b, benchmarkDelivery) }

func benchmarkDelivery(b *testing.B, sys *posttest.System) {
	w := newTown(b, sys)
	marisol, ana := w.live("marisol"), w.live("ana")
	ana.waitFor("the first look", func() bool { return ana.p.Sync().Phase == care.SyncUpToDate })
	marisol.waitFor("the first look", func() bool { return marisol.p.Sync().Phase == care.SyncUpToDate })
	var took []time.Duration
	for b.Loop() {
		subject := fmt.Sprintf("Delivery %d", len(took))
		start := time.Now()
		marisol.writes("Lee", subject, "text")
		ana.waitFor(subject, func() bool { return hasRow(ana.rows(), subject) })
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[min(len(took)-1, len(took)*99/100)].Microseconds())/1000, "p99-ms")
}
