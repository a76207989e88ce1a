package agent

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"

	"postern/backend/care"
)

// Settings are the ordinary mailbox of the clinic's agent: whose address its notices bear, and where their answers come in.
type Settings struct {
	From    string            // the address of what goes out
	Replies string            // of what comes in: "care@clinic.example", with +TOKEN, or "*@reply.clinic.example" that takes everything; empty: nothing does
	Trusted string            // the authserv-id of the system that receives, whose Authentication-Results hold (RFC 8601); empty: none do
	Login   care.MailLogin    // where both are
	Staff   map[string]string // the ordinary addresses of people of the staff, by their names, to be told of what is due
}

// settingsFile is how the file spells them.
type settingsFile struct {
	From    string `json:"from"`
	Replies string `json:"replies"`
	Trusted string `json:"trusted"`
	Staff   []struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"staff"`
	Login struct {
		User     string        `json:"user"`
		Password string        `json:"password"`
		Address  string        `json:"address"` // the envelope's sender, to which comes back what was not delivered; empty: From
		SMTP     care.Endpoint `json:"smtp"`
		IMAP     care.Endpoint `json:"imap"`
		Roots    string        `json:"roots"`
	} `json:"login"`
}

// ReadSettings reads the file of the agent's ordinary mailbox strictly. A refusal is care.Invalid and tells nothing that is secret.
func ReadSettings(raw []byte) (Settings, error) {
	var f settingsFile
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		var syntax *json.SyntaxError
		var sort *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return Settings{}, care.Refusef(care.Invalid, "The mail file is no JSON: see line %d.", 1+bytes.Count(raw[:min(int64(len(raw)), syntax.Offset)], []byte("\n")))
		case errors.As(err, &sort):
			return Settings{}, care.Refusef(care.Invalid, "In the mail file, %q is not what it has to be.", sort.Field)
		case strings.Contains(err.Error(), "unknown field"): // its name is not told: it may be anything
			return Settings{}, care.Refusef(care.Invalid, "The mail file has a field that is not one of: from, replies, trusted, staff, login; in staff: name, address; in login: user, password, address, smtp, imap, roots.")
		}
		return Settings{}, care.Refusef(care.Invalid, "The mail file is no JSON object.")
	}
	if _, err := d.Token(); err != io.EOF {
		return Settings{}, care.Refusef(care.Invalid, "The mail file holds something behind its end.")
	}
	l := f.Login
	s := Settings{From: f.From, Replies: f.Replies, Trusted: f.Trusted, Login: care.MailLogin{User: l.User, Password: l.Password,
		Address: cmp.Or(l.Address, f.From), SMTP: l.SMTP, IMAP: l.IMAP, Roots: l.Roots}}
	for _, p := range f.Staff {
		if p.Name == "" || !care.PlainAddress(p.Address) {
			return Settings{}, care.Refusef(care.Invalid, "The mail file names somebody of the staff without a name, or without an address such as rosa@clinic.example.")
		}
		if s.Staff == nil {
			s.Staff = map[string]string{}
		}
		s.Staff[p.Name] = p.Address
	}
	return s, s.check()
}

func (s Settings) check() error {
	base := s.Replies
	if domain, all := strings.CutPrefix(base, "*@"); all {
		base = "all@" + domain
	}
	switch {
	case !care.PlainAddress(s.From):
		return care.Refusef(care.Invalid, "The mail file's \"from\" is no address such as care@clinic.example.")
	case s.Replies != "" && (!care.PlainAddress(base) || strings.ContainsAny(base, "+*")):
		return care.Refusef(care.Invalid, "The mail file's \"replies\" is no address such as care@clinic.example or *@reply.clinic.example.")
	case s.Login.Address != "" && !care.PlainAddress(s.Login.Address):
		return care.Refusef(care.Invalid, "The mail file's \"address\" of the login is no address.")
	case !typed(s.Login.User) || !typed(s.Login.Password):
		return care.Refusef(care.Invalid, "The mail file's login has no user, or no password.")
	case strings.ContainsFunc(s.Trusted, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' }):
		return care.Refusef(care.Invalid, "The mail file's \"trusted\" is not the name of a mail system.")
	}
	if err := endpoint("smtp", s.Login.SMTP); err != nil {
		return err
	}
	if err := endpoint("imap", s.Login.IMAP); err != nil {
		return err
	}
	if s.Login.Roots != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.Login.Roots)) {
		return care.Refusef(care.Invalid, "The mail file's \"roots\" holds no certificate.")
	}
	return nil
}

func endpoint(name string, e care.Endpoint) error {
	switch {
	case e.Host == "" || strings.ContainsFunc(e.Host, func(r rune) bool { return r <= ' ' || r > '~' }):
		return care.Refusef(care.Invalid, "The mail file does not say at which host %q is.", name)
	case e.Port < 1 || e.Port > 65535:
		return care.Refusef(care.Invalid, "The mail file's port of %q is no number from 1 to 65535.", name)
	case e.TLS != care.TLSImplicit && e.TLS != care.TLSStart:
		return care.Refusef(care.Invalid, "The mail file's \"tls\" of %q is not %q or %q: Postern makes no connection without.", name, care.TLSImplicit, care.TLSStart)
	}
	return nil
}

func typed(s string) bool {
	return s != "" && len(s) <= 1024 && !strings.ContainsFunc(s, unicode.IsControl)
}
