package app

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
)

func newAgent(f *flags) *cobra.Command {
	var profile, passFile, mail, health string
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Confirms members' messages, without a window",
		Long: "Runs the clinic's agent: it confirms each message that reaches an office and names the day by which a reply\n" +
			"is due. With --mail it tells members by ordinary e-mail that there is something to read, where the practice wants it.\n" +
			"It runs until it is told to end. As a service of systemd's it takes its passphrase from the credential\n" +
			credential + ", where the service has one.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			log, err := logger(*f, os.Stderr)
			if err != nil {
				return err
			}
			b := backend.New(f.data, log, nil)
			defer b.Close()
			if mail != "" {
				if _, err := readSecret(mail); err != nil { // it holds a password; on Windows, too, nobody else may read it
					return err
				}
				if err := b.UseMail(mail); err != nil {
					return err
				}
			}
			var l net.Listener
			if health != "" {
				if l, err = listen(ctx, "--health", health); err != nil {
					return err
				}
				defer func() { _ = l.Close() }() // whoever serves on it closes it, too
			}
			pass, err := passphrase(cmp.Or(passFile, handed()), cmd)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("profile") {
				if profile, err = onlyProfile(b, profile); err != nil {
					return err
				}
			}
			p, err := b.SignIn(ctx, profile, pass)
			if err != nil {
				return err
			}
			log.Info("the agent is running", "person", p.Me().ID)
			go supervised(ctx, p, func(state string) {
				if err := notify(ctx, state); err != nil && ctx.Err() == nil {
					log.Warn("systemd is not told how the agent stands", "state", state, "err", err)
				}
			})
			if l != nil {
				fmt.Fprintf(cmd.OutOrStdout(), "health: http://%s/healthz\n", l.Addr())
				return serveUntil(ctx, l, healthy(p.Health, log), log)
			}
			<-ctx.Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "agent", "the agent's profile in the data folder, where there is more than one")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file that holds the passphrase on its first line, which nobody else may read; without it, it is asked for")
	cmd.Flags().StringVar(&health, "health", "", "address at which programs of this computer read how the agent stands (/healthz, /metrics), as 127.0.0.1:9464; nowhere by default")
	cmd.Flags().StringVar(&mail, "mail", "", "file that describes the agent's ordinary mailbox, for notices to members; its own account alone may read it")
	cmd.AddCommand(newMailCheck())
	return cmd
}

func newMailCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "mail-check FILE",
		Short: "Tries the agent's ordinary mailbox out by a letter to itself",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			steps, err := backend.TryOrdinary(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			for _, s := range steps {
				if s.Problem != "" {
					return care.Refusef(care.Unavailable, "%s: this failed. %s", s.What, s.Problem)
				}
				fmt.Fprintln(cmd.OutOrStdout(), s.What+": done.")
			}
			return nil
		},
	}
}

// supervised tells systemd that the agent runs once it knows what it did before, and then that it still answers: whoever cannot read
// their own record any more is started anew.
func supervised(ctx context.Context, p *backend.Profile, tell func(state string)) {
	if p.Learnt(ctx) != nil {
		return
	}
	tell("READY=1\nSTATUS=Confirms what members send.")
	every := watched()
	if every == 0 {
		return
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		look, cancel := context.WithTimeout(ctx, every)
		if _, err := p.Health(look); err == nil {
			tell("WATCHDOG=1")
		}
		cancel()
	}
}

// onlyProfile gives the one profile of the data folder, if there is exactly one: the agent's own computer has no other.
func onlyProfile(b *backend.Backend, otherwise string) (string, error) {
	all, err := b.Profiles()
	if err != nil || len(all) != 1 {
		return otherwise, err
	}
	return all[0].ID, nil
}
