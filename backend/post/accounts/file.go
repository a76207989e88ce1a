// Package accounts is the mail system that is elsewhere, as a practice sees it: a file names its mailboxes and logins, and
// they are handed out one by one. It makes none there and ends none there; what is to be ended is put down for a person.
package accounts

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/backend/care"
)

// File is what somebody who runs a mail system gives to a practice. docs/format.md describes it.
type File struct {
	V         int           `json:"v"`
	IMAP      care.Endpoint `json:"imap"`
	SMTP      care.Endpoint `json:"smtp"`
	Roots     string        `json:"roots,omitempty"` // PEM: the authorities that clients trust for it beside their system's
	Mailboxes []Mailbox     `json:"mailboxes"`
}

// Mailbox is one that is empty, and whoever may sign in to it.
type Mailbox struct {
	Address string  `json:"address"`
	Logins  []Login `json:"logins"`
}

// Login is a name and a password at one mailbox.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Kind     Kind   `json:"kind"`
	From     string `json:"from,omitempty"` // the address under which it submits; "": the user's name, at the mailbox's domain
}

// Kind is what a login may do.
type Kind string

// Kinds of login.
const (
	Owner Kind = "owner" // everything in the mailbox: a member
	Staff Kind = "staff" // read and submit
	Agent Kind = "agent" // as the owner: it files letters away
	Any   Kind = "any"   // what any of these needs
)

// String keeps passwords out of logs.
func (l Login) String() string { return "login of kind " + string(l.Kind) }

const (
	version = 1
	most    = 32 << 20 // bytes of a file
)

// Marshal gives the file's bytes.
func (f File) Marshal() ([]byte, error) {
	f.V = version
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("write accounts: %w", err)
	}
	return out.Bytes(), nil
}

// refuse is a refusal of the file. It holds nothing of what stands in it but addresses: what stands beside them is secret.
func refuse(format string, args ...any) *care.Error {
	return care.Refusef(care.Invalid, format, args...).In("accounts")
}

// Read reads a file strictly: whatever it does not know it refuses, naming the entry.
func Read(raw []byte) (File, error) {
	if len(raw) > most {
		return File{}, refuse("The accounts file is larger than %d MiB.", most>>20)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // as editors on Windows begin
	if !utf8.Valid(raw) {
		return File{}, refuse("The accounts file is no JSON in UTF-8.")
	}
	if err := whole(raw); err != nil {
		return File{}, err
	}
	top, err := object(raw, "The accounts file", "v", "imap", "smtp", "roots", "mailboxes")
	if err != nil {
		return File{}, err
	}
	f := File{V: version}
	if v, ok := top["v"]; !ok || string(v) != "1" {
		return File{}, refuse("The accounts file does not say \"v\": 1, the version that this Postern reads.")
	}
	if f.IMAP, err = endpoint(top["imap"], "imap"); err != nil {
		return File{}, err
	}
	if f.SMTP, err = endpoint(top["smtp"], "smtp"); err != nil {
		return File{}, err
	}
	if raw, ok := top["roots"]; ok {
		if f.Roots, err = text(raw, "roots"); err != nil {
			return File{}, err
		}
		if err := checkRoots(f.Roots); err != nil {
			return File{}, err
		}
	}
	var boxes []json.RawMessage
	if json.Unmarshal(top["mailboxes"], &boxes) != nil || len(boxes) == 0 {
		return File{}, refuse("The accounts file has no list \"mailboxes\", or an empty one.")
	}
	seen, users := map[string]bool{}, map[string]bool{}
	for n, raw := range boxes {
		m, err := mailbox(raw, fmt.Sprintf("Mailbox %d of the accounts file", n+1), users)
		if err != nil {
			return File{}, err
		}
		if key := strings.ToLower(m.Address); seen[key] {
			return File{}, refuse("Mailbox %d of the accounts file has the address of one before, %s.", n+1, m.Address)
		} else {
			seen[key] = true
		}
		f.Mailboxes = append(f.Mailboxes, m)
	}
	return f, nil
}

// whole refuses what is not one JSON value, and names the line. The library's own words may quote a piece of a password.
func whole(raw []byte) error {
	var any json.RawMessage
	d := json.NewDecoder(bytes.NewReader(raw))
	err := d.Decode(&any)
	at := d.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case err == nil:
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
	}
	line := 1 + bytes.Count(raw[:min(at, int64(len(raw)))], []byte("\n"))
	return refuse("The accounts file is no JSON: see line %d.", line)
}

// object takes an object apart. Names that are not known, or stand there twice, are refused.
func object(raw json.RawMessage, where string, known ...string) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, refuse("%s is no JSON object.", where)
	}
	out := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return nil, refuse("%s is no JSON object.", where)
		}
		if !slices.Contains(known, name) { // its name is not told: it may be anything
			return nil, refuse("%s has a field that is not one of: %s.", where, strings.Join(known, ", "))
		}
		if _, twice := out[name]; twice {
			return nil, refuse("%s has the field %q twice.", where, name)
		}
		out[name] = value
	}
	return out, nil
}

func text(raw json.RawMessage, where string) (string, error) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", refuse("In the accounts file, %s is no text.", where)
	}
	return *s, nil
}

func endpoint(raw json.RawMessage, name string) (care.Endpoint, error) {
	if raw == nil {
		return care.Endpoint{}, refuse("The accounts file does not say where %q is: host, port and tls.", name)
	}
	fields, err := object(raw, fmt.Sprintf("%q of the accounts file", name), "host", "port", "tls")
	if err != nil {
		return care.Endpoint{}, err
	}
	var e care.Endpoint
	if json.Unmarshal(fields["host"], &e.Host) != nil || !Host(e.Host) {
		return e, refuse("The host of %q in the accounts file is no name and no address.", name)
	}
	if json.Unmarshal(fields["port"], &e.Port) != nil || e.Port < 1 || e.Port > 65535 {
		return e, refuse("The port of %q in the accounts file is no number from 1 to 65535.", name)
	}
	if json.Unmarshal(fields["tls"], &e.TLS) != nil || e.TLS != care.TLSImplicit && e.TLS != care.TLSStart {
		return e, refuse("\"tls\" of %q in the accounts file is %q or %q: Postern makes no connection without.", name, care.TLSImplicit, care.TLSStart)
	}
	return e, nil
}

var hostName = regexp.MustCompile(`^([a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)*\.?$`)

// Host reports whether a text can be the name or address of a computer.
func Host(s string) bool {
	if ip := net.ParseIP(s); ip != nil {
		return !ip.IsUnspecified()
	}
	return len(s) <= 253 && hostName.MatchString(s)
}

// checkRoots refuses what holds anything but certificates.
func checkRoots(roots string) error {
	rest := []byte(strings.TrimSpace(roots))
	for n := 1; n == 1 || len(rest) > 0; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return refuse("\"roots\" in the accounts file is not PEM: certificate %d cannot be read.", n)
		}
		if block.Type != "CERTIFICATE" {
			return refuse("\"roots\" in the accounts file holds something that is no certificate. A private key does not belong there.")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return refuse("\"roots\" in the accounts file: certificate %d cannot be read.", n)
		}
		rest = bytes.TrimSpace(rest)
	}
	return nil
}

func mailbox(raw json.RawMessage, where string, users map[string]bool) (Mailbox, error) {
	fields, err := object(raw, where, "address", "logins")
	if err != nil {
		return Mailbox{}, err
	}
	var m Mailbox
	if json.Unmarshal(fields["address"], &m.Address) != nil || !address(m.Address) {
		return m, refuse("%s has no address as office-1@clinic.example.", where)
	}
	where += ", " + m.Address
	var logins []json.RawMessage
	if json.Unmarshal(fields["logins"], &logins) != nil || len(logins) == 0 {
		return m, refuse("%s, has no list \"logins\", or an empty one.", where)
	}
	for n, raw := range logins {
		l, err := login(raw, fmt.Sprintf("%s: login %d", where, n+1))
		if err != nil {
			return m, err
		}
		if users[l.User] {
			return m, refuse("%s: login %d has the user of one before. A login reads one mailbox, and stands in the file once.", where, n+1)
		}
		users[l.User] = true
		m.Logins = append(m.Logins, l)
	}
	return m, nil
}

func login(raw json.RawMessage, where string) (Login, error) {
	fields, err := object(raw, where, "user", "password", "kind", "from")
	if err != nil {
		return Login{}, err
	}
	var l Login
	switch {
	case json.Unmarshal(fields["user"], &l.User) != nil || !typed(l.User):
		return l, refuse("%s has no \"user\".", where)
	case json.Unmarshal(fields["password"], &l.Password) != nil || !typed(l.Password):
		return l, refuse("%s has no \"password\".", where)
	case json.Unmarshal(fields["kind"], &l.Kind) != nil || !slices.Contains([]Kind{Owner, Staff, Agent, Any}, l.Kind):
		return l, refuse("%s has no \"kind\": %s, %s, %s or %s.", where, Owner, Staff, Agent, Any)
	}
	if raw, ok := fields["from"]; ok && (json.Unmarshal(raw, &l.From) != nil || !address(l.From)) {
		return l, refuse("%s has a \"from\" that is no address.", where)
	}
	return l, nil
}

// typed reports whether a text can be a name or a password: neither empty nor with what no keyboard types.
func typed(s string) bool {
	return s != "" && len(s) <= 1024 && strings.IndexFunc(s, unicode.IsControl) < 0
}

// address reports whether a text is an address that needs no quoting in a letter.
func address(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && len(s) <= 254 && hostName.MatchString(domain) &&
		strings.IndexFunc(local, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>,;:()"\@[]`, r) }) < 0
}
