package app

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/trust/audit"
	"postern/frontend/seat"
)

// newAudit prints a profile's record of who looked at what.
func newAudit(f *flags) *cobra.Command {
	var passFile, file string
	var ask auditQuestion
	cmd := &cobra.Command{
		Use:   "audit PROFILE",
		Short: "Shows who looked at what with a profile, and whether the record of it holds together",
		Long: "Reads the record of who looked at what that a profile keeps on this computer: sign-ins, conversations that were\n" +
			"shown, copies that were saved. PROFILE is its folder under profiles in the data folder. The profile must not be open\n" +
			"elsewhere, and reading its record is a sign-in, which is recorded.\n\n" +
			"The whole record is verified, whatever part of it is asked for. Where it does not hold together the command says from\n" +
			"which entry on, and exits with 1; what can be read is shown all the same. docs/threat-model.md says what this proves.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := logger(*f, os.Stderr)
			if err != nil {
				return err
			}
			if err := ask.check(); err != nil {
				return err
			}
			pass, err := passphrase(passFile, cmd)
			if err != nil {
				return err
			}
			b := backend.New(f.data, log, nil)
			defer b.Close()
			p, err := b.SignInStill(cmd.Context(), args[0], pass)
			if err != nil {
				return err
			}
			all, broken := p.Trail(cmd.Context())
			if broken != nil && all == nil {
				return broken
			}
			zone := seat.ZoneOf(p.Practice())
			shown := ask.pick(all, zone)
			if err := tellAudit(cmd.OutOrStdout(), file, shown, zone); err != nil {
				return err
			}
			if broken != nil {
				return broken
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "postern: the record holds together. %d of its %d entries are shown.\n", len(shown), len(all))
			return nil
		},
	}
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file that holds the passphrase on its first line; without it, it is asked for")
	cmd.Flags().StringVar(&file, "csv", "", "write comma-separated values into this file, or - for standard output, and no table")
	cmd.Flags().StringVar(&ask.from, "from", "", "first day, as 2026-11-23, in the clinic's time zone")
	cmd.Flags().StringVar(&ask.to, "to", "", "last day")
	cmd.Flags().StringVar(&ask.patient, "patient", "", "only what was done with this patient's conversations, by medical record number or id")
	return cmd
}

// auditQuestion is which entries are wanted; an empty field: all.
type auditQuestion struct{ from, to, patient string }

func (q auditQuestion) check() error {
	for _, day := range []string{q.from, q.to} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return care.Refusef(care.Invalid, "%q is not a day. Write it as 2026-11-23.", day)
		}
	}
	return nil
}

func (q auditQuestion) pick(all []backend.Looked, zone *time.Location) (wanted []backend.Looked) {
	for _, l := range all {
		day := l.At.In(zone).Format(time.DateOnly)
		if day >= q.from && (q.to == "" || day <= q.to) && q.isAbout(l.Patient) {
			wanted = append(wanted, l)
		}
	}
	return wanted
}

func (q auditQuestion) isAbout(p care.Patient) bool {
	digits := func(mrn string) string { return strings.Join(strings.Fields(mrn), "") }
	return q.patient == "" || q.patient == string(p.ID) || p.MRN != "" && digits(q.patient) == digits(p.MRN)
}

// tellAudit writes entries where they are wanted: a table on out, or values in a file that its owner alone can read.
func tellAudit(out io.Writer, file string, shown []backend.Looked, zone *time.Location) error {
	switch file {
	case "":
		return auditTable(out, shown, zone)
	case "-":
		return auditCSV(out, shown, zone)
	}
	var b bytes.Buffer
	if err := auditCSV(&b, shown, zone); err != nil {
		return err
	}
	if err := replaceFile(file, b.Bytes()); err != nil {
		return care.Because(care.Full, err, "The file could not be written.")
	}
	return nil
}

func auditTable(out io.Writer, shown []backend.Looked, zone *time.Location) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NO\tWHEN\tWHO\tWHAT\tPATIENT\tMRN\tCONVERSATION")
	for _, l := range shown {
		id := l.Part.String() // its beginning tells it from a patient's others
		fmt.Fprintln(w, strings.Join([]string{strconv.FormatInt(l.No, 10), l.At.In(zone).Format("2006-01-02 15:04:05 MST"), printable(l.Person.Name),
			what(l), printable(l.Patient.Name), printable(l.Patient.MRN), id[:min(len(id), 16)]}, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// what says in words what was done.
func what(l backend.Looked) string {
	switch l.What {
	case audit.SignedIn:
		return "signed in"
	case audit.Refused:
		return fmt.Sprintf("wrong passphrase, %d times", l.Times)
	case audit.SignedOut:
		return "signed out"
	case audit.Viewed:
		return "opened"
	case audit.Copied:
		return "saved a copy"
	case audit.Printed:
		return "printed a page"
	case audit.Exported:
		return "exported this record"
	case audit.PassphraseChanged:
		return "changed the passphrase"
	case audit.SheetMade:
		return "made a recovery sheet"
	case audit.Recovered:
		return "used a recovery code"
	case audit.KeychainOn:
		return "let this computer's keychain open the profile"
	case audit.KeychainOff:
		return "ended that the keychain opens the profile"
	case audit.Added:
		return "added " + printable(l.About)
	case audit.Changed:
		return "changed " + printable(l.About)
	case audit.Removed:
		return "removed " + printable(l.About)
	case audit.Invited:
		return "invited " + printable(l.About)
	case audit.Withdrawn:
		return "withdrew the invitation of " + printable(l.About)
	case audit.Revoked:
		return "withdrew the computer " + printable(l.About)
	}
	return string(l.What)
}

// printable keeps what stands in a name from moving a cursor, a column or a row.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

var auditColumns = []string{"number", "time", "what", "times", "person", "person_id", "patient", "mrn", "patient_id", "conversation", "about", "about_id"}

func auditCSV(out io.Writer, shown []backend.Looked, zone *time.Location) error {
	w := csv.NewWriter(out)
	w.UseCRLF = true // RFC 4180
	if err := w.Write(auditColumns); err != nil {
		return err
	}
	for _, l := range shown {
		times := ""
		if l.Times > 0 {
			times = strconv.Itoa(l.Times)
		}
		row := []string{strconv.FormatInt(l.No, 10), l.At.In(zone).Format("2006-01-02T15:04:05.000-07:00"), string(l.What), times,
			l.Person.Name, string(l.Person.ID), l.Patient.Name, l.Patient.MRN, string(l.Patient.ID), l.Part.String(), l.About, l.Ref}
		for i := range row {
			row[i] = inert(printable(row[i]))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// inert keeps a spreadsheet from taking a name for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
