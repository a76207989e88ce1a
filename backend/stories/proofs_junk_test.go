package stories

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/letter"
	"postern/backend/post/posttest"
	"postern/backend/record/journal"
	"postern/backend/trust/seal"
)

// junk puts letters of strangers into an office's INBOX. One in a hundred is sealed to the office's key, for the key is no secret:
// events of keys that nobody certified, bytes that are no event, a document that is none.
func (w *town) junk(office care.MailboxID, n int) {
	w.t.Helper()
	book, err := w.reg.Book()
	must(w.t, err)
	to, _ := book.Mailbox(office)
	random := rand.New(rand.NewPCG(1, 2))
	var some [][]byte
	for i := range n {
		plain := fmt.Appendf(nil, "From: <a%d@elsewhere.test>\r\nSubject: You have won\r\n\r\nClick here, number %d.\r\n", i, i)
		if i%100 == 0 {
			c := seal.Content{Type: seal.TypeEvent, Bytes: fmt.Appendf(nil, "no event %d", i), Signature: make([]byte, 64)}
			switch i / 100 % 3 {
			case 1:
				e := event.Event{Practice: book.Practice().ID, Kind: event.Opened, As: "pn_stranger", For: "pt_stranger", At: time.Now(), To: []care.MailboxID{office},
					Dir: book.Version(), Body: event.OpenedBody{Office: w.offices["Lee"].ID, Subject: care.Text(fmt.Sprint("Hello ", i)), Readers: []care.MailboxID{office}}}
				for k := range e.Author {
					e.Author[k] = byte(random.Uint32())
				}
				if raw, err := event.Encode(e); err == nil {
					c.Bytes = raw
				}
			case 2:
				c.Type = seal.TypeDocument
			}
			sealed, err := seal.Seal(to.Key, c)
			must(w.t, err)
			plain, err = letter.Write(letter.Header{From: "x@elsewhere.test", To: to.Address, Date: time.Now(), Domain: "elsewhere.test"}, sealed)
			must(w.t, err)
		}
		if some = append(some, plain); len(some) == 1000 || i == n-1 {
			w.mail.Append(w.t, w.local(office), "INBOX", time.Now(), some...)
			some = some[:0]
		}
	}
}

// junked is a nurse's computer that is switched on with so much junk waiting, between a message that came before it and one that is
// written as it begins to look at the junk. It says how long the one and the other took to be seen.
func junked(w *town, n int) (newest, oldest time.Duration) {
	w.t.Helper()
	marisol, rosa := w.at("marisol"), w.off("rosa", "")
	lee := w.offices["Lee"].Mailbox
	there := w.mail.Count(w.t, w.local(lee), "INBOX")
	marisol.writes("Lee", "Before the junk", "text")
	marisol.sends()
	w.mail.Await(w.t, w.local(lee), "INBOX", there+1)
	w.junk(lee, n)
	rosa.on(true)
	began := time.Now()
	rosa.waitFor("the beginning", func() bool { return rosa.p.Sync().Phase == care.SyncFetching && rosa.p.Sync().Total >= n })
	wrote := time.Now()
	marisol.writes("Lee", "Amid the junk", "text")
	marisol.sends()
	rosa.waitFor("the message amid it", func() bool { return hasRow(rosa.rows(), "Amid the junk") })
	newest = time.Since(wrote)
	rosa.waitFor("the message before it", func() bool { return hasRow(rosa.rows(), "Before the junk") })
	oldest = time.Since(began)
	rosa.waitFor("the end", func() bool { return rosa.p.Sync().Phase == care.SyncUpToDate })
	var aside []journal.Quarantined
	must(w.t, rosa.desk().DB.Read(rosa.ctx(), func(tx *sql.Tx) (err error) {
		aside, err = rosa.desk().Journal.Quarantined(rosa.ctx(), tx)
		return err
	}))
	if most := 10_000; len(aside) == 0 || len(aside) > most {
		w.t.Errorf("%d are in quarantine, of which there may be %d", len(aside), most)
	}
	if n := len(rosa.rows()); n != 2 {
		w.t.Errorf("%d conversations are in the list", n)
	}
	return newest, oldest
}

// TestProof37Junk: thousands of junk letters, some of them sealed to the office's key. Nothing crashes, quarantine stays within its
// bounds, and a real message is seen. The full number, 100,000, and the minute within which the newest has to be seen, is BenchmarkProof37Junk, which the gate does not run.
func TestProof37Junk(t *testing.T) { posttest.Each(t, testProof37Junk) }

func testProof37Junk(t *testing.T, sys *posttest.System) {
	n := 5_000
	if _, is := sys.Gateway(); is && !testing.Short() {
		n = 12_000 // more than quarantine holds
	}
	newest, oldest := junked(newTown(t, sys), n)
	t.Logf("with %d junk letters a message is seen after %s, one from before them after %s", n, newest, oldest)
}

// BenchmarkProof37Junk is TestProof37Junk in full.
func BenchmarkProof37Junk(b *testing.B) {
	for b.Loop() {
		newest, oldest := junked(newTown(b, posttest.New(b, posttest.Gateway)), 100_000)
		b.ReportMetric(newest.Seconds(), "s-newest")
		b.ReportMetric(oldest.Seconds(), "s-oldest")
		if newest > time.Minute {
			b.Errorf("a message is seen after %s", newest)
		}
	}
}
