package backend

import (
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/post/accounts"
	"postern/backend/post/gateway"
	"postern/backend/post/posttest"
	"postern/backend/post/trial"
	"postern/backend/record/draft"
	"postern/backend/record/view"
	"postern/backend/trust/vault"
)

// alone is one computer whose practice has the gateway on it.
func alone(t *testing.T) *Backend {
	t.Helper()
	b := New(t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil)), nil)
	b.params = vault.Params{Time: 1, Memory: 64, Threads: 1}
	t.Cleanup(b.Close)
	return b
}

func worked(t *testing.T, steps []MailStep, n int) {
	t.Helper()
	for _, s := range steps {
		if s.Problem != "" {
			t.Errorf("%s: %s", s.What, s.Problem)
		}
	}
	if len(steps) != n {
		t.Errorf("%d steps: %v", len(steps), steps)
	}
}

// What a trial makes before there is a practice is gone after it.
func TestTryMailHere(t *testing.T) {
	b := alone(t)
	steps, err := b.TryMail(t.Context(), MailChoice{})
	if err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 7)
	if _, err := os.Lstat(GatewayDir(b.data)); !os.IsNotExist(err) {
		t.Errorf("the gateway is still there: %v", err)
	}
	for field, m := range map[string]MailChoice{
		"imapport": {IMAPPort: -1},
		"smtpport": {IMAPPort: 4993, SMTPPort: 4993},
		"host":     {Host: "localhost"},
		"accounts": {Elsewhere: true},
	} {
		if _, err := b.TryMail(t.Context(), m); fieldOf(err) != field || care.KindOf(err) != care.Invalid {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Who locks the screen of the computer with the gateway ends nobody else's mail: it serves until Postern ends.
func TestGatewayServesWhileLocked(t *testing.T) {
	ctx := t.Context()
	b := alone(t)
	founded, err := b.Found(ctx, Founding{Practice: ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden", Name: "Priya Nair", Label: "Priya", Passphrase: good})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func() *Profile {
		t.Helper()
		p, err := b.SignIn(ctx, founded.Profile, good)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	locked := func(p *Profile) {
		t.Helper()
		b.Leave(p)
		until(t, "the profile closes", func() bool {
			at := b.place(founded.Profile)
			at.mu.Lock()
			defer at.mu.Unlock()
			return at.profile == nil
		})
	}
	priya := signIn()
	mail, err := priya.Registrar().Mail(ctx)
	if err != nil {
		t.Fatal(err)
	}
	answers := func() bool {
		for _, at := range []string{mail.IMAP, mail.SMTP} {
			c, err := net.Dial("tcp", at)
			if err != nil {
				return false
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		return true
	}
	locked(priya)
	if !answers() {
		t.Error("the gateway ends as the screen is locked")
	}
	// Whoever comes back finds it as it was, and it still works for them.
	priya = signIn()
	steps, err := priya.Registrar().TryMail(ctx)
	if err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 7)
	locked(priya)
	b.Close()
	if answers() {
		t.Error("the gateway goes on after Postern has ended")
	}
}

// The story over a mail system that is known by its accounts file alone, a real one of each kind.
func TestAccountsFile(t *testing.T) {
	posttest.Each(t, func(t *testing.T, sys *posttest.System) {
		ctx := t.Context()
		file, err := WriteAccounts(ctx, sys, Wanted{Mailboxes: 2, Offices: 2, Logins: 4})
		if err != nil {
			t.Fatal(err)
		}
		choice := MailChoice{Elsewhere: true, Accounts: file}
		steps, err := alone(t).TryMail(ctx, choice)
		if err != nil {
			t.Fatal(err)
		}
		worked(t, steps, 7)
		priya, _ := fromAnEmptyFolder(t, alone, choice)
		reg := priya.Registrar()
		var state MailState
		until(t, "what is to be ended by hand is put down", func() bool {
			state, err = reg.Mail(ctx)
			return err == nil && len(state.Ends) == 2 // the nurse's device, and the member's that was lost
		})
		if state.Left != 1 || state.Here || !state.Elsewhere {
			t.Errorf("%+v", state)
		}
		for _, login := range state.Ends {
			if err := reg.LoginEnded(ctx, login); err != nil {
				t.Error(err)
			}
			if err := reg.LoginEnded(ctx, login); care.KindOf(err) != care.NotFound {
				t.Error(err)
			}
		}
		if state, err = reg.Mail(ctx); err != nil || len(state.Ends) != 0 {
			t.Errorf("%+v, %v", state, err)
		}

		// One mailbox for a member is left; then there is none, until there is a further file.
		add := func(mrn string) error {
			_, err := reg.AddMember(ctx, care.Patient{Name: "Paul Grant", Born: "1971-05-06", MRN: mrn}, nil)
			return err
		}
		if err := add("1"); err != nil {
			t.Fatal(err)
		}
		if err := add("2"); care.KindOf(err) != care.Invalid || fieldOf(err) != "accounts" {
			t.Error(err)
		}
		if file, err = WriteAccounts(ctx, sys, Wanted{Mailboxes: 1, Logins: 2}); err != nil {
			t.Fatal(err)
		}
		if err := reg.AddAccounts(ctx, []byte("{}")); fieldOf(err) != "accounts" {
			t.Error(err)
		}
		for range 2 { // the same file again changes nothing
			if err := reg.AddAccounts(ctx, file); err != nil {
				t.Fatal(err)
			}
		}
		if err := add("2"); err != nil {
			t.Error(err)
		}
		if err := reg.MoveGateway(ctx, MailChoice{}); care.KindOf(err) != care.Conflict {
			t.Error(err)
		}
	})
}

// A mail system with one login a mailbox: everybody who reads it shares that, and it is not ended as long as one of them does.
func TestOneLoginAMailbox(t *testing.T) {
	ctx := t.Context()
	sys := posttest.Start(t, posttest.Gateway)
	f := accounts.File{}
	for range 3 {
		local := sys.AddMailbox(t)
		l := sys.AddLogin(t, local, posttest.Owner)
		f.IMAP, f.SMTP, f.Roots = l.IMAP, l.SMTP, l.Roots
		f.Mailboxes = append(f.Mailboxes, accounts.Mailbox{Address: sys.Address(local), Logins: []accounts.Login{{User: l.User, Password: l.Password, Kind: accounts.Any}}})
	}
	file, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	priya, _ := fromAnEmptyFolder(t, alone, MailChoice{Elsewhere: true, Accounts: file})
	reg := priya.Registrar()
	until(t, "the logins of the nurse and of the lost device are put down", func() bool { return len(reg.system.pool.Ends()) == 2 })
	state, err := reg.Mail(ctx)
	if err != nil || len(state.Ends) != 0 {
		t.Errorf("logins that others use are to be ended: %v, %v", state.Ends, err)
	}
	for _, m := range f.Mailboxes {
		if err := reg.LoginEnded(ctx, m.Logins[0].User); care.KindOf(err) != care.Conflict {
			t.Error(err)
		}
	}
	// None is free: the trial goes to the practice's own mailbox, and its letter stays there.
	steps, err := reg.TryMail(ctx)
	if err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 6)
	until(t, "that letter troubles nobody", func() bool {
		priya.SyncNow()
		s := priya.Sync()
		return s.Phase == care.SyncUpToDate && s.Problem == ""
	})
}

// The gateway here moves: what is in the way is said in the field, and everybody goes on.
func TestMoveGateway(t *testing.T) {
	ctx := t.Context()
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nobody dials it
	port := taken.Addr().(*net.TCPAddr).Port
	if _, err := alone(t).TryMail(ctx, MailChoice{SMTPPort: port}); fieldOf(err) != "smtpport" {
		t.Errorf("a port that is taken: %v", err)
	}
	priya, member := fromAnEmptyFolder(t, alone, MailChoice{})
	reg := priya.Registrar()
	before, err := reg.Mail(ctx)
	if err != nil || !before.Here || before.Elsewhere || before.Problem != "" {
		t.Fatalf("%+v, %v", before, err)
	}
	if err := reg.MoveGateway(ctx, MailChoice{Host: "localhost"}); fieldOf(err) != "host" {
		t.Error(err)
	}
	if err := reg.MoveGateway(ctx, MailChoice{Host: "postern.test", IMAPPort: port}); fieldOf(err) != "imapport" {
		t.Error(err)
	}
	if now, err := reg.Mail(ctx); err != nil || now.IMAP != before.IMAP || now.Problem != "" {
		t.Errorf("after a move that failed: %+v, %v", now, err)
	}
	write := func(subject string) {
		t.Helper()
		offices := member.replica.Books.Book().Offices()
		d, err := member.Desk().SaveDraft(ctx, draft.Draft{What: command.DraftNew, Office: offices[0].ID, Subject: care.Text(subject), Text: "Text."})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := member.Desk().SendMessage(ctx, d.ID); err != nil {
			t.Fatal(err)
		}
		if err := member.Desk().SendNow(ctx, d.ID); err != nil {
			t.Fatal(err)
		}
		until(t, subject+" is received", func() bool {
			member.SyncNow()
			rows, err := member.Views().Center(ctx, "", "")
			i := slices.IndexFunc(rows, func(r view.Row) bool { return r.Subject == care.Text(subject) })
			return err == nil && i >= 0 && !rows[i].Due.IsZero()
		})
	}
	write("After a move that failed")
	// It moves to other ports, again and again. Each directory still comes by the ports before, and everybody follows. The registrar's own
	// computer hears of none of it meanwhile, and follows all the same when it does: the gateway runs there.
	knows := func(p *Profile) string {
		if g := p.Practice().Gateway; g != nil {
			return trial.At(g.IMAP)
		}
		return ""
	}
	at := func() string { return knows(member) }
	priya.WorkOffline(true)
	if before, err = reg.Mail(ctx); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := reg.MoveGateway(ctx, MailChoice{}); err != nil {
			t.Fatal(err)
		}
		now, err := reg.Mail(ctx)
		if err != nil || !now.Here || now.IMAP == before.IMAP || now.SMTP == before.SMTP {
			t.Errorf("%+v, %v", now, err)
		}
		until(t, "the member knows where it is", func() bool { member.SyncNow(); return at() == now.IMAP })
		write("At " + now.IMAP)
	}
	if c, err := net.Dial("tcp", before.IMAP); err == nil { // the login's own place
		_ = c.Close() // nothing was said
		t.Error("somebody still listens at the first port")
	}
	if now := knows(priya); now != "" && now != before.IMAP {
		t.Fatalf("the registrar's own computer has heard of %s", now)
	}
	priya.WorkOffline(false)
	until(t, "the registrar's own computer follows", func() bool { return knows(priya) == at() && priya.Sync().Phase == care.SyncUpToDate })

	// A slip: nobody can have that address, so that nobody waits for an answer from there. Who was at the old place goes on there, and
	// learns of the next move.
	if err := reg.MoveGateway(ctx, MailChoice{Host: "224.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	slip, err := reg.Mail(ctx)
	if err != nil || slip.Here || !strings.HasPrefix(slip.IMAP, "224.0.0.1:") {
		t.Errorf("%+v, %v", slip, err)
	}
	if steps, err := reg.TryMail(ctx); err != nil || len(steps) == 0 || steps[0].Problem == "" {
		t.Errorf("nobody answers at 224.0.0.1: %v, %v", steps, err)
	}
	until(t, "the member was told of the slip", func() bool { member.SyncNow(); return at() == slip.IMAP })
	if err := reg.MoveGateway(ctx, MailChoice{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the member knows better", func() bool { member.SyncNow(); return at() != slip.IMAP })
	write("After the slip")
	priya.SyncNow()
	until(t, "so does the registrar's own computer", func() bool { return priya.Sync().Phase == care.SyncUpToDate })
}

// A gateway that serves a practice is not moved by who founds another one, or only tries, on the same computer.
// Whoever runs the gateway first, as the service of a computer that is always on, makes the practice over it where it serves.
func TestGatewayThatRuns(t *testing.T) {
	ctx := t.Context()
	b := alone(t)
	g, err := gateway.Open(ctx, GatewayDir(b.data), gateway.Options{Hosts: []string{"localhost"}, Domain: "clinic.example"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := b.TryMail(ctx, MailChoice{IMAPPort: 4993}); care.KindOf(err) != care.Conflict || fieldOf(err) != "imapport" {
		t.Error(err)
	}
	place, err := g.Place()
	if err != nil {
		t.Fatal(err)
	}
	same := MailChoice{IMAPPort: place.IMAP.Port, SMTPPort: place.SMTP.Port}
	steps, err := b.TryMail(ctx, same)
	if err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 7)
	made, err := b.Found(ctx, Founding{Mail: same, Practice: ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden", Name: "Priya Nair", Label: "Priya", Passphrase: good})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.SignIn(ctx, made.Profile, good)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := p.Registrar().Mail(ctx); err != nil || now.IMAP != trial.At(place.IMAP) || now.SMTP != trial.At(place.SMTP) {
		t.Errorf("%+v, it serves at %+v, %v", now, place, err)
	}
}

func TestGatewayOfAnotherPractice(t *testing.T) {
	ctx := t.Context()
	b := alone(t)
	found := func(label string, m MailChoice) (Founded, error) {
		return b.Found(ctx, Founding{Practice: ExamplePlan().Practice, Mail: m, RootPassphrase: "harbor violin maple sudden", Name: "Priya Nair", Label: label, Passphrase: good})
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := found("Priya", MailChoice{IMAPPort: taken.Addr().(*net.TCPAddr).Port}); fieldOf(err) != "imapport" || MailThere(b.data) {
		t.Errorf("a port that is taken: %v", err)
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := found("Priya", MailChoice{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.SignIn(ctx, first.Profile, good)
	if err != nil {
		t.Fatal(err)
	}
	was, err := p.Registrar().Mail(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := MailChoice{Host: "postern.clinic.example", IMAPPort: 4993, SMTPPort: 4465}
	if _, err := b.TryMail(ctx, other); care.KindOf(err) != care.Conflict || fieldOf(err) != "host" {
		t.Error(err)
	}
	if _, err := found("Another", other); care.KindOf(err) != care.Conflict || fieldOf(err) != "host" {
		t.Error(err)
	}
	steps, err := b.TryMail(ctx, MailChoice{})
	if err != nil {
		t.Fatal(err)
	}
	worked(t, steps, 7)
	if _, err := found("Another", MailChoice{}); err != nil {
		t.Error(err)
	}
	all, err := p.registrar.system.here.use().List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if strings.HasPrefix(a.Mailbox, "trial-") {
			t.Errorf("a trial left %s", a.Mailbox)
		}
	}
	b.Leave(p)
	if p, err = b.SignIn(ctx, first.Profile, good); err != nil {
		t.Fatal(err)
	}
	if now, err := p.Registrar().Mail(ctx); err != nil || now.IMAP != was.IMAP || now.SMTP != was.SMTP {
		t.Errorf("%+v, it was %+v, %v", now, was, err)
	}
}

func TestWriteAccountsRefuses(t *testing.T) {
	sys := posttest.Start(t, posttest.Gateway)
	for name, w := range map[string]Wanted{
		"nothing":           {Logins: 1},
		"no logins":         {Mailboxes: 1},
		"no kind":           {Logins: 1, Address: sys.Address("x")},
		"another kind":      {Logins: 1, Address: sys.Address("x"), Kind: "any"},
		"another domain":    {Logins: 1, Address: sys.AddMailbox(t) + "@other.test", Kind: "owner"},
		"a negative number": {Mailboxes: -1, Offices: 2, Logins: 1},
	} {
		if _, err := WriteAccounts(t.Context(), sys, w); care.KindOf(err) != care.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
