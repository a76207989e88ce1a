package gateway_test

import (
	"errors"
	"net"
	"strconv"
	"testing"

	"postern/backend/care"
	"postern/backend/post/gateway"
)

// A port that was picked is held: nobody else can have it before the gateway starts. Nor is it one that a system hands out to who
// connects somewhere, who may have it when the gateway starts again.
func TestPickedPortIsHeld(t *testing.T) {
	g, err := gateway.Open(t.Context(), t.TempDir(), gateway.Options{})
	must(t, err)
	for service, at := range g.Addresses() {
		if l, err := net.Listen("tcp", at); err == nil {
			t.Errorf("another program can have %s, which is picked for %s", at, service)
			must(t, l.Close())
		}
		if n := port(t, at); n < 1024 || n >= 32768 {
			t.Errorf("%s is picked for %s, and may be anybody's", at, service)
		}
	}
	must(t, g.Start(t.Context()))
	must(t, g.Stop())
	must(t, g.Start(t.Context())) // on the same ports
	must(t, g.Close())

	unused, err := gateway.Open(t.Context(), t.TempDir(), gateway.Options{})
	must(t, err)
	at := unused.Addresses()["IMAPS"]
	must(t, unused.Close())
	l, err := net.Listen("tcp", at)
	must(t, err) // it was given back
	must(t, l.Close())
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	must(t, err)
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

func TestWhyAPortCannotBeHad(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { must(t, taken.Close()) }()
	for field, o := range map[string]gateway.Options{"imapport": {IMAPS: taken.Addr().String()}, "smtpport": {SMTPS: taken.Addr().String()}} {
		g, err := gateway.Open(t.Context(), t.TempDir(), o)
		must(t, err)
		var refusal *care.Error
		if err := g.Start(t.Context()); !errors.As(err, &refusal) || refusal.Kind != care.Conflict || refusal.Field != field || errors.Is(err, gateway.ErrRuns) {
			t.Errorf("%s: %v", field, err)
		}
		must(t, g.Close())
	}
	dir := t.TempDir()
	first := startIn(t, dir, gateway.Options{})
	second, err := gateway.Open(t.Context(), dir, gateway.Options{})
	must(t, err)
	if err := second.Start(t.Context()); !errors.Is(err, gateway.ErrRuns) || care.KindOf(err) != care.Conflict {
		t.Error(err)
	}
	must(t, second.Close())
	must(t, first.Stop())
}

func TestServing(t *testing.T) {
	for name, c := range map[string]struct {
		host       string
		imap, smtp int
		field      string
	}{
		"alone":               {"", 0, 0, ""},
		"a name":              {"Mail.Clinic.Example", 993, 465, ""},
		"an address":          {"192.168.1.20", 0, 0, ""},
		"an address of IPv6":  {"fd00::1", 0, 0, ""},
		"nothing but spaces":  {"  ", 0, 0, ""},
		"loopback":            {"127.0.0.2", 0, 0, "host"},
		"localhost":           {"localhost", 0, 0, "host"},
		"everything":          {"0.0.0.0", 0, 0, "host"},
		"a port in the name":  {"mail.clinic.example:993", 0, 0, "host"},
		"a URL":               {"https://mail.clinic.example", 0, 0, "host"},
		"a port too large":    {"", 65536, 0, "imapport"},
		"a port below 0":      {"", 0, -1, "smtpport"},
		"the same port twice": {"", 993, 993, "smtpport"},
	} {
		_, err := gateway.Serving(c.host, c.imap, c.smtp)
		var refusal *care.Error
		if errors.As(err, &refusal); (err == nil) != (c.field == "") || err != nil && (refusal.Field != c.field || refusal.Kind != care.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// move opens the gateway of a folder at another place, which goes on where it was.
func move(t *testing.T, dir, host string, imap, smtp int) *gateway.Gateway {
	t.Helper()
	o, err := gateway.Serving(host, imap, smtp)
	must(t, err)
	o.GoOn = true
	g, err := gateway.Open(t.Context(), dir, o)
	must(t, err)
	must(t, g.Start(t.Context()))
	return g
}

// A login that names a place that was left goes on, with the certificate that it expects; after three further moves it is over.
func TestMovedGatewayGoesOn(t *testing.T) {
	dir := t.TempDir()
	g := move(t, dir, "", 0, 0)
	_, err := g.Mailbox(t.Context(), "box")
	must(t, err)
	old, err := g.NewLogin(t.Context(), "box", gateway.Owner)
	must(t, err)
	must(t, g.Close())
	for n := range 5 {
		host := ""
		if n == 0 {
			host = "mail.clinic.example"
		}
		g := move(t, dir, host, 0, 0)
		now, err := g.NewLogin(t.Context(), "box", gateway.Owner)
		must(t, err)
		if now.IMAP == old.IMAP || host != "" && now.IMAP.Host != host || g.Alone() != (host == "") {
			t.Errorf("a new login is at %v, %v", now.IMAP, g.Alone())
		}
		if n < 4 { // the move to a host is forgotten by the one back
			must(t, secure(t, old, old.IMAP).Close())
			must(t, secure(t, old, old.SMTP).Close())
		} else if c, err := net.Dial("tcp", net.JoinHostPort(old.IMAP.Host, strconv.Itoa(old.IMAP.Port))); err == nil {
			must(t, c.Close())
			t.Error("it still serves the first place")
		}
		must(t, g.Close())
	}
}

// One that serves its own computer alone again is reached by nobody else, and one that serves everywhere needs no second
// listener for a port of its own.
func TestFormerPlacesAreNoWayIn(t *testing.T) {
	dir := t.TempDir()
	g := move(t, dir, "mail.clinic.example", 0, 0)
	at := g.Addresses()
	must(t, g.Close())
	g = move(t, dir, "", 0, 0)
	if l, err := net.Listen("tcp", at["IMAPS"]); err != nil {
		t.Errorf("it still listens at %s: %v", at["IMAPS"], err)
	} else {
		must(t, l.Close())
	}
	alone := g.Addresses()
	must(t, g.Close())
	g = move(t, dir, "mail.clinic.example", port(t, alone["IMAPS"]), port(t, alone["SMTPS"]))
	must(t, dial(t, care.Endpoint{Host: "127.0.0.1", Port: port(t, alone["IMAPS"])}).Close())
	must(t, g.Close())
}

func TestRemove(t *testing.T) {
	s := start(t, gateway.Options{})
	ctx := t.Context()
	login := s.login(gateway.Owner)
	s.put(1)
	if err := s.Remove(ctx, s.local); care.KindOf(err) != care.Conflict {
		t.Errorf("a mailbox with a letter: %v", err)
	}
	if all, err := s.List(ctx); err != nil || len(all) != 1 || all[0].Login != login.User {
		t.Errorf("%v, %v", all, err)
	}
	_, err := s.Mailbox(ctx, "trial")
	must(t, err)
	_, err = s.NewLogin(ctx, "trial", gateway.Owner)
	must(t, err)
	must(t, s.Remove(ctx, "trial"))
	if err := s.Remove(ctx, "trial"); care.KindOf(err) != care.NotFound {
		t.Error(err)
	}
	if all, err := s.List(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	_, err = s.Mailbox(ctx, "trial") // it can be made again
	must(t, err)
	must(t, s.Check(ctx))
}

// Where it moves, no service gets the port at which another one was reached: who has not heard of the move would ask there for the
// wrong thing, for ever.
func TestPortOfAnotherService(t *testing.T) {
	dir := t.TempDir()
	opens := func(o gateway.Options) (map[string]string, error) {
		t.Helper()
		g, err := gateway.Open(t.Context(), dir, o)
		if err != nil {
			return nil, err
		}
		must(t, g.Start(t.Context()))
		at := g.Addresses()
		must(t, g.Close())
		return at, nil
	}
	first, err := opens(gateway.Options{})
	must(t, err)
	for _, moved := range []bool{false, true} { // it is there now, and was there before
		if moved {
			_, err := opens(gateway.Options{IMAPS: "127.0.0.1:0", SMTPS: "127.0.0.1:0", GoOn: true})
			must(t, err)
		}
		for field, o := range map[string]gateway.Options{"smtpport": {SMTPS: first["IMAPS"], GoOn: true}, "imapport": {IMAPS: first["SMTPS"], GoOn: true}} {
			var refusal *care.Error
			if _, err := opens(o); !errors.As(err, &refusal) || refusal.Kind != care.Conflict || refusal.Field != field {
				t.Errorf("moved %v, %s: %v", moved, field, err)
			}
		}
	}
	back, err := opens(gateway.Options{IMAPS: first["IMAPS"], SMTPS: first["SMTPS"], GoOn: true})
	if err != nil || back["IMAPS"] != first["IMAPS"] || back["SMTPS"] != first["SMTPS"] {
		t.Errorf("back where it was: %v, %v", back, err)
	}
}
