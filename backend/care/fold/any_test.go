package fold

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

// FuzzFold makes any set of events out of bytes, also sets that no hash allows: circles, bodies of the wrong kind, ids
// that name themselves. The fold takes them all, and order and doubles do not matter.
func FuzzFold(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x02\x09\x01\x00\x01\x03\x01\x01\x00\x00\x04\x0a\x01\x00\x02"), uint64(1))
	f.Add([]byte("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"), uint64(2))
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		events := anyEvents(raw)
		auth := everyone()
		auth[sam.key] = Standing{Verdict: Waiting, Withdrawn: true, Role: care.RoleAdministrator}
		want := Fold(events, auth)
		r := rand.New(rand.NewPCG(seed, 1))
		for range 3 {
			shuffled := append(slices.Clone(events), events[:r.IntN(len(events)+1)]...)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			got := Fold(shuffled, auth)
			if got.DumpOffice() != want.DumpOffice() || got.Dump() != want.Dump() {
				t.Fatalf("another order gives\n%s\nwas\n%s", got.DumpOffice(), want.DumpOffice())
			}
		}
		shown := map[care.EventID]bool{}
		for _, p := range want.Parts {
			for _, m := range p.Messages {
				if shown[m.ID] {
					t.Fatalf("message %s is shown twice", m.ID)
				}
				shown[m.ID] = true
			}
		}
	})
}

// anyEvents reads five bytes an event: its id, kind, author, what it names, where it stands.
func anyEvents(raw []byte) []*event.Event {
	named := func(b byte) care.EventID { return care.EventID{1 + b%16} }
	people := []person{maria, juan, rosa, lee, sam, admin, agent, newPerson("stranger", "", "")}
	var events []*event.Event
	taken := map[care.EventID]bool{}
	for i := 0; i+5 <= len(raw) && len(events) < 40; i += 5 {
		b := raw[i : i+5]
		id, a, c := named(b[0]), named(b[3]), named(b[3]>>4)
		if taken[id] {
			continue // an id has one content
		}
		taken[id] = true
		bodies := []any{
			event.OpenedBody{Readers: []care.MailboxID{mbMaria}}, event.SentBody{Basis: []care.EventID{a}}, event.SentBody{},
			event.ReceivedBody{Message: a, Due: monday.Add(time.Duration(b[3]))}, event.DueBody{Message: a, Over: c}, event.SeenBody{Message: a},
			event.OwnerBody{Who: rosa.id, Over: a}, event.FlagBody{On: true, Over: a}, event.ReadersBody{Over: a},
			event.CompletedBody{Covers: []care.EventID{a}}, event.CompletedBody{}, event.ReopenedBody{Undoes: []care.EventID{a, c}},
			event.FailedBody{Event: a, Mailbox: mbMaria}, event.VouchBody{Key: sam.key, IDs: []care.EventID{a, c}},
			event.NoticeBody{Message: a, Mailbox: mbMaria}, event.BridgedBody{Notice: a, Mail: c.String()}, event.AcceptedBody{Reply: a, Wrote: maria.id, Basis: []care.EventID{c}}, event.DeclinedBody{Reply: a},
			event.OverdueBody{Message: a, Told: []care.PersonID{rosa.id}},
			nil, "odd", &event.NoteBody{}, event.NoteBody{},
		}
		body := bodies[int(b[1])%len(bodies)]
		by := people[b[2]%8]
		e := &event.Event{
			ID: id, Practice: thePractice, Kind: "odd", Crit: b[1] > 250, Thread: care.EventID{1}, Author: by.key, As: by.id, For: thePatient,
			At: time.UnixMilli(int64(int8(b[4])) << (b[3] % 40)), To: []care.MailboxID{mbMaria, mbOffice}, Body: body,
		}
		if b[2]&8 != 0 {
			e.After = []care.EventID{a, c}
		}
		if b[2]&16 != 0 {
			e.To = e.To[1:]
		}
		switch b[4] % 4 {
		case 1:
			e.Part = a
		case 2:
			e.Part = event.FollowUpID(care.EventID{1}, nil)
		}
		if known := knownKind(body); known != "" {
			e.Kind = known
		}
		if e.Kind == event.Opened {
			e.ID, e.Thread = care.EventID{1}, care.EventID{1}
			if taken[e.ID] && id != e.ID {
				continue
			}
			taken[e.ID] = true
		}
		events = append(events, e)
	}
	return events
}

func knownKind(body any) event.Kind {
	switch body.(type) {
	case nil, string, *event.NoteBody:
		return ""
	}
	return event.KindOf(body)
}

// A thread of 30 events, as a busy one comes to.
func BenchmarkFold30(b *testing.B) {
	s, o := newStory(b)
	last := o
	for i := range 7 {
		m := s.says(maria, "It itches.", after(last))
		s.receives(agent, m, i)
		s.write(rosa, after(m), event.NoteBody{Text: "Called."})
		last = s.says(rosa, "Use the cream.", after(m))
	}
	s.completes(rosa, after(last), last)
	if len(s.all) != 30 {
		b.Fatal(len(s.all))
	}
	auth := everyone()
	b.ReportAllocs()
	for b.Loop() {
		Fold(s.all, auth)
	}
}
