package replica

import (
	"crypto/ed25519"
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"postern/backend/care"
	"postern/backend/record/outbox"
	"postern/backend/record/store"
	"postern/backend/trust/seal"
)

// going is what goes on of a replica, and what it keeps.
func going(t *testing.T, r *Replica) (*Onward, *[]Outcome) {
	t.Helper()
	o, err := r.Onward(t.Context())
	must(t, err)
	kept := new([]Outcome)
	o.Keep = func(all []Outcome) error {
		*kept = slices.Clone(all)
		return nil
	}
	return o, kept
}

func fates(all []Outcome) (out []Fate) {
	for _, o := range all {
		out = append(out, o.Fate)
	}
	return out
}

// Letters go on in their order, each fate is kept, and the outbox takes them in once, however often it is told.
func TestOnward(t *testing.T) {
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
	never := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	s := &scripted{rcpt: []*smtp.SMTPError{later, never}}
	r, a, now := outgoing(t, s)
	o, kept := going(t, r)
	wants(t, r, outbox.Waiting, outbox.Waiting)
	must(t, o.Submit(t.Context()))
	if got := fates(*kept); !slices.Equal(got, []Fate{PutOff}) || len(s.taken) != 0 || o.Left() != 2 {
		t.Errorf("put off: %q, taken %v, %d left", got, s.taken, o.Left())
	}
	must(t, o.Submit(t.Context())) // nothing is due
	now.later(10 * time.Minute)
	must(t, o.Submit(t.Context()))
	if got := fates(*kept); !slices.Equal(got, []Fate{Refused, Handed}) || len(s.taken) != 1 || o.Left() != 0 {
		t.Errorf("in the end: %q, taken %v, %d left", got, s.taken, o.Left())
	}
	wants(t, r, outbox.Waiting, outbox.Waiting) // nobody has told it
	for range 2 {
		must(t, r.TakeIn(t.Context(), *kept))
		wants(t, r, outbox.Failed, outbox.Handed)
	}
	if len(a.failed) != 1 {
		t.Errorf("its conversation is told %q", a.failed)
	}
}

// A try is kept before it is made: without room for that nothing is sent, and after a crash the outbox knows that the
// letter may be there.
func TestOnwardKeepsTheTryFirst(t *testing.T) {
	s := &scripted{}
	r, _, _ := outgoing(t, s)
	o, _ := going(t, r)
	full := errors.New("no room")
	o.Keep = func([]Outcome) error { return full }
	if err := o.Submit(t.Context()); !errors.Is(err, full) || len(s.taken) != 0 {
		t.Errorf("%v, taken %v", err, s.taken)
	}
	var first []Outcome
	o.Keep = func(all []Outcome) error {
		if first != nil {
			return full // killed
		}
		first = slices.Clone(all)
		return nil
	}
	if err := o.Submit(t.Context()); !errors.Is(err, full) || len(s.taken) != 1 {
		t.Errorf("%v, taken %v", err, s.taken)
	}
	must(t, r.TakeIn(t.Context(), first))
	wants(t, r, "waiting perhaps gone", outbox.Waiting)
	again, _ := going(t, r)
	must(t, again.Submit(t.Context()))
	if len(s.taken) != 3 || again.Left() != 0 {
		t.Errorf("taken %v", s.taken)
	}
}

// Who works offline sends nothing, and where nothing is left there is nothing that goes on.
func TestNothingGoesOn(t *testing.T) {
	r, _, _ := outgoing(t, &scripted{})
	r.SetOffline(true)
	if o, err := r.Onward(t.Context()); o != nil || err != nil {
		t.Errorf("offline: %v, %v", o, err)
	}
	r.SetOffline(false)
	must(t, r.Settle(t.Context()))
	if o, err := r.Onward(t.Context()); o != nil || err != nil {
		t.Errorf("all sent: %v, %v", o, err)
	}
}

// What is queued behind a letter that must stay, stays with it.
func TestOnwardLeavesWhatMustStay(t *testing.T) {
	r, _, _ := outgoing(t, &scripted{})
	must(t, r.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE letter SET mailbox = ?", string(care.NewID("mb"))) // not in the list yet
		return err
	}))
	if o, err := r.Onward(t.Context()); o != nil || err != nil {
		t.Errorf("%v, %v", o, err)
	}
}

// Nothing that reads or signs can be reached from what goes on.
func TestOnwardHoldsNoKey(t *testing.T) {
	r, _, _ := outgoing(t, &scripted{})
	r.Logins[0].IMAP, r.Logins[0].Mailbox = care.Endpoint{Host: "mail.test", Port: 993, TLS: care.TLSImplicit}, r.Books.Book().Offices()[0].Mailbox
	o, _ := going(t, r)
	if o.login.IMAP != (care.Endpoint{}) || o.login.Mailbox != "" || o.login.Password == "" {
		t.Error("the login is more, or less, than submits")
	}
	never := []reflect.Type{reflect.TypeFor[seal.Ring](), reflect.TypeFor[seal.Secret](), reflect.TypeFor[store.DB](),
		reflect.TypeFor[ed25519.PrivateKey](), reflect.TypeFor[Replica](), reflect.TypeFor[Books]()}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, path string) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		if slices.Contains(never, typ) {
			t.Errorf("it holds %s at %s", typ, path)
		}
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
			walk(typ.Elem(), path)
		case reflect.Map:
			walk(typ.Key(), path)
			walk(typ.Elem(), path)
		case reflect.Struct:
			for i := range typ.NumField() {
				walk(typ.Field(i).Type, path+"."+typ.Field(i).Name)
			}
		}
	}
	walk(reflect.TypeFor[Onward](), "Onward")
}
