package care

import (
	"net/mail"
	"strings"
	"testing"
)

// What is taken is one address for the mail library too, written as it is; and what is not would be something else in some header.
func TestPlainAddress(t *testing.T) {
	for _, s := range []string{"a@example.org", "Maria.O'Hara+clinic@example.org", "postmaster@localhost", "a@127.0.0.1", "x_y-z~1=2@sub.example.org", strings.Repeat("a", 242) + "@example.org"} {
		if a, err := mail.ParseAddress(s); !PlainAddress(s) || err != nil || a.Name != "" || a.Address != s {
			t.Errorf("%q is none, or read as %+v, %v", s, a, err)
		}
	}
	for _, s := range []string{"", "@", "a", "a@", "@b.example", "a@b@c", "a b@c", "a@b c", " a@b", "a@b ", "A <a@b>", "<a@b>", "a@b, c@d", "a@b;c@d", "\"a\"@b", "\"a b\"@b", "a@[1.2.3.4]",
		"a@b\r\nBcc: c@d", "a\x00@b", "a\x7f@b", "jürgen@b", "a@bücher.example", "a..b@c", ".a@b", "a.@b", "a@.b", "a@b.", "a@b..c", "a@b(c)", "a:b@c", "a\\b@c", strings.Repeat("a", 243) + "@example.org"} {
		if PlainAddress(s) {
			t.Errorf("%q is one", s)
		}
	}
}
