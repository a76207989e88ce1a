package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/demo"
)

func newDemo(f *flags) *cobra.Command {
	var browser, startOver bool
	var mail backend.Mail
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Runs a small invented practice with its own mail system",
		Long: "Makes a small practice in the data folder, unless it is there already, starts its mail system and its agent,\n" +
			"and shows it in a window, or in a browser where there is no display. The passphrase of every profile is \"" + demo.Passphrase + "\".",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(*f, os.Stderr)
			if err != nil {
				return err
			}
			return runDemo(cmd, *f, mail, browser, startOver, log)
		},
	}
	cmd.Flags().BoolVar(&browser, "browser", false, "show it in a browser on this computer instead of a window")
	mailFlags(cmd, &mail)
	cmd.Flags().BoolVar(&startOver, "start-over", false, "throw the demo in the data folder away and make it new")
	return cmd
}

// mailFlags choose a mail system, for a command and those under it.
func mailFlags(cmd *cobra.Command, m *backend.Mail) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&m.System, "mail-system", backend.MailGateway, "the mail system: "+backend.MailGateway+", or "+backend.MailDovecot+" for Dovecot and Postfix")
	flags.StringVar(&m.Dir, "mail", "", "folder for Dovecot and Postfix, which their users must be able to enter; a place of its own under /var/lib by default")
}

// runDemo brings the practice up, bottom first, and shows it until the context ends; it goes down in reverse.
func runDemo(cmd *cobra.Command, f flags, m backend.Mail, browser, startOver bool, log *slog.Logger) (err error) {
	ctx := cmd.Context()
	// One demo a folder, before anything of it is touched: a second would start over under the first, or end its mail.
	hold, raised, err := first(cmd, f.data)
	if err != nil || hold == nil {
		return err
	}
	defer func() { err = errors.Join(err, hold.Close()) }()
	if !browser && !display() {
		noDisplay(cmd)
		browser = true
	}
	var l net.Listener
	if browser {
		if l, err = listen(ctx, "--listen", f.listen); err != nil {
			return err
		}
		defer func() { _ = l.Close() }() // served to its end by show, or never
	}
	if startOver {
		if err := demo.ThrowAway(f.data); err != nil {
			return care.Because(care.Internal, err, "The old demo could not be removed.")
		}
	}
	say := func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "postern: "+format+"\n", args...) }
	say("starting the mail system")
	m.Log = log
	accounts, stop, err := demo.StartMail(ctx, f.data, m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if !demo.Made(f.data) {
		say("making a small practice (this is done once)")
		maker := demo.Maker{Data: f.data, Accounts: accounts, Log: log, Say: func(done, of int, what string) { say("%d of %d %s", done, of, what) }}
		if err := maker.Make(ctx); err != nil {
			return err
		}
	}
	agents := backend.New(demo.AgentData(f.data), log, nil)
	defer agents.Close()
	if _, err := agents.SignIn(ctx, demo.AgentProfile, demo.Passphrase); err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	b := backend.New(f.data, log, nil).Over(m)
	defer b.Close()
	say("ready. The passphrase of every profile is \"%s\". Ctrl-C ends it.", demo.Passphrase)
	if !browser {
		return openWindow(ctx, b, f.data, log, raised, nil)
	}
	return show(ctx, l, b, f.data, log, nil, cmd.OutOrStdout())
}

// mark is what the screens of a data folder say: a demo's, that nobody in it is a patient.
func mark(data string) string {
	if demo.Made(data) {
		return demo.Mark
	}
	return ""
}
