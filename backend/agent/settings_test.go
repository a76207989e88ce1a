package agent

import (
	"strings"
	"testing"

	"postern/backend/care"
)

const mailFile = `{"from": "care@clinic.example", "replies": "*@reply.clinic.example", "trusted": "mx.clinic.example",
 "login": {"user": "u", "password": "the secret",
  "smtp": {"host": "smtp.clinic.example", "port": 465, "tls": "implicit"}, "imap": {"host": "imap.clinic.example", "port": 993, "tls": "implicit"}}}`

// The file of the agent's mailbox is read as it is meant, or refused in words that tell nothing secret.
func TestReadSettings(t *testing.T) {
	s, err := ReadSettings([]byte(mailFile))
	if err != nil || s.From != "care@clinic.example" || s.Replies != "*@reply.clinic.example" || s.Trusted != "mx.clinic.example" || s.Login.Address != s.From ||
		s.Login.User != "u" || s.Login.Password != "the secret" || s.Login.SMTP != (care.Endpoint{Host: "smtp.clinic.example", Port: 465, TLS: care.TLSImplicit}) {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, c := range []struct{ old, new, says string }{
		{`{"from"`, `{"form": "x", "from"`, "not one of"},
		{`"user": "u"`, `"user": "u", "the secret": "x"`, "not one of"},
		{`"from": "care@clinic.example"`, `"from": "Care <care@clinic.example>"`, "from"},
		{`"from": "care@clinic.example"`, `"from": "care@clinic.example\r\nBcc: x@y"`, "from"},
		{`"from": "care@clinic.example", `, ``, "from"},
		{`*@reply.clinic.example`, `*@`, "replies"},
		{`*@reply.clinic.example`, `care+x@clinic.example`, "replies"},
		{`mx.clinic.example`, `mx;x`, "trusted"},
		{`"u"`, `""`, "user"},
		{`"the secret"`, `""`, "password"},
		{`465`, `"the secret"`, "smtp.port"},
		{`465`, `0`, "smtp"},
		{`993`, `65536`, "imap"},
		{`"implicit"`, `"none"`, "tls"},
		{`"imap.clinic.example"`, `""`, "imap"},
		{`"user": "u"`, `"user": "u", "roots": "the secret"`, "roots"},
		{`"from":`, `"from" the secret:`, "line 1"},
		{`}}}`, `}}} {"the secret": 1}`, "behind its end"},
		{`}}}`, `}}`, "no JSON"},
	} {
		text := strings.Replace(mailFile, c.old, c.new, 1)
		if text == mailFile {
			t.Fatalf("%q is not in the file", c.old)
		}
		_, err := ReadSettings([]byte(text))
		if care.KindOf(err) != care.Invalid || !strings.Contains(care.SentenceOf(err), c.says) {
			t.Errorf("%s: %v", c.new, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: it tells what is secret: %v", c.new, err)
		}
	}
}
