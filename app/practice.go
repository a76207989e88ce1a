package app

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
)

// newPractice makes practices on this computer. Enrolment between computers comes later; until then this is how a
// practice, its people and their profiles come to be, for trying things out and for tests.
func newPractice(f *flags) *cobra.Command {
	var file, passFile string
	var mail backend.Mail
	cmd := &cobra.Command{Use: "practice", Short: "Makes a practice, its people and their profiles on this computer"}
	make := &cobra.Command{
		Use:   "make",
		Short: "Makes a practice from a description",
		Long: "Makes everything that a description names: the practice, its offices, people, members and a profile for each on\n" +
			"this computer, with mailboxes and logins at the mail system of the data folder. \"postern practice mail\" or \"postern\n" +
			"gateway\" runs that. The description is JSON; \"postern practice example\" prints one. The passphrase, of all profiles,\n" +
			"has to be a strong one: four or more words that nobody guesses.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return care.Because(care.NotFound, err, "The description cannot be read. Name it with --from.")
			}
			plan, err := backend.ReadPlan(text)
			if err != nil {
				return err
			}
			pass, err := passphrase(passFile, cmd)
			if err != nil {
				return err
			}
			made, err := backend.MakePractice(cmd.Context(), f.data, mail, pass, plan)
			for _, p := range made {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", p.ID, p.Label)
			}
			return err
		},
	}
	make.Flags().StringVar(&file, "from", "practice.json", "the description")
	make.Flags().StringVar(&passFile, "passphrase-file", "", "file with the passphrase of all profiles on its first line; without it, it is asked for")
	example := &cobra.Command{
		Use: "example", Short: "Prints a description to begin with", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e := json.NewEncoder(cmd.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(backend.ExamplePlan())
		},
	}
	mailCmd := &cobra.Command{
		Use: "mail", Short: "Runs a mail system for the data folder until it is told to end", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return mail.Run(cmd.Context(), f.data, func() {
				fmt.Fprintln(cmd.ErrOrStderr(), "postern: the mail system is running. Ctrl-C ends it.")
			})
		},
	}
	mailFlags(cmd, &mail)
	cmd.AddCommand(make, example, mailCmd)
	return cmd
}
