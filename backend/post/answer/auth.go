package answer

import (
	"bytes"
	"errors"
	"net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/publicsuffix"
)

// Outcome is what a check of a message's origin gave.
type Outcome string

// Outcomes.
const (
	Pass      Outcome = "pass"
	Fail      Outcome = "fail"
	None      Outcome = "none" // nothing to check, nobody who checked it, or no opinion
	Temporary Outcome = "temporary"
)

// Auth is what is known of a message's origin, recorded as it is.
type Auth struct {
	SPF, DKIM, DMARC Outcome  // as the trusted mail server found
	Own              Outcome  // our own check of the DKIM signatures: Pass if one of them is valid
	Signed           []string // the domains whose signatures we found valid
	Aligned          bool     // one of them is that of the only From address, or of the same organisation (RFC 7489, relaxed)
}

// Trust says whose Authentication-Results are believed. A sender can write such fields, too, and Received fields in the
// name of others; what stands above the Received fields of our own servers nobody else can have written.
type Trust struct {
	ID    string   // the authserv-id; empty: nobody is believed
	Hosts []string // how our servers call themselves in Received, if not by the ID or a name below it; one ending in ":" is a beginning
	Hops  int      // how many Received fields our servers write; 0 is one
	Below bool     // our border server writes its results under its own Received, and removes those that others wrote in its name
}

// Limits of our own check. They are far above what mail has, and bound what a library would do with more.
const (
	maxSignatures   = 8
	maxSignedHeader = 64 << 10
	maxSignedFields = 500
)

func authenticate(raw []byte, h header, from []mail.Address, known Known) Auth {
	a := Auth{SPF: None, DKIM: None, DMARC: None, Own: None}
	a.told(h, known.Trust)
	if known.LookupTXT != nil {
		a.check(raw, h, known.LookupTXT)
	}
	if len(from) == 1 && len(h.all("from")) == 1 { // with several nobody knows which one a reader is shown
		_, domain, _ := cutLast(from[0].Address, "@")
		a.Aligned = slices.ContainsFunc(a.Signed, func(signer string) bool { return sameOrganisation(signer, domain) })
	}
	return a
}

// told reads the fields of the trusted server. Of several results for one method the first counts, which was written
// last; of DKIM, which has one for each signature, within a field the best.
func (a *Auth) told(h header, trust Trust) {
	if trust.ID == "" {
		return
	}
	hops, done := max(trust.Hops, 1), map[string]bool{}
	passedOurs := 0
	for _, f := range h {
		switch f.key {
		case "received":
			if passedOurs == hops || !trust.ours(f.value) {
				return
			}
			if passedOurs++; passedOurs == hops && !trust.Below {
				return
			}
		case "authentication-results":
			found := results(f.value, trust.ID)
			for method, outcome := range found {
				if done[method] {
					continue
				}
				done[method] = true
				switch method {
				case "spf":
					a.SPF = outcome
				case "dkim":
					a.DKIM = outcome
				case "dmarc":
					a.DMARC = outcome
				}
			}
		}
	}
}

// ours reports whether a Received field says that one of our servers wrote it.
func (t Trust) ours(received string) bool {
	by := ""
	fields := strings.Fields(withoutComments(received))
	for i, f := range fields {
		if strings.EqualFold(f, "by") && i+1 < len(fields) {
			by = strings.ToLower(strings.Trim(fields[i+1], "[];."))
			break
		}
	}
	for _, host := range append([]string{t.ID}, t.Hosts...) {
		host = strings.ToLower(host)
		if by != "" && host != "" && (by == host || strings.HasSuffix(by, "."+host) || strings.HasSuffix(host, ":") && strings.HasPrefix(by, host)) {
			return true
		}
	}
	return false
}

// results reads an Authentication-Results field of one server, by method.
func results(value, id string) map[string]Outcome {
	found := map[string]Outcome{}
	sections := strings.Split(withoutComments(value), ";")
	server, _, err := authres.Parse(sections[0])
	if err != nil || !strings.EqualFold(strings.Trim(server, `"`), id) {
		return nil
	}
	for _, section := range sections[1:min(len(sections), 50)] {
		_, list, err := authres.Parse(server + ";" + equals(section)) // one by one: a broken result does not take the others with it
		if err != nil {
			continue
		}
		for _, r := range list {
			switch r := r.(type) {
			case *authres.SPFResult:
				if _, there := found["spf"]; !there {
					found["spf"] = outcome(r.Value)
				}
			case *authres.DMARCResult:
				if _, there := found["dmarc"]; !there {
					found["dmarc"] = outcome(r.Value)
				}
			case *authres.DKIMResult:
				found["dkim"] = better(found["dkim"], outcome(r.Value))
			}
		}
	}
	return found
}

// outcome makes four of the many values of RFC 8601.
func outcome(v authres.ResultValue) Outcome {
	switch v {
	case authres.ResultPass:
		return Pass
	case authres.ResultFail, authres.ResultSoftFail, authres.ResultHardFail, authres.ResultPermError, authres.ResultPolicy:
		return Fail
	case authres.ResultTempError:
		return Temporary
	}
	return None
}

func better(a, b Outcome) Outcome {
	for _, o := range []Outcome{Pass, Temporary, Fail} {
		if a == o || b == o {
			return o
		}
	}
	return None
}

// withoutComments leaves comments out, and of quoted strings what could be taken for syntax: both may quote the sender.
func withoutComments(s string) string {
	var b strings.Builder
	depth, inside := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (inside || depth > 0):
			i++
		case inside:
			if inside = c != '"'; inside && !strings.ContainsRune(";=()\\ \t", rune(c)) {
				b.WriteByte(c)
			}
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				b.WriteByte(' ')
			}
		case depth > 0:
		case c == '"':
			inside = true
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// equals takes the spaces around equals signs away, which RFC 8601 allows, and a version after the method.
func equals(s string) string {
	for _, pair := range [][2]string{{" =", "="}, {"= ", "="}, {"/1=", "="}} {
		for strings.Contains(s, pair[0]) {
			s = strings.ReplaceAll(s, pair[0], pair[1])
		}
	}
	return s
}

// check verifies the signatures ourselves, one at a time and with only one in the message: the library would give each
// a goroutine, and what goes wrong in those nobody could catch. A signature that signs another one is not understood.
func (a *Auth) check(raw []byte, h header, lookup func(string) ([]string, error)) {
	count := len(h.all("dkim-signature"))
	if count == 0 {
		return
	}
	a.Own = Fail
	head, body := rawHeader(raw)
	if len(head) > maxSignedHeader || len(h) > maxSignedFields {
		return
	}
	var fields [][]byte
	for at := 0; at < len(head); {
		_, next := cutLine(head, at)
		for next < len(head) && (head[next] == ' ' || head[next] == '\t') {
			_, next = cutLine(head, next)
		}
		fields = append(fields, head[at:next])
		at = next
	}
	isSignature := func(field []byte) bool {
		key, _, ok := asField(bytes.TrimRight(field, "\r\n"))
		return ok && key == "dkim-signature"
	}
	best := Outcome("")
	tried := 0
	for i, field := range fields {
		if !isSignature(field) {
			continue
		}
		if tried++; tried > maxSignatures {
			break
		}
		if bytes.Count(field, []byte(":")) > 200 {
			continue
		}
		var one bytes.Buffer
		one.Grow(len(raw) + 2)
		for j, other := range fields {
			if j == i || !isSignature(other) {
				one.Write(other)
			}
		}
		one.WriteString("\r\n")
		one.Write(body)
		verified, err := dkim.VerifyWithOptions(bytes.NewReader(one.Bytes()), &dkim.VerifyOptions{LookupTXT: lookup, MaxVerifications: 1})
		if err != nil || len(verified) != 1 {
			continue
		}
		switch v := verified[0]; {
		case v.Err == nil:
			best = Pass
			if domain := strings.ToLower(strings.TrimSuffix(v.Domain, ".")); !slices.Contains(a.Signed, domain) {
				a.Signed = append(a.Signed, domain)
			}
		case dkim.IsTempFail(v.Err):
			best = better(best, Temporary)
		default:
			best = better(best, Fail)
		}
	}
	if best != "" {
		a.Own = best
	}
}

// rawHeader parts a message at its first empty line.
func rawHeader(raw []byte) (head, body []byte) {
	for at := 0; at < len(raw); {
		line, next := cutLine(raw, at)
		if len(line) == 0 {
			return raw[:at], raw[next:]
		}
		at = next
	}
	return raw, nil
}

// sameOrganisation reports whether two domains are of one organisation: alike below what registries sell.
func sameOrganisation(a, b string) bool {
	a, errA := organisation(a)
	b, errB := organisation(b)
	return errA == nil && errB == nil && a == b
}

func organisation(domain string) (string, error) {
	domain = strings.ToLower(strings.Trim(domain, ". "))
	if domain == "" || strings.ContainsAny(domain, " /[]") {
		return "", errors.New("no domain")
	}
	return publicsuffix.EffectiveTLDPlusOne(domain)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
