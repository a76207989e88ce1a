package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/post/gateway"
)

// newGateway runs the embedded gateway alone, as a server, and manages it.
func newGateway(f *flags) *cobra.Command {
	var o gateway.Options
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "Runs the mail system alone: SMTP submission and IMAP over TLS",
		Long: "Runs the embedded gateway in the folder gateway of the data folder until it is told to end. It serves this\n" +
			"computer alone unless --imap and --smtp name other addresses; logins then need --host, the name under which\n" +
			"clients reach it. What is given is kept for the next time. docs/gateway.md says more.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Log, err = logger(*f, os.Stderr); err != nil {
				return err
			}
			g, err := gateway.Open(cmd.Context(), backend.GatewayDir(f.data), o)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, g.Close()) }()
			return g.Run(cmd.Context(), func() {
				at := g.Addresses()
				fmt.Fprintf(cmd.OutOrStdout(), "gateway: IMAP %s, SMTP %s, TLS, for @%s\n", at["IMAPS"], at["SMTPS"], g.Domain())
			})
		},
	}
	cmd.Flags().StringVar(&o.IMAPS, "imap", "", "address for IMAP over TLS, as 0.0.0.0:993; a free port of 127.0.0.1 by default, which is kept")
	cmd.Flags().StringVar(&o.SMTPS, "smtp", "", "address for submission over TLS, as 0.0.0.0:465; likewise")
	cmd.Flags().StringVar(&o.Domain, "domain", "", "what follows the @ of its addresses, set once; "+gateway.DefaultDomain+" by default")
	cmd.Flags().StringSliceVar(&o.Hosts, "host", nil, "name or address under which clients reach it; the first goes into logins")
	cmd.Flags().StringVar(&o.Certificate, "certificate", "", "file with a certificate and its chain, in place of the gateway's own")
	cmd.Flags().StringVar(&o.Key, "key", "", "file with its key")
	cmd.Flags().StringVar(&o.Roots, "roots", "", "file with the authorities that clients must trust for it beside their system's")
	cmd.Flags().Int64Var(&o.Limits.Mailbox, "quota", 0, "bytes that a mailbox may hold; 2 GiB by default")
	cmd.AddCommand(newAccount(f), newAccounts(f), manage(f, "check", "Reads the whole file and says whether it holds together", func(cmd *cobra.Command, g *gateway.Gateway) error {
		if err := g.Check(cmd.Context()); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "The gateway's file holds together.")
		return nil
	}), manage(f, "restored", "Tells clients to compare everything, after an older copy was put back", func(cmd *cobra.Command, g *gateway.Gateway) error {
		return g.Restored(cmd.Context())
	}))
	return cmd
}

// manage is a command that opens the gateway of the data folder and does one thing.
func manage(f *flags, use, short string, do func(*cobra.Command, *gateway.Gateway) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return with(cmd, f, do) }}
}

func with(cmd *cobra.Command, f *flags, do func(*cobra.Command, *gateway.Gateway) error) (err error) {
	if !backend.MailThere(f.data) {
		return care.Refusef(care.NotFound, "There is no gateway in %s. Name its data folder with --data, or run \"postern gateway\" once.", f.data)
	}
	g, err := gateway.Open(cmd.Context(), backend.GatewayDir(f.data), gateway.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	return do(cmd, g)
}

// newAccount manages logins, also while another process runs the gateway.
func newAccount(f *flags) *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Manages the gateway's mailboxes and logins"}
	var kind string
	add := &cobra.Command{
		Use: "add MAILBOX", Short: "Makes a login for a mailbox, which is made if there is none, and prints its settings once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch gateway.Kind(kind) {
			case gateway.Owner, gateway.Staff, gateway.Agent:
			default:
				return care.Refusef(care.Invalid, "--kind takes owner, staff or agent, not %q.", kind)
			}
			return with(cmd, f, func(cmd *cobra.Command, g *gateway.Gateway) error {
				if _, err := g.Mailbox(cmd.Context(), args[0]); err != nil {
					return err
				}
				login, err := g.NewLogin(cmd.Context(), args[0], gateway.Kind(kind))
				if err != nil {
					return err
				}
				return printLogin(cmd, g, login)
			})
		},
	}
	add.Flags().StringVar(&kind, "kind", string(gateway.Owner), "owner: everything in the mailbox; staff: read and submit; agent: as owner, it files letters")
	password := &cobra.Command{
		Use: "password LOGIN", Short: "Gives a login a new password, and prints its settings once; its sessions end", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, f, func(cmd *cobra.Command, g *gateway.Gateway) error {
				login, err := g.Password(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return printLogin(cmd, g, login)
			})
		},
	}
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Takes a login away, or closes a mailbox; letters stay", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd, f, func(cmd *cobra.Command, g *gateway.Gateway) error { return g.Without(cmd.Context(), args[0]) })
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "Lists mailboxes and logins", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return with(cmd, f, listAccounts) },
	}
	cmd.AddCommand(add, list, remove, password)
	return cmd
}

// newAccounts writes the file by which a practice on another computer uses this gateway.
func newAccounts(f *flags) *cobra.Command {
	w := backend.Wanted{Mailboxes: 20, Offices: 6, Logins: 4}
	cmd := &cobra.Command{
		Use: "accounts", Short: "Makes mailboxes and logins, and prints the accounts file by which a practice elsewhere uses them",
		Long: "Makes mailboxes with logins at this gateway and prints them, with their passwords, as the accounts file that a practice\n" +
			"on another computer is founded with, or takes in later. Whoever has the file has the mailboxes: write it where nobody\n" +
			"else reads it (umask 077), and remove it when the practice has it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd, f, func(cmd *cobra.Command, g *gateway.Gateway) error {
				if g.Alone() {
					fmt.Fprintln(cmd.ErrOrStderr(), "postern: this gateway serves its own computer alone, and the file says so. Run it with --imap, --smtp and --host first.")
				}
				file, err := backend.WriteAccounts(cmd.Context(), g, w)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(file)
				return err
			})
		},
	}
	cmd.Flags().IntVar(&w.Mailboxes, "mailboxes", w.Mailboxes, "mailboxes for members")
	cmd.Flags().IntVar(&w.Offices, "offices", w.Offices, "mailboxes for the practice itself and its offices")
	cmd.Flags().IntVar(&w.Logins, "logins", w.Logins, "logins for each member's mailbox, and for the agent at each office's; for the staff there ten times as many. A computer that enrols takes two")
	cmd.Flags().StringVar(&w.Address, "address", "", "no new mailboxes, but more logins for the one with this address")
	cmd.Flags().StringVar(&w.Kind, "kind", "", "with --address: owner (a member's), staff or agent")
	return cmd
}

func printLogin(cmd *cobra.Command, g *gateway.Gateway, l care.MailLogin) error {
	at := func(e care.Endpoint) string { return net.JoinHostPort(e.Host, fmt.Sprint(e.Port)) + ", TLS" }
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "user: %s\npassword: %s\naddress: %s\nimap: %s\nsmtp: %s\nauthority: %s\n",
		l.User, l.Password, l.Address, at(l.IMAP), at(l.SMTP), filepath.Join(g.Dir(), "tls", "ca.pem"))
	return err
}

func listAccounts(cmd *cobra.Command, g *gateway.Gateway) error {
	all, err := g.List(cmd.Context())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "MAILBOX\tLOGIN\tKIND\tMADE\tLETTERS\tBYTES")
	for _, a := range all {
		made, name := "", a.Mailbox
		if !a.Made.IsZero() {
			made = a.Made.Format(time.DateOnly)
		}
		if a.Closed {
			name += " (closed)"
		}
		fmt.Fprintln(w, strings.Join([]string{name, a.Login, string(a.Kind), made, fmt.Sprint(a.Letters), fmt.Sprint(a.Bytes)}, "\t"))
	}
	return w.Flush()
}
