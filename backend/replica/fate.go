package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"postern/backend/care"
	"postern/backend/post/letter"
	"postern/backend/post/submit"
)

// Fate is what became of a letter that was submitted.
type Fate string

// The fates.
const (
	Handed  Fate = "handed"  // the mail system said that it has it
	Refused Fate = "refused" // for good
	PutOff  Fate = "put off" // the mail system did not take it now
	Unknown Fate = "unknown" // the connection broke: whether it was taken is not known. It is sent again; the same event twice is one
)

// fateOf is what the end of a submission says of the letter, with the mail system's words where it gave any.
func fateOf(err error) (fate Fate, words string) {
	var refused *submit.Refused
	switch {
	case err == nil:
		return Handed, ""
	case !errors.As(err, &refused):
		return Unknown, "the connection broke"
	case refused.Permanent:
		return Refused, refused.Error()
	}
	return PutOff, refused.Error()
}

func broke(err error) error {
	return care.Because(care.Unavailable, fmt.Errorf("submit letter: %w", err),
		"The connection to the mail system broke. Nothing was lost: Postern sends again by itself.")
}

func written(from, to string, at time.Time, sealed []byte) ([]byte, error) {
	return letter.Write(letter.Header{From: from, To: to, Date: at, Domain: letter.Domain(from)}, sealed)
}

// pause is how long to leave the mail system alone after so many tries in a row that broke off, the last for this reason.
func pause(tries int, err error) time.Duration {
	if care.KindOf(err) == care.Forbidden { // a server that is asked again and again locks the whole clinic out
		return max(backoff(tries), time.Minute)
	}
	return backoff(tries)
}

// rest keeps from trying again for a while: what is typed meanwhile does not end it, but a person who asks does, and so
// does a mailbox that can be reached again.
func rest(ctx context.Context, again <-chan struct{}, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-again:
	case <-t.C:
	}
}

// longest is the longest pause between two tries, but for its jitter.
const longest = 5 * time.Minute

// backoff grows from one second to five minutes, with jitter so that workstations do not knock together.
func backoff(try int) time.Duration {
	d := min(longest, time.Second<<min(try-1, 9))
	return d/2 + rand.N(d)
}
