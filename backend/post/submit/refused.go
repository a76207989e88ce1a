package submit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-smtp"

	"postern/backend/care"
	"postern/backend/post/dial"
)

// Refused is the server's answer to a letter that it did not take.
type Refused struct {
	Permanent bool   // trying again the same cannot help
	Code      int    // of SMTP
	Enhanced  string // "5.1.1", or empty
	Text      string // the server's words, on one line
	Host      string
}

// Error gives the server's words.
func (r *Refused) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text))
}

// Unwrap gives the refusal as the person is told of it, for care.SentenceOf.
func (r *Refused) Unwrap() error { return r.told() }

func (r *Refused) told() *care.Error {
	switch {
	case !r.Permanent:
		return care.Because(care.Unavailable, nil, fmt.Sprintf("The mail system at %s did not take the letter yet: it says \"%s\". %s Postern tries again by itself.",
			r.Host, r.Text, dial.Kept))
	case strings.HasPrefix(r.Enhanced, "5.1."):
		return care.Because(care.NotFound, nil, fmt.Sprintf("The mail system at %s does not know the mailbox that this was for. %s Call the front desk: they can say whether the account was moved.",
			r.Host, dial.Kept))
	case strings.HasPrefix(r.Enhanced, "5.2.2"):
		return care.Because(care.Full, nil, fmt.Sprintf("The mailbox that this was for is full. %s Call the front desk: somebody there needs to make room.", dial.Kept))
	case r.Code == 552 || strings.HasPrefix(r.Enhanced, "5.3.4"):
		return care.Because(care.Invalid, nil, fmt.Sprintf("This is more than the mail system at %s takes at once. %s Send it in smaller parts.", r.Host, dial.Kept))
	}
	return care.Because(care.Forbidden, nil, fmt.Sprintf("The mail system at %s refused the letter: it says \"%s\". %s Call the front desk and tell them what this says.",
		r.Host, r.Text, dial.Kept))
}

// step is where in a transaction the server answered.
type step int

const (
	atReset step = iota
	atMail
	atRcpt
	atData
)

// answer makes a *Refused of what the server said. Anything else, a broken connection for example, passes through.
func (s *Session) answer(at step, err error) error {
	var said *smtp.SMTPError
	if !errors.As(err, &said) {
		return err
	}
	r := &Refused{Code: said.Code, Text: firstLine(said.Message), Host: s.at.Host}
	if e := said.EnhancedCode; e[0] > 0 {
		r.Enhanced = fmt.Sprintf("%d.%d.%d", e[0], e[1], e[2])
	}
	r.Permanent = permanent(at, r.Code, r.Enhanced)
	return r
}

// permanent decides whether a refusal is for good. It is only where the server speaks of this letter or of its
// mailbox. A 5xx about the conversation or about us (a login that may not send now, a command out of place) would fail
// every letter in turn: those count as passing, and so does all that is not known.
func permanent(at step, code int, enhanced string) bool {
	class, detail, _ := strings.Cut(enhanced, ".")
	switch {
	case code < 500 || class != "" && class != "5":
		return false
	case at == atReset:
		return false
	case at == atMail:
		return code == 552 || detail == "3.4"
	case code >= 500 && code <= 504 || code == 521 || code >= 530 && code <= 538:
		return false
	}
	subject, _, _ := strings.Cut(detail, ".")
	switch subject {
	case "", "0", "1", "2", "6":
		return true
	case "7":
		// Before the letter's bytes are there, policy is about who sends: Postfix says there that a login may not use its
		// address, or may not relay.
		return at == atData
	case "3":
		return detail == "3.4"
	}
	return false // 5.4.x is the network, 5.5.x the protocol
}

// firstLine is what of a server's answer fits into a sentence.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return strings.TrimSpace(s)
}
