package replica

import (
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/outbox"
)

// TestOfAuthor: what is not in the author's own mailbox is sent again to all mailboxes, with what went just before the first of it; not
// what is there, what somebody put away long ago, or what was only put back for others.
func TestOfAuthor(t *testing.T) {
	const own, theirs = care.MailboxID("mb_own"), care.MailboxID("mb_theirs")
	now := time.Now()
	ages := []time.Duration{40 * 24 * time.Hour, 2 * time.Hour, time.Hour + 5*time.Minute, time.Hour, time.Minute}
	var taken []outbox.Letter
	for e, age := range ages {
		for _, box := range []care.MailboxID{own, theirs} {
			taken = append(taken, outbox.Letter{Event: care.EventID{byte(e)}, Mailbox: box, Added: now.Add(-age)})
		}
	}
	taken = append(taken, outbox.Letter{Event: care.EventID{9}, Mailbox: own}) // put back: of no age
	sent := func(there ...byte) (out []byte) {
		has := map[care.EventID]bool{}
		for _, e := range there {
			has[care.EventID{e}] = true
		}
		for _, l := range ofAuthor(slices.Clone(taken), own, has, now) {
			out = append(out, l.Event[0])
		}
		return out
	}
	for _, c := range []struct{ there, want []byte }{
		{[]byte{1, 2, 4}, []byte{2, 2, 3, 3}},
		{[]byte{1, 2, 3}, []byte{4, 4}},
		{[]byte{2, 3, 4}, []byte{1, 1}},
		{[]byte{1, 2, 3, 4}, nil},
		{nil, []byte{1, 1, 2, 2, 3, 3, 4, 4}},
	} {
		if got := sent(c.there...); !slices.Equal(got, c.want) {
			t.Errorf("with %v there, the letters of %v are sent again, want %v", c.there, got, c.want)
		}
	}
}
