package link

import (
	"crypto/sha256"
	"testing"

	"postern/backend/care"
)

func TestAddresses(t *testing.T) {
	part := care.EventID(sha256.Sum256([]byte("part")))
	p := part.String()
	for _, test := range []struct{ got, want string }{
		{List(""), "/messages"},
		{List("unread"), "/messages?show=unread"},
		{Conversation(part, ""), "/messages/" + p},
		{Conversation(part, "waiting"), "/messages/" + p + "?show=waiting"},
		{Draft("dr_a/../x"), "/drafts/dr_a%2F..%2Fx"},
		{DraftAt("dr_a", "subject"), "/drafts/dr_a?field=subject"},
		{Discard("dr_a"), "/sent/dr_a/deletion"},
		{With("/a?b=1", "c", "x y", "d", ""), "/a?b=1&c=x+y"},
		{RowID(part, "dr_a"), "row-" + p},
		{RowID(care.EventID{}, "dr_a"), "row-dr_a"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
