package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"postern/backend/care"
)

// Kept says where the text is. It is true of every failure of the mail system: nothing leaves this computer's own
// records before the other side has taken it.
const Kept = "Nothing was lost: what you wrote is kept on this computer."

const (
	again    = "Postern tries again by itself."
	tell     = "all the clinic's front desk and tell them what this says."
	call     = "C" + tell
	thenCall = "c" + tell
)

// Explain turns an error of a connection into what the person is told: what happened, where the text is, what to do.
// A *care.Error passes through. The kind is Forbidden where a person must act before a connection can come about: trouble
// with a certificate or with TLS. Else it is Unavailable, since an unknown trouble counts as one that passes.
func Explain(e care.Endpoint, err error) error {
	if err == nil {
		return nil
	}
	var done *care.Error
	if errors.As(err, &done) {
		return done
	}
	kind := care.Forbidden
	what, do := untrusted(e, err)
	if what == "" {
		kind = care.Unavailable
		what, do = unreachable(e, err)
	}
	return care.Because(kind, err, what+" "+Kept+" "+do)
}

// untrusted words trouble with a certificate or with TLS; "" is another trouble.
func untrusted(e care.Endpoint, err error) (what, do string) {
	var (
		invalid   x509.CertificateInvalidError
		otherName x509.HostnameError
		unknown   x509.UnknownAuthorityError
		notTLS    tls.RecordHeaderError
		handshake *net.OpError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		// The library gives both ends of a certificate's time the same reason and says which in its detail.
		if strings.Contains(invalid.Detail, "is before") {
			return fmt.Sprintf("The certificate of the mail system at %s is good only from %s on.", e.Host, day(invalid.Cert.NotBefore)),
				"Check the date and the time of this computer; if they are right, " + thenCall
		}
		return fmt.Sprintf("The certificate of the mail system at %s expired on %s, so Postern does not trust it.", e.Host, day(invalid.Cert.NotAfter)),
			"Check the date of this computer; if it is right, " + thenCall + " They need to renew it."
	case errors.As(err, &otherName):
		return fmt.Sprintf("What answers at %s shows a certificate of another name, so Postern does not trust it.", e.Host),
			"On a network of a hotel or a café, sign in to that network first. Otherwise " + thenCall
	case errors.As(err, &unknown):
		return fmt.Sprintf("What answers at %s shows a certificate of an authority that this computer does not know, so Postern does not trust it.", e.Host),
			"On a network of a hotel or a café, sign in to that network first. Otherwise " + thenCall
	case errors.As(err, &invalid):
		return fmt.Sprintf("The certificate of the mail system at %s does not hold, so Postern does not trust it.", e.Host), call
	case errors.As(err, &notTLS):
		return fmt.Sprintf("The mail system at %s offers no secured connection on port %d.", e.Host, e.Port), call
	case errors.As(err, &handshake) && (handshake.Op == "remote error" || handshake.Op == "local error"): // a TLS alert
		return fmt.Sprintf("The mail system at %s and this computer found no way to secure their connection.", e.Host), call
	}
	return "", ""
}

// unreachable words all other trouble.
func unreachable(e care.Endpoint, err error) (what, do string) {
	var (
		dns        *net.DNSError
		waited     interface{ Timeout() bool }
		connection = "Check that this computer is connected to the network. " + again
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("There is no mail system by the name of %s.", e.Host),
			"Check that this computer is connected to the network; if other things work there, " + thenCall + " " + again
	case errors.As(err, &dns):
		return fmt.Sprintf("The name %s could not be looked up.", e.Host), connection
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("The mail system at %s does not answer on port %d: it refuses the connection.", e.Host, e.Port),
			"It may be stopped for a while. " + again
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return fmt.Sprintf("There is no way from here to the mail system at %s.", e.Host), connection
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &waited) && waited.Timeout():
		return fmt.Sprintf("The mail system at %s did not answer in time.", e.Host), connection
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("The connection to the mail system at %s broke off.", e.Host), again
	}
	return fmt.Sprintf("The mail system at %s cannot be used now.", e.Host), again
}

// NoTLS is the refusal for a server that does not offer STARTTLS where the settings ask for it.
func NoTLS(e care.Endpoint) error {
	return care.Because(care.Forbidden, errors.New("STARTTLS is not offered"),
		fmt.Sprintf("The mail system at %s offers no secured connection on port %d. %s %s", e.Host, e.Port, Kept, call))
}

// WrongPassword is the refusal for a login that the server does not take. Its kind is Forbidden: it does not pass by
// itself, a person must act.
func WrongPassword(e care.Endpoint, cause error) error {
	return care.Because(care.Forbidden, cause,
		fmt.Sprintf("The clinic's gateway refused the password. Postern could not sign in at %s; the password may have been changed. %s Call the clinic's front desk: this computer needs to be let in again.", e.Host, Kept))
}

// NoWayIn is the refusal for a server that offers no way to sign in that Postern knows and allows.
func NoWayIn(e care.Endpoint) error {
	return care.Because(care.Forbidden, errors.New("neither PLAIN nor LOGIN is offered"),
		fmt.Sprintf("The mail system at %s offers no way to sign in that Postern knows. %s %s", e.Host, Kept, call))
}

func day(t time.Time) string { return t.Local().Format("January 2, 2006") }
