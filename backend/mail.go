package backend

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"postern/backend/care"
	"postern/backend/post/gateway"
	"postern/backend/post/recipe"
	"postern/backend/trust/enrol"
)

// Mail names a mail system on this computer.
type Mail struct {
	System string       // MailGateway, also where it is empty, or MailDovecot
	Dir    string       // of the recipe; empty: the place that belongs to the data folder. The gateway is always in that
	Log    *slog.Logger // of the gateway; nil: nothing is logged
}

// The mail systems that Postern can run.
const (
	MailGateway = "gateway" // the embedded one
	MailDovecot = "dovecot" // Dovecot and Postfix, by build/gateways
)

// GatewayDir is the folder of the embedded gateway that belongs to a data folder.
func GatewayDir(data string) string { return filepath.Join(data, "gateway") }

// check refuses a mail system that there is not.
func (m Mail) check() error {
	switch {
	case m.System != "" && m.System != MailGateway && m.System != MailDovecot:
		return care.Refusef(care.Invalid, "There is no mail system %q: it is %s or %s.", m.System, MailGateway, MailDovecot)
	case m.System != MailDovecot && m.Dir != "":
		return care.Refusef(care.Invalid, "The embedded gateway is always in the data folder; another folder is for --mail-system %s.", MailDovecot)
	}
	return nil
}

// Start sets the mail system up, unless it is there, and runs it until stop, or at the latest as long as this process.
// care.Conflict: another process runs it.
func (m Mail) Start(ctx context.Context, data string) (accounts enrol.Accounts, stop func() error, err error) {
	if err := m.check(); err != nil {
		return nil, nil, err
	}
	if m.System != MailDovecot {
		return m.gateway(ctx, data, false)
	}
	s, err := m.recipe(ctx, data)
	if err != nil {
		return nil, nil, err
	}
	if stop, err = s.Run(false); err != nil {
		return nil, nil, care.Because(care.Unavailable, err, "The mail system does not start.")
	}
	return s, stop, nil
}

func (m Mail) recipe(ctx context.Context, data string) (*recipe.System, error) {
	dir := m.Dir
	if dir == "" {
		var err error
		if dir, err = recipe.Place(ctx, data); err != nil {
			return nil, err
		}
	}
	s, err := recipe.Init(ctx, dir, recipe.Options{})
	if err != nil {
		return nil, care.Because(care.Unavailable, err, "The mail system cannot be set up.")
	}
	return s, nil
}

// use gives the accounts of a mail system that runs, elsewhere or from now on here.
func (m Mail) use(ctx context.Context, data string) (enrol.Accounts, func() error, error) {
	if err := m.check(); err != nil {
		return nil, nil, err
	}
	if m.System == MailDovecot {
		s, err := m.recipe(ctx, data) // "postern practice mail" runs it
		return s, func() error { return nil }, err
	}
	return m.gateway(ctx, data, true)
}

// gateway opens and starts the embedded gateway. elsewhere: another process may run it, and then that one does.
func (m Mail) gateway(ctx context.Context, data string, elsewhere bool) (enrol.Accounts, func() error, error) {
	g, err := gateway.Open(ctx, GatewayDir(data), gateway.Options{Log: m.Log})
	if err != nil {
		return nil, nil, err
	}
	if err := g.Start(ctx); err != nil && !(elsewhere && errors.Is(err, gateway.ErrRuns)) {
		return nil, nil, errors.Join(err, g.Close())
	}
	return g, g.Close, nil
}

// Run runs the mail system until the context ends.
func (m Mail) Run(ctx context.Context, data string, ready func()) error {
	_, stop, err := m.Start(ctx, data)
	if err != nil {
		return err
	}
	ready()
	<-ctx.Done()
	return stop()
}

// MailThere reports whether a data folder has an embedded gateway.
func MailThere(data string) bool {
	_, err := os.Stat(filepath.Join(GatewayDir(data), "gateway.db"))
	return err == nil
}
