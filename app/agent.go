package app

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"postern/backend"
	"postern/backend/care"
)

func newAgent(f *flags) *cobra.Command {
	var profile, passFile string
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Confirms members' messages, without a window",
		Long: "Runs the clinic's agent: it confirms each message that reaches an office and names the day by which a reply\n" +
			"is due. It runs until it is told to end.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(*f, os.Stderr)
			if err != nil {
				return err
			}
			pass, err := passphrase(passFile, cmd)
			if err != nil {
				return err
			}
			b := backend.New(f.data, log, nil)
			defer b.Close()
			p, err := b.SignIn(cmd.Context(), profile, pass)
			if err != nil {
				return err
			}
			log.Info("the agent is running", "person", p.Me().ID)
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "agent", "the agent's profile in the data folder")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file that holds the passphrase on its first line; without it, it is asked for")
	return cmd
}

// passphrase reads a passphrase from a file, or from standard input. It is never a flag: flags show in process lists.
func passphrase(file string, cmd *cobra.Command) (string, error) {
	in := cmd.InOrStdin()
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", care.Because(care.NotFound, err, "The passphrase file cannot be read.")
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	} else {
		fmt.Fprint(cmd.ErrOrStderr(), "Passphrase: ")
		if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			typed, err := term.ReadPassword(int(f.Fd())) // without showing it
			fmt.Fprintln(cmd.ErrOrStderr())
			if err != nil || len(typed) == 0 {
				return "", care.Because(care.Invalid, err, "A passphrase is needed.")
			}
			return string(typed), nil
		}
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", care.Because(care.Invalid, err, "A passphrase is needed.")
	}
	return line, nil
}
