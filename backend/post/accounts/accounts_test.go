package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"postern/backend/care"
)

const whole1 = `{
 "v": 1,
 "imap": {"host": "mail.clinic.example", "port": 993, "tls": "implicit"},
 "smtp": {"host": "mail.clinic.example", "port": 587, "tls": "starttls"},
 "mailboxes": [
  {"address": "office@clinic.example", "logins": [
   {"user": "s1", "password": "sesame-1", "kind": "staff"},
   {"user": "s2", "password": "sesame-2", "kind": "staff", "from": "sender@clinic.example"},
   {"user": "a1", "password": "sesame-3", "kind": "agent"}]},
  {"address": "member@clinic.example", "logins": [
   {"user": "m1@clinic.example", "password": "sesame-4", "kind": "owner"},
   {"user": "m2", "password": "sesame-5", "kind": "any"}]},
  {"address": "one@clinic.example", "logins": [{"user": "one", "password": "sesame-6", "kind": "any"}]}
 ]
}`

// place keeps what a pool gives it, and can fail.
type place struct {
	mu   sync.Mutex
	kept []byte
	fail error
}

func (p *place) keep(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.kept = slices.Clone(b)
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, text string) (*Pool, *place) {
	t.Helper()
	f, err := Read([]byte(text))
	must(t, err)
	kept, err := New(f)
	must(t, err)
	at := &place{kept: kept}
	p, err := Open(kept, at.keep)
	must(t, err)
	return p, at
}

func TestReadIsStrict(t *testing.T) {
	f, err := Read([]byte(whole1))
	must(t, err)
	again, err := f.Marshal()
	must(t, err)
	if g, err := Read(again); err != nil || fmt.Sprint(g) != fmt.Sprint(f) {
		t.Errorf("written and read: %v, %v", g, err)
	}
	for name, c := range map[string]struct{ from, to, says string }{
		"no JSON":            {`"sesame-2",`, `"sesame-2"`, "line 8"},
		"something behind":   {"\n}", "\n}x", "line"},
		"another version":    {`"v": 1`, `"v": 2`, `"v": 1`},
		"a field twice":      {`"v": 1,`, `"v": 1, "v": 1,`, "twice"},
		"another spelling":   {`"user": "s1"`, `"User": "s1"`, "login 1"},
		"an unknown field":   {`"kind": "agent"`, `"kind": "agent", "sesame-9": 1`, "login 3"},
		"no host":            {`"host": "mail.clinic.example", "port": 993`, `"port": 993`, `"imap"`},
		"a host with a path": {`"host": "mail.clinic.example", "port": 993`, `"host": "mail/x", "port": 993`, `"imap"`},
		"no port":            {`587`, `65536`, `"smtp"`},
		"no TLS":             {`"starttls"`, `"none"`, `"smtp"`},
		"no mailboxes":       {`"mailboxes": [`, `"mailboxes": [], "x": [`, "not one of"},
		"no address":         {`"address": "one@clinic.example"`, `"address": "one"`, "Mailbox 3"},
		"an address twice":   {`"one@clinic.example"`, `"Office@clinic.example"`, "Mailbox 3"},
		"a user twice":       {`"user": "one"`, `"user": "s1"`, "Mailbox 3 of the accounts file, one@clinic.example: login 1"},
		"no password":        {`"password": "sesame-6", `, ``, "login 1"},
		"a password with \n": {`sesame-6`, `sesame\u0000`, "login 1"},
		"another kind":       {`"kind": "agent"`, `"kind": "boss"`, "login 3"},
		"a sender":           {`sender@clinic.example`, `sender`, "login 2"},
		"roots":              {`"v": 1,`, `"v": 1, "roots": "sesame",`, "roots"},
		"a key in the roots": {`"v": 1,`, `"v": 1, "roots": "-----BEGIN PRIVATE KEY-----\nc2VzYW1l\n-----END PRIVATE KEY-----\n",`, "private key"},
		"null":               {`"user": "one"`, `"user": null`, "login 1"},
		"not UTF-8":          {`sesame-6`, "sesame\xff", "UTF-8"},
	} {
		text := strings.Replace(whole1, c.from, c.to, 1)
		if text == whole1 {
			t.Fatalf("%s: nothing was replaced", name)
		}
		_, err := Read([]byte(text))
		var refusal *care.Error
		if !errors.As(err, &refusal) || refusal.Kind != care.Invalid || refusal.Field != "accounts" || !strings.Contains(refusal.Sentence, c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
	if _, err := Read([]byte(`{"v":1,"imap":{"host":"h","port":1,"tls":"implicit"},"smtp":{"host":"h","port":1,"tls":"implicit"},"mailboxes":[]}`)); err == nil {
		t.Error("a file without mailboxes is taken")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(whole1))
	f.Add([]byte(`{"v":1`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := Read(raw)
		if err != nil {
			return
		}
		kept, err := New(file)
		must(t, err)
		if _, err := Open(kept, nil); err != nil {
			t.Errorf("a file that is read cannot be used: %v", err)
		}
	})
}

func TestPool(t *testing.T) {
	ctx := t.Context()
	p, at := open(t, whole1)
	if p.Left() != 3 {
		t.Error(p.Left())
	}
	office, err := p.Mailbox(ctx, "x")
	must(t, err)
	member, err := p.MailboxFor(ctx, "y", true)
	must(t, err)
	if office != "office@clinic.example" || member != "member@clinic.example" || p.Left() != 1 {
		t.Error(office, member, p.Left())
	}
	login := func(local string, reader, owner bool) string {
		t.Helper()
		// As after a crash: what is written down counts.
		p, err = Open(at.kept, at.keep)
		must(t, err)
		l, err := p.Login(ctx, local, reader, owner)
		if err != nil {
			var refusal *care.Error
			if !errors.As(err, &refusal) || refusal.Field != "accounts" {
				t.Error(err)
			}
			return ""
		}
		return l.User + " " + l.Password + " " + l.Address
	}
	for _, want := range []string{"s1 sesame-1 s1@clinic.example", "s2 sesame-2 sender@clinic.example", ""} {
		if got := login("x", true, false); got != want {
			t.Errorf("staff: %q, not %q", got, want)
		}
	}
	if got := login("x", false, false); got != "a1 sesame-3 a1@clinic.example" {
		t.Error(got)
	}
	for _, want := range []string{"m1@clinic.example sesame-4 m1@clinic.example", "m2 sesame-5 m2@clinic.example", ""} {
		if got := login("y", false, true); got != want {
			t.Errorf("member: %q, not %q", got, want)
		}
	}
	// One login for everybody.
	_, err = p.MailboxFor(ctx, "z", true)
	must(t, err)
	for range 3 {
		if got := login("z", false, true); got != "one sesame-6 one@clinic.example" {
			t.Error(got)
		}
	}
	if _, err := p.MailboxFor(ctx, "w", true); care.KindOf(err) != care.Invalid {
		t.Error(err)
	}
	if _, err := p.Login(ctx, "", false, true); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}

	// Ending.
	for range 2 {
		must(t, p.Without(ctx, "s1"))
	}
	if err := p.Without(ctx, "nobody"); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
	if !slices.Equal(p.Ends(), []string{"s1"}) {
		t.Error(p.Ends())
	}
	must(t, p.Ended("s1"))
	if err := p.Ended("s1"); care.KindOf(err) != care.NotFound || len(p.Ends()) != 0 {
		t.Error(err, p.Ends())
	}
	if strings.Contains(string(at.kept), "sesame-1") {
		t.Error("the password of an ended login is kept")
	}
	if err := p.Without(ctx, "s1"); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
}

// What cannot be written down is not handed out.
func TestNothingIsHandedOutThatIsNotKept(t *testing.T) {
	ctx := t.Context()
	p, at := open(t, whole1)
	at.fail = errors.New("the disk is full")
	if a, err := p.MailboxFor(ctx, "y", true); !errors.Is(err, at.fail) || p.Left() != 3 {
		t.Errorf("%s, %v, %d left", a, err, p.Left())
	}
	at.fail = nil
	_, err := p.MailboxFor(ctx, "y", true)
	must(t, err)
	at.fail = errors.New("the disk is full")
	if _, err := p.Login(ctx, "y", false, true); !errors.Is(err, at.fail) {
		t.Error(err)
	}
	at.fail = nil
	if l, err := p.Login(ctx, "y", false, true); err != nil || l.User != "m1@clinic.example" {
		t.Error(l.User, err)
	}
}

func TestEachIsHandedOutOnce(t *testing.T) {
	f, err := Read([]byte(whole1))
	must(t, err)
	f.Mailboxes = nil
	for i := range 20 {
		f.Mailboxes = append(f.Mailboxes, Mailbox{Address: fmt.Sprintf("m%d@x.test", i), Logins: []Login{{User: fmt.Sprint("a", i), Password: "p", Kind: Owner}, {User: fmt.Sprint("b", i), Password: "p", Kind: Owner}}})
	}
	raw, err := f.Marshal()
	must(t, err)
	p, _ := open(t, string(raw))
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			local := fmt.Sprint("l", i)
			address, err := p.MailboxFor(t.Context(), local, true)
			if err != nil {
				t.Error(err)
			}
			for range 2 {
				l, err := p.Login(t.Context(), local, false, true)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if seen[l.User] {
					t.Errorf("%s twice", l.User)
				}
				seen[l.User] = true
				mu.Unlock()
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[address] {
				t.Errorf("%s twice", address)
			}
			seen[address] = true
		})
	}
	all.Wait()
}

func TestAdd(t *testing.T) {
	ctx := t.Context()
	p, _ := open(t, whole1)
	_, err := p.Mailbox(ctx, "x")
	must(t, err)
	_, err = p.Login(ctx, "x", true, false) // s1
	must(t, err)
	further := func(change func(*File)) error {
		f, err := Read([]byte(whole1))
		must(t, err)
		change(&f)
		return p.Add(f)
	}
	must(t, further(func(f *File) {
		f.IMAP.Host = "new.clinic.example"
		f.Mailboxes[0].Address = "Office@clinic.example" // the same mailbox
		f.Mailboxes[0].Logins = append(f.Mailboxes[0].Logins, Login{User: "s3", Password: "p", Kind: Staff})
		f.Mailboxes = append(f.Mailboxes, Mailbox{Address: "more@clinic.example", Logins: []Login{{User: "m3", Password: "p", Kind: Owner}}})
	}))
	if p.Left() != 3 || p.Place().IMAP.Host != "new.clinic.example" {
		t.Error(p.Left(), p.Place())
	}
	for _, want := range []string{"s2", "s3"} {
		if l, err := p.Login(ctx, "x", true, false); err != nil || l.User != want || l.IMAP.Host != "new.clinic.example" {
			t.Error(l.User, err)
		}
	}
	before, err := json.Marshal(p.state)
	must(t, err)
	for name, change := range map[string]func(*File){
		"in use with another password": func(f *File) { f.Mailboxes[0].Logins[0].Password = "other" },
		"at another mailbox":           func(f *File) { f.Mailboxes[2].Logins[0].User, f.Mailboxes[0].Logins = "s1", f.Mailboxes[0].Logins[1:] },
	} {
		if err := further(change); care.KindOf(err) != care.Conflict || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after, _ := json.Marshal(p.state); string(after) != string(before) {
		t.Error("a file that was refused changed something")
	}
	// A login that was to be ended has a new password: that ended it, and it is another one.
	must(t, p.Without(ctx, "s1"))
	must(t, further(func(f *File) { f.Mailboxes[0].Logins[0].Password = "other" }))
	if len(p.Ends()) != 0 {
		t.Error(p.Ends())
	}
	if l, err := p.Login(ctx, "x", true, false); err != nil || l.User != "s1" || l.Password != "other" {
		t.Error(l.User, err)
	}
}

func TestTrialLoginIsNotHandedOut(t *testing.T) {
	ctx := t.Context()
	p, at := open(t, whole1)
	was := string(at.kept)
	if l, to, mayRemove, err := p.Trial(); err != nil || l.User != "m1@clinic.example" || to != "member@clinic.example" || !mayRemove || string(at.kept) != was {
		t.Error(l.User, to, mayRemove, err)
	}
	for i, member := range []bool{true, true, false} {
		_, err := p.MailboxFor(ctx, fmt.Sprint(i), member)
		must(t, err)
	}
	if _, _, _, err := p.Trial(); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
}

func TestDamaged(t *testing.T) {
	for _, kept := range []string{"", "{", `{"v":2}`, `[]`} {
		if _, err := Open([]byte(kept), nil); care.KindOf(err) != care.Corrupt {
			t.Errorf("%q: %v", kept, err)
		}
	}
}

func TestGivenBack(t *testing.T) {
	p, at := open(t, whole1)
	address, err := p.Mailbox(t.Context(), "abc")
	must(t, err)
	first, err := p.Login(t.Context(), "abc", true, false)
	must(t, err)
	second, err := p.Login(t.Context(), "abc", true, false)
	must(t, err)
	must(t, p.GiveBack(t.Context(), nil, []string{second.User}))
	again, err := p.Login(t.Context(), "abc", true, false)
	must(t, err)
	if again != second {
		t.Errorf("%v is not handed out again, but %v", second, again)
	}
	must(t, p.GiveBack(t.Context(), []string{"abc", ""}, []string{first.User, second.User, "nobody"}))
	p, err = Open(at.kept, at.keep)
	must(t, err)
	if n := p.Left(); n != 3 {
		t.Errorf("%d mailboxes are left", n)
	}
	if to, err := p.Mailbox(t.Context(), "def"); err != nil || to != address {
		t.Errorf("%s, %v", to, err)
	}
}
