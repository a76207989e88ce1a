package submit

import (
	"strings"
	"testing"
)

// What is for good and what may pass, as servers say it.
func TestPermanent(t *testing.T) {
	for _, c := range []struct {
		at       step
		code     int
		enhanced string
		want     bool
		says     string
	}{
		{atRcpt, 550, "5.1.1", true, "Postfix, Dovecot, Exchange: no such user"},
		{atRcpt, 550, "", true, "an old server: no such user"},
		{atRcpt, 550, "5.1.0", true, "address rejected"},
		{atRcpt, 552, "5.2.2", true, "mailbox full, said as for good"},
		{atRcpt, 452, "4.2.2", false, "mailbox full for now"},
		{atRcpt, 450, "4.2.0", false, "greylisted"},
		{atRcpt, 451, "4.3.0", false, "lookup failed"},
		{atRcpt, 554, "5.7.1", false, "relay access denied"},
		{atRcpt, 550, "5.7.1", false, "refused by policy"},
		{atRcpt, 550, "4.7.1", false, "its two codes disagree"},
		{atRcpt, 553, "5.7.1", false, "sender not owned"},
		{atRcpt, 550, "5.4.1", false, "Exchange: recipient's directory out of reach"},
		{atRcpt, 530, "5.7.0", false, "sign in first"},
		{atRcpt, 503, "5.5.1", false, "out of order"},
		{atRcpt, 501, "5.1.3", false, "does not parse"},
		{atRcpt, 421, "4.3.2", false, "shutting down"},
		{atMail, 552, "5.3.4", true, "larger than SIZE"},
		{atMail, 552, "", true, "larger than SIZE, an old server"},
		{atMail, 550, "5.7.60", false, "Exchange: this login may not send as this address"},
		{atMail, 554, "5.5.1", false, "no valid recipients"},
		{atMail, 452, "4.3.1", false, "no room on the server"},
		{atData, 552, "5.3.4", true, "larger than allowed"},
		{atData, 554, "5.6.0", true, "content refused"},
		{atData, 550, "5.7.1", true, "taken for spam"},
		{atData, 554, "5.3.0", false, "an error of the server's own"},
		{atData, 554, "", true, "transaction failed"},
		{atData, 554, "5.5.1", false, "no valid recipients"},
		{atData, 451, "4.3.0", false, "queue file write error"},
		{atReset, 500, "5.5.2", false, "does not know RSET"},
		{atRcpt, 0, "", false, "nothing said"},
	} {
		if got := permanent(c.at, c.code, c.enhanced); got != c.want {
			t.Errorf("%d %s (%s): permanent %v", c.code, c.enhanced, c.says, got)
		}
	}
}

// A server's words stand in a sentence: one line, no control characters, not without end.
func TestFirstLine(t *testing.T) {
	for in, want := range map[string]string{
		"Ok":                               "Ok",
		"  first\nsecond ":                 "first",
		"a\x00b\tc\r":                      "a b c",
		"":                                 "",
		strings.Repeat("ä", 300):           strings.Repeat("ä", 200) + "…",
		"\x1b[31mred\x1b[0m and \x7f more": "[31mred [0m and   more",
	} {
		if got := firstLine(in); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
}
