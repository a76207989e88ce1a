package desk

import (
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/record/view"
)

// What a reply by ordinary e-mail says of its sender is only as much as was found: one that was found out wears a warning, though it
// bears the member's address.
func TestMailMarks(t *testing.T) {
	for _, c := range []struct {
		mail view.Mail
		icon string
		says string
		asks string // before it is accepted
	}{
		{view.Mail{From: "maria@example.org", Known: true, Proven: true}, "mail", "signed by its mail system", ""},
		{view.Mail{From: "maria@example.org", Known: true, Proven: true, Refuted: true}, "mail", "signed by its mail system", ""},
		{view.Mail{From: "maria@example.org", Known: true}, "mail", "Nothing proves", ""},
		{view.Mail{From: "maria@example.org", Known: true, Refuted: true}, "triangle-alert", "failed: call before you accept it", "anybody may have written it. Call Maria"},
		{view.Mail{From: "thief@example.net"}, "triangle-alert", "not the address in the register", "thief@example.net, which is not"},
	} {
		marks := mailMarks(c.mail)
		if len(marks) != 1 || marks[0].Icon != c.icon || !strings.Contains(marks[0].Text, c.says) || !strings.Contains(marks[0].Text, c.mail.From) {
			t.Errorf("%+v wears %+v", c.mail, marks)
		}
		if asks := doubt(c.mail, "Maria"); !strings.Contains(asks, c.asks) || (asks == "") != (c.asks == "") {
			t.Errorf("%+v asks %q", c.mail, asks)
		}
	}
	declined := mailMarks(view.Mail{From: "thief@example.net", DeclinedBy: care.Person{ID: "ps_rosa", Shown: "Rosa Delgado, RN"}})
	if len(declined) != 2 || !strings.Contains(declined[0].Text, "Rosa Delgado, RN") || !strings.Contains(declined[1].Text, "not the address in the register") {
		t.Errorf("declined, it wears %+v", declined)
	}
}
