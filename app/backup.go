package app

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"postern/backend/backup"
	"postern/backend/care"
)

// newBackup makes one encrypted file of what is in a data folder.
func newBackup(f *flags) *cobra.Command {
	var what backup.What
	var to, passFile, ownFile string
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Makes one encrypted file of the profiles and the gateway of a data folder",
		Long: "Copies the profiles of the data folder, and its gateway if it has one, into one new file, encrypted with a passphrase\n" +
			"of its own, and reads that file again before it says that it is done. It never writes over a file.\n\n" +
			"The gateway may run meanwhile. A profile must not be open, unless it is named with --profile and its own passphrase is\n" +
			"given with --own-passphrase-file: then it may, and its record is checked as well. docs/administration.md says more.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			what.Data = f.data
			if ownFile != "" {
				if what.Profile == "" {
					return care.Refusef(care.Invalid, "Say with --profile whose passphrase --own-passphrase-file holds.")
				}
				own, err := passphrase(ownFile, cmd)
				if err != nil {
					return err
				}
				what.Own = own
			}
			pass, err := newAsking(cmd).chosen("A passphrase for the backup: ", passFile)
			if err != nil {
				return err
			}
			if err := backup.Write(cmd.Context(), what, to, pass, time.Now(), saying(cmd)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The backup is in %s. It was read again and is whole. Keep its passphrase elsewhere: without it the file is worth nothing.\n", to)
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the new file")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file that holds the backup's passphrase on its first line; without it, it is asked for")
	cmd.Flags().StringVar(&ownFile, "own-passphrase-file", "", "file that holds the passphrase of the profile itself, which may then be open")
	partFlags(cmd, &what)
	_ = cmd.MarkFlagRequired("to") // it fails for a flag that there is not
	return cmd
}

// newRestore puts back what is in such a file.
func newRestore(f *flags) *cobra.Command {
	var what backup.What
	var from, passFile string
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Puts back what is in a backup",
		Long: "Reads a backup, checks all of it, and then puts what is in it into the data folder. A profile or a gateway that is there\n" +
			"already is never touched: move its folder away first. Cut short, it goes on when it is started again.\n\n" +
			"A profile that was put back reads its mailboxes before it sends anything. What only the lost disk had is gone: drafts,\n" +
			"and texts that had not been sent. docs/administration.md says more.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			what.Data = f.data
			pass, err := passphrase(passFile, cmd)
			if err != nil {
				return err
			}
			back, err := backup.Read(cmd.Context(), from, what, pass, time.Now(), saying(cmd))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "This is as it was on %s.\n", back.Made.Local().Format("January 2, 2006, 15:04"))
			for _, p := range back.Profiles {
				fmt.Fprintf(out, "Profile %s is back. When it is opened, it first reads in its mailboxes what came and went since; until then it sends nothing. Drafts since then, and texts that had not been sent, are lost.\n", p)
			}
			if back.Gateway {
				fmt.Fprintln(out, "The gateway is back. Its clients compare everything at their next connection, and send again what they find missing. Logins that were made since then are gone: invite those people again.")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the backup")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file that holds the backup's passphrase on its first line; without it, it is asked for")
	partFlags(cmd, &what)
	_ = cmd.MarkFlagRequired("from") // it fails for a flag that there is not
	return cmd
}

// partFlags choose a part of a data folder.
func partFlags(cmd *cobra.Command, what *backup.What) {
	cmd.Flags().StringVar(&what.Profile, "profile", "", "this profile alone: the name of its folder under profiles")
	cmd.Flags().BoolVar(&what.Gateway, "gateway", false, "the gateway alone")
	cmd.MarkFlagsMutuallyExclusive("profile", "gateway")
}

func saying(cmd *cobra.Command) func(string) {
	return func(what string) { fmt.Fprintln(cmd.ErrOrStderr(), "postern: "+what) }
}
