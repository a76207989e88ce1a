package replica

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/post/fetch"
)

// BenchmarkTakeIn is 10,000 sealed events of about 3 KB from memory into an empty replica, in batches of 500: what of a first
// sync is neither the network nor the mail system.
func BenchmarkTakeIn(b *testing.B) {
	const n = 10_000
	w := newTown(b)
	box := w.offices[0].Mailbox
	docs := w.letters(box, contents(w.published(box))...)
	letters := w.mailbox(n)
	var opening, storing time.Duration
	for b.Loop() {
		b.StopTimer()
		_, sources := w.replica()
		src := sources[box]
		must(b, takesIn(b.Context(), src, slices.Clone(docs)))
		b.StartTimer()
		for some := range slices.Chunk(slices.Clone(letters), 500) {
			start := time.Now()
			batch, err := src.Open(b.Context(), some)
			must(b, err)
			opening += time.Since(start)
			start = time.Now()
			must(b, batch.Store(b.Context()))
			storing += time.Since(start)
		}
	}
	b.ReportMetric(float64(opening.Microseconds())/float64(b.N*n), "open-us/event")
	b.ReportMetric(float64(storing.Microseconds())/float64(b.N*n), "store-us/event")
}

// mailbox is n sealed events in conversations of five, newest first as they are fetched.
func (w *town) mailbox(n int) []fetch.Letter {
	w.t.Helper()
	text := strings.Repeat("The readings are better today than yesterday, and I am not dizzy any more. ", 15)
	o := w.offices[0]
	to := []care.MailboxID{o.Mailbox, w.marisol.Patient.Mailbox}
	var all []fetch.Letter
	var thread care.ThreadID
	var after []care.EventID
	for i := range n {
		e := event.Event{Practice: w.member.Practice, Kind: event.Sent, Thread: thread, After: after, As: w.marisol.Person.ID,
			For: w.marisol.Patient.ID, At: time.Now(), To: to, Dir: 1, Body: event.SentBody{Text: care.Text(fmt.Sprint(i, " ", text))}}
		if i%5 == 0 {
			e.Kind, e.Thread, e.After = event.Opened, care.ThreadID{}, nil
			e.Body = event.OpenedBody{Office: o.ID, Subject: care.Text(fmt.Sprint("Question ", i)), Readers: to[1:]}
		}
		c := w.signs(e)
		id := event.IDOf(c.Bytes)
		if i%5 == 0 {
			thread = id
		}
		after = []care.EventID{id}
		all = append(all, w.letters(o.Mailbox, c)...)
	}
	slices.Reverse(all)
	return all
}
