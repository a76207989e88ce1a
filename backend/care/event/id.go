package event

import (
	"crypto/sha256"

	"postern/backend/care"
)

// The labels keep a hash or signature of one sort of thing from ever being taken for another's.
const (
	eventLabel    = "postern.event.v1\n"
	followUpLabel = "postern.followup.v1\n"
)

// SigningBytes is what the author of an event signs: the label and the event's bytes.
func SigningBytes(raw []byte) []byte {
	signed := make([]byte, 0, len(eventLabel)+len(raw))
	return append(append(signed, eventLabel...), raw...)
}

// IDOf is the id of an event with these bytes. It does not look into them.
func IDOf(raw []byte) care.EventID {
	h := sha256.New()
	h.Write([]byte(eventLabel))
	h.Write(raw)
	var id care.EventID
	h.Sum(id[:0])
	return id
}

// FollowUpID is the id of the follow-up that a member's message with this basis falls into when it crossed a
// completion of the given part: the thread itself, or, inside a follow-up, that follow-up. Messages that crossed the
// same completions with the same basis meet in one follow-up. The order and doubles of basis do not matter.
func FollowUpID(part care.ThreadID, basis []care.EventID) care.EventID {
	h := sha256.New()
	h.Write([]byte(followUpLabel))
	h.Write(part[:])
	for _, id := range care.SortEventIDs(append([]care.EventID(nil), basis...)) {
		h.Write(id[:])
	}
	var id care.EventID
	h.Sum(id[:0])
	return id
}
