package care

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says, for code, what sort of refusal an error is.
type Kind string

// Kinds of refusal. The sentence beside a kind is for the person.
const (
	Invalid     Kind = "invalid"     // what was typed cannot be taken as it is
	NotFound    Kind = "notfound"    // there is no such thing here
	Forbidden   Kind = "forbidden"   // this person may not do that
	Conflict    Kind = "conflict"    // something else happened first
	Locked      Kind = "locked"      // nobody is signed in
	Paused      Kind = "paused"      // too many wrong tries: none is made for a while
	Gone        Kind = "gone"        // it was here, and its time is over
	Unfinished  Kind = "unfinished"  // it has begun and is not there yet
	Unavailable Kind = "unavailable" // the mail system cannot be reached now
	Full        Kind = "full"        // no room on this computer
	Corrupt     Kind = "corrupt"     // stored data does not hold together
	Internal    Kind = "internal"    // a defect of the program
)

// Error is a refusal: a kind for code, a sentence for the person, and the cause for the log.
type Error struct {
	Kind     Kind
	Sentence string
	Field    string // the form field it is about, if any
	Cause    error
}

// Error gives the sentence and, where it does not stand in it already, the cause.
func (e *Error) Error() string {
	if e.Cause == nil || strings.Contains(e.Sentence, e.Cause.Error()) {
		return e.Sentence
	}
	return e.Sentence + ": " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Refusef makes a refusal. A %w in the format keeps the cause for errors.Is; the sentence then holds its text too,
// so wrap only causes that a person may read, and use Because for the others.
func Refusef(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Sentence: err.Error(), Cause: errors.Unwrap(err)}
}

// Because makes a refusal whose cause is for the log only.
func Because(kind Kind, cause error, sentence string) *Error {
	return &Error{Kind: kind, Sentence: sentence, Cause: cause}
}

// In names the form field that the refusal is about.
func (e *Error) In(field string) *Error { e.Field = field; return e }

// KindOf is the kind of err, Internal for an error that is not a refusal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// SentenceOf is what a person is told of err. An error that is not a refusal gives nothing of itself away.
func SentenceOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Sentence
	}
	return "Something went wrong in Postern. What you typed is kept on this computer."
}
