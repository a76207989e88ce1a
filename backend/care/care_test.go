package care

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID("mb")
		if !ValidID("mb", id) || ValidID("of", id) || seen[id] || len(id) != 19 {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
	for _, s := range []string{"", "mb", "mb_", "mb_aaaaaaaaaaaaaaa", "mb_aaaaaaaaaaaaaaaaa", "mb_AAAAAAAAAAAAAAAA", "mb_aaaaaaaaaaaaaaa1", "mb_aaaaaaaa\naaaaaaa", "xmb_aaaaaaaaaaaaaaaa", "mb-aaaaaaaaaaaaaaaa"} {
		if ValidID("mb", s) {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestEventID(t *testing.T) {
	id := EventID{1, 2, 3, 31: 255}
	s := id.String()
	if len(s) != 52 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Fatalf("%q", s)
	}
	if got, err := ParseEventID(s); err != nil || got != id {
		t.Fatalf("%v, %v", got, err)
	}
	raw, err := json.Marshal(map[EventID]KeyID{id: KeyID(id)})
	if err != nil || string(raw) != `{"`+s+`":"`+s+`"}` {
		t.Fatalf("%s, %v", raw, err)
	}
	var back map[EventID]KeyID
	if err := json.Unmarshal(raw, &back); err != nil || back[id] != KeyID(id) {
		t.Fatalf("%v, %v", back, err)
	}
	last := s[:51] + string(s[51]+1) // the last character holds one bit of the id and four of nothing
	for _, bad := range []string{"", s[1:], s + "a", strings.ToUpper(s), "0" + s[1:], s[:50] + "\n" + s[51:], last, strings.Repeat("a", 52)} {
		if got, err := ParseEventID(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestNoID(t *testing.T) {
	var id EventID
	var key KeyID
	if id.String() != "" || key.String() != "" || !id.IsZero() || !key.IsZero() || (EventID{31: 1}).IsZero() || (KeyID{31: 1}).IsZero() {
		t.Error("the zero id names nothing")
	}
	id, key = EventID{1}, KeyID{1}
	if err := id.UnmarshalText(nil); err != nil || !id.IsZero() {
		t.Errorf("%v, %v", id, err)
	}
	if err := key.UnmarshalText([]byte{}); err != nil || !key.IsZero() {
		t.Errorf("%v, %v", key, err)
	}
}

// A misread id leaves what was there.
func TestUnmarshalKeeps(t *testing.T) {
	id := EventID{1}
	if err := id.UnmarshalText([]byte(strings.Repeat("b", 52))); err == nil || id != (EventID{1}) {
		t.Errorf("%v, %v", id, err)
	}
}

func TestSortEventIDs(t *testing.T) {
	a, b, c := EventID{1}, EventID{1, 1}, EventID{2}
	if got := SortEventIDs([]EventID{c, a, b, a, c}); !slices.Equal(got, []EventID{a, b, c}) {
		t.Errorf("%v", got)
	}
	if a.Compare(b) >= 0 || c.Compare(b) <= 0 || a.Compare(a) != 0 {
		t.Error("ids are ordered bytewise")
	}
	if SortEventIDs(nil) != nil {
		t.Error("nothing sorts to nothing")
	}
}

func TestKeyShown(t *testing.T) {
	key := KeyID{0, 68, 50, 20, 199, 66, 84, 182, 53, 207}
	if got := key.Shown(); got != "abcd efgh ijkl mnop" {
		t.Errorf("%q", got)
	}
}

func FuzzParseEventID(f *testing.F) {
	f.Add(EventID{1, 2, 3}.String())
	f.Add(strings.Repeat("7", 52))
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseEventID(s); err == nil && (id.String() != s || id.IsZero()) {
			t.Fatalf("%q was read as %q", s, id)
		}
	})
}

func TestErrors(t *testing.T) {
	plain := Refusef(Invalid, "The subject has %d characters, %d at most.", 90, MaxSubject).In("subject")
	if plain.Kind != Invalid || plain.Field != "subject" || plain.Cause != nil || plain.Error() != "The subject has 90 characters, 80 at most." {
		t.Errorf("%+v", plain)
	}
	secret := fmt.Errorf("open /home/rosa/vault.json: %w", fs.ErrPermission)
	because := Because(Full, secret, "There is no room on this computer.")
	wrapped := fmt.Errorf("save draft: %w", because)
	if KindOf(wrapped) != Full || SentenceOf(wrapped) != "There is no room on this computer." || !errors.Is(wrapped, fs.ErrPermission) {
		t.Errorf("%v, %q", KindOf(wrapped), SentenceOf(wrapped))
	}
	if !strings.Contains(because.Error(), "vault.json") {
		t.Error("the log is told the cause")
	}
	if told := Refusef(Conflict, "It is gone: %w.", fs.ErrNotExist); !errors.Is(told, fs.ErrNotExist) || told.Error() != "It is gone: file does not exist." {
		t.Errorf("%q", told.Error())
	}
	if KindOf(secret) != Internal || strings.Contains(SentenceOf(secret), "rosa") || SentenceOf(secret) == "" {
		t.Errorf("%v, %q", KindOf(secret), SentenceOf(secret))
	}
}

func TestNothingPrivateInLogs(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	log.LogAttrs(context.Background(), slog.LevelInfo, "x", slog.Any("text", Text("chest pain")),
		slog.Any("login", MailLogin{User: "u", Password: "hunter2", IMAP: Endpoint{Host: "mail.example"}}))
	if got := b.String(); strings.Contains(got, "chest") || strings.Contains(got, "hunter2") || !strings.Contains(got, "[text]") || !strings.Contains(got, "mail.example") {
		t.Error(got)
	}
}

func TestPolicy(t *testing.T) {
	var none Policy
	if none.Promise() != 18*time.Hour || none.Hold() != 15*time.Second || none.Stale() != 24*time.Hour ||
		none.Lock(RoleMember) != 10*time.Minute || none.Lock(RoleNurse) != 5*time.Minute {
		t.Errorf("defaults %v, %v, %v", none.Promise(), none.Hold(), none.Stale())
	}
	p := Policy{PromiseHours: 27, HoldSeconds: -1, StaleHours: 48, MemberLockMinutes: 3, StaffLockMinutes: 2}
	if p.Promise() != 27*time.Hour || p.Hold() != 0 || p.Stale() != 48*time.Hour || p.Lock(RoleMember) != 3*time.Minute || p.Lock(RoleSupport) != 2*time.Minute {
		t.Errorf("set to %v, %v, %v", p.Promise(), p.Hold(), p.Stale())
	}
}

func TestRolesAndTopics(t *testing.T) {
	for role, staff := range map[Role]bool{RoleMember: false, RolePhysician: true, RolePA: true, RoleNurse: true, RoleSupport: true, RoleAdministrator: true, RoleAgent: true, "": false, "janitor": false} {
		if role.Staff() != staff {
			t.Errorf("%q is staff: %v", role, !staff)
		}
	}
	names := map[string]bool{}
	for _, topic := range Topics {
		if topic.Name() == "" || names[topic.Name()] {
			t.Errorf("%q is named %q", topic, topic.Name())
		}
		names[topic.Name()] = true
	}
	if Topic("").Name() != "" || Topic("odd").Name() != "" {
		t.Error("no topic has no name")
	}
}
