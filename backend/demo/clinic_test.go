package demo

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/care/promise"
)

// What the script says of people and offices holds: everybody is there, and may do what they do.
func TestRoomsAgree(t *testing.T) {
	at := map[string][]string{} // the offices of each person of the staff
	for _, s := range staff {
		at[s.key] = s.offices
	}
	has := map[string]bool{}
	for _, o := range offices {
		has[o.key] = true
		if !slices.Contains(at[o.provider], o.key) {
			t.Errorf("%s is the provider of %s and does not belong to it", o.provider, o.key)
		}
	}
	writes := map[string]map[string]bool{} // the offices that each member may write to
	for _, m := range members {
		writes[m.key] = map[string]bool{}
		for i, r := range m.relations {
			writes[m.key][r.office] = has[r.office]
			if (r.why == "primary") != (i == 0) {
				t.Errorf("%s: relation %d is %q", m.key, i, r.why)
			}
		}
		for _, v := range m.visits {
			if !writes[m.key][v.office] {
				t.Errorf("%s was seen by %q and may not write there", m.key, v.office)
			}
		}
	}
	seen := map[string]bool{}
	for _, l := range labels() {
		if seen[l.Label] || seen[l.ID] {
			t.Errorf("%q twice", l.Label)
		}
		seen[l.Label], seen[l.ID] = true, true
	}
	for _, s := range script {
		t.Run(s.subject, func(t *testing.T) { s.holds(t, at, writes) })
	}
}

func (s talk) holds(t *testing.T, at map[string][]string, writes map[string]map[string]bool) {
	if !writes[s.member][s.office] {
		t.Errorf("%s may not write to %s", s.member, s.office)
	}
	if !slices.Contains(care.Topics, s.topic) {
		t.Errorf("topic %q", s.topic)
	}
	if n := utf8.RuneCountInString(string(dated(clock(t), time.Now(), s.subject))); n == 0 || n > care.MaxSubject {
		t.Errorf("the subject has %d characters", n)
	}
	minutes, first := 0, true
	for _, turn := range s.turns {
		minutes += turn.after
		if turn.who == "" {
			if !slices.Contains([]string{evening, meanwhile, followUp}, turn.does) || turn.text != "" || turn.after != 0 {
				t.Errorf("nobody can %q", turn.does)
			}
			continue
		}
		if !slices.Contains(at[turn.who], s.office) && turn.who != s.member {
			t.Errorf("%s has no part in it", turn.who)
		}
		mine := turn.who == s.member
		switch turn.does {
		case write:
			if !first || !mine {
				t.Error("it begins twice, or not with its member")
			}
		case note, claim, assign, flag, unflag, complete, reopen:
			if mine {
				t.Errorf("a member cannot %q", turn.does)
			}
		}
		if turn.does == assign && !slices.Contains(at[turn.text], s.office) {
			t.Errorf("assigned to %q", turn.text)
		}
		if says := slices.Contains([]string{write, reply, complete, note, drafts, flag, assign}, turn.does); says == (turn.text == "") {
			t.Errorf("%s with the text %q", turn.does, turn.text)
		}
		if turn.does == flag && utf8.RuneCountInString(turn.text) > care.MaxReason || strings.Contains(turn.text, "{-") {
			t.Errorf("%q", turn.text)
		}
		first = false
	}
	if minutes >= s.hours*60 {
		t.Errorf("it takes %d minutes and begins %d hours ago", minutes, s.hours)
	}
}

func clock(t testing.TB) *promise.Clock {
	t.Helper()
	k, err := promise.New(practice.Calendar)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
