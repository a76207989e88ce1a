package event

import (
	"bytes"
	"testing"
	"time"

	"postern/backend/care"
)

// A vouch that closes a withdrawal stands alone and is about no thread.
func TestClosing(t *testing.T) {
	closing := func(edit func(*Event, *VouchBody)) Event {
		e := example(Vouch)
		e.Thread, e.Part, e.After, e.For = care.ThreadID{}, care.EventID{}, nil, ""
		b := VouchBody{Key: key(2), Closed: morning}
		edit(&e, &b)
		e.Body = b
		return e
	}
	raw, err := Encode(closing(func(_ *Event, b *VouchBody) { b.Office = "of_aaaaaaaaaaaaaaaa" }))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "vouch_closed.json", raw)
	e, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if b := e.Body.(VouchBody); !b.Closed.Equal(normalInstant(morning)) || b.Key != key(2) || b.Office != "of_aaaaaaaaaaaaaaaa" || len(b.IDs) != 0 {
		t.Errorf("%+v", b)
	}
	if again, err := Encode(*e); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("%v\n%s", err, again)
	}
	for name, edit := range map[string]func(*Event, *VouchBody){
		"no key":        func(_ *Event, b *VouchBody) { b.Key = care.KeyID{} },
		"ids beside":    func(_ *Event, b *VouchBody) { b.IDs = []care.EventID{id(3)} },
		"events beside": func(_ *Event, b *VouchBody) { b.Events = []Signed{{Event: []byte("{}"), Signature: make([]byte, 64)}} },
		"in a thread":   func(e *Event, _ *VouchBody) { e.Thread = id(1) },
		"no office":     func(_ *Event, b *VouchBody) { b.Office = "of_" },
		"an office without": func(_ *Event, b *VouchBody) {
			b.Office, b.IDs, b.Closed = "of_aaaaaaaaaaaaaaaa", []care.EventID{id(3)}, time.Time{}
		},
	} {
		if _, err := Encode(closing(edit)); err == nil {
			t.Errorf("%s: it is written", name)
		}
	}
}
