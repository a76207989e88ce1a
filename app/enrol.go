package app

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
)

// newEnrol answers an invitation without a window: for the agent, on a computer that nobody sits at.
func newEnrol(f *flags) *cobra.Command {
	var file, born, label, codeFile, passFile string
	cmd := &cobra.Command{
		Use:   "enrol",
		Short: "Answers an invitation without a window, as for the agent on a server",
		Long: "Opens an invitation with its code, makes the profile that it is for, and waits until the practice has taken it in.\n" +
			"What is not given is asked for. At the end it prints the recovery code, once, and the profile's name.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(*f, os.Stderr)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return care.Because(care.NotFound, err, "The invitation cannot be read. Name its file with --invitation.")
			}
			ask := newAsking(cmd)
			code, err := ask.secret("Code of the invitation: ", codeFile)
			if err != nil {
				return err
			}
			b := backend.New(f.data, log, nil)
			defer b.Close()
			i, err := b.OpenInvitation(text, code)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "An invitation of %s for %s, good until %s.\n", i.Clinic, i.Name, i.Expires.Local().Format("January 2, 2006"))
			if i.Born != "" && born == "" {
				if born, err = ask.line("Date of birth, as 1980-03-04: "); err != nil {
					return err
				}
			}
			pass, err := ask.chosen("A passphrase for the profile: ", passFile)
			if err != nil {
				return err
			}
			id, err := b.Enrol(backend.Enrolment{File: text, Code: code, Born: born, Label: cmp.Or(label, i.Name), Passphrase: pass})
			if err != nil {
				return err
			}
			recovery, err := b.EnrolmentSheet(id)
			if err != nil {
				return err
			}
			// Said before it waits: whoever ends this goes on later by signing in.
			fmt.Fprintf(cmd.OutOrStdout(), "profile: %s\nrecovery code: %s\n", id, recovery)
			return wait(cmd, b, id, i.Clinic)
		},
	}
	cmd.Flags().StringVar(&file, "invitation", "", "the invitation's file, *.postern-invite")
	cmd.Flags().StringVar(&codeFile, "code-file", "", "file with the code on its first line; without it, it is asked for")
	cmd.Flags().StringVar(&born, "born", "", "date of birth of a member, as 1980-03-04")
	cmd.Flags().StringVar(&label, "label", "", "name of the profile in the chooser; the invitation's by default")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file with the passphrase on its first line; without it, it is asked for")
	return cmd
}

// wait says how an enrolment goes until the practice has taken it in.
func wait(cmd *cobra.Command, b *backend.Backend, id, clinic string) error {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	said := ""
	for {
		now, err := b.Enrolling(id)
		if err != nil {
			return err
		}
		say := "Sending the answer."
		switch {
		case now.Over:
			return care.Refusef(care.Gone, "%s", now.Problem)
		case now.Step == backend.EnrolDone:
			fmt.Fprintf(cmd.ErrOrStderr(), "%s has taken this profile in.\n", clinic)
			return nil
		case now.Problem != "":
			say = now.Problem
		case now.Step == backend.EnrolWaiting:
			say = "Sent. Waiting for " + clinic + " to take it in: its administration has to be open."
		}
		if say != said {
			fmt.Fprintln(cmd.ErrOrStderr(), say)
			said = say
		}
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-look.C:
		}
	}
}
