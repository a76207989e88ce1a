package backend

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
	"postern/backend/trust/enrol"
)

// PatientsPerPage is how many patients Patients gives at a time.
const PatientsPerPage = 50

// Patients is one page of the practice's patients.
type Patients struct {
	All                          []enrol.Patient
	Found                        int // that fit what was searched for
	Enrolled, Invited, Attention int // of all patients: attention is an invitation that expired, or an alarm
}

// SearchPatients gives a page, from 0, of those whose name, record number or date of birth has every word of what is searched
// for, by name.
func (r *Registrar) SearchPatients(search string, page int) Patients {
	var out Patients
	words := strings.Fields(store.Words(search))
	var found []enrol.Patient
	for _, p := range r.Patients() {
		switch {
		case p.Standing.Kind == enrol.StandingExpired || p.Standing.Alarm != "":
			out.Attention++
		case p.Standing.Kind == enrol.StandingEnrolled:
			out.Enrolled++
		case p.Standing.Kind == enrol.StandingInvited:
			out.Invited++
		}
		if fits(p.Patient, words) {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b enrol.Patient) int {
		return cmp.Compare(store.Words(a.Patient.Name), store.Words(b.Patient.Name))
	})
	out.Found = len(found)
	from := min(min(max(page, 0), len(found))*PatientsPerPage, len(found)) // the page comes from an address
	out.All = found[from:min(from+PatientsPerPage, len(found))]
	return out
}

func fits(p care.Patient, words []string) bool {
	born, err := time.Parse(time.DateOnly, p.Born)
	text := store.Words(p.Name + " " + p.Born + " " + p.MRN)
	if err == nil {
		text += store.Words(born.Format(" January 2 2006 1/2/2006"))
	}
	together := strings.ReplaceAll(store.Words(p.MRN), " ", "")
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) && !strings.Contains(together, w) })
}

// Imported is what an import did, or would do.
type Imported struct {
	New      int
	Emails   int      // of these with an address for notices
	Problems []string // "Line 7: …"
}

// The columns of an import. The first three are needed.
var importColumns = []string{"name", "born", "mrn", "sex", "pronouns", "language", "phone", "email", "office"}

// importLimit is how many lines one import may have.
const importLimit = 5000

// Import takes in members from CSV (RFC 4180; also with semicolons) whose first line names the columns: name, born
// (2006-01-31 or 1/31/2006) and mrn, and perhaps sex, pronouns, language, phone, email and office, the name of the
// primary care office. All of them or none: with try, or with a problem in any line, nothing is changed. A file that is no such table is
// care.Invalid in the field "csv".
func (r *Registrar) Import(ctx context.Context, text []byte, try bool) (Imported, error) {
	all, problems, err := r.readImport(text)
	if err != nil {
		return Imported{}, err
	}
	out := Imported{New: len(all), Problems: problems}
	for _, x := range all {
		if x.Patient.Email != "" {
			out.Emails++
		}
	}
	if try || len(problems) > 0 {
		return out, nil
	}
	return out, r.AddMembers(ctx, all)
}

func (r *Registrar) readImport(text []byte) (all []enrol.Newcomer, problems []string, err error) {
	rows, columns, err := readTable(text)
	if err != nil {
		return nil, nil, err
	}
	offices := map[string]care.OfficeID{}
	for _, o := range r.Offices() {
		offices[store.Words(o.Name)] = o.ID
	}
	taken := map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // a row that cannot be read has no first field to ask for
			return nil, nil, care.Because(care.Invalid, err, "The file cannot be read as a table. Save it as CSV, then try again.").In("csv")
		}
		line, _ := rows.FieldPos(0)
		if len(all)+len(problems) == importLimit {
			return nil, nil, care.Refusef(care.Invalid, "That file has more than %d members. Split it.", importLimit).In("csv")
		}
		at := func(column string) string {
			if n, known := columns[column]; known && n < len(row) {
				return strings.Join(strings.Fields(row[n]), " ") // as on the screens: a cell may have line breaks
			}
			return ""
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue
		}
		x := enrol.Newcomer{Patient: care.Patient{Name: at("name"), Born: dateOf(at("born")), MRN: at("mrn"), Sex: strings.ToUpper(at("sex")),
			Pronouns: at("pronouns"), Language: cmp.Or(at("language"), "en"), Phone: at("phone"), Email: at("email")}}
		why := ""
		if name := at("office"); name != "" {
			office, known := offices[store.Words(name)]
			if !known {
				why = fmt.Sprintf("There is no office %q. Add it first, or correct its name.", name)
			}
			x.Patient.PCP, x.Relations = office, []care.Relation{{Office: office, Why: "primary"}}
		}
		mrn := strings.ReplaceAll(x.Patient.MRN, " ", "")
		if why == "" {
			if err := r.CheckNewcomer(x); err != nil {
				why = care.SentenceOf(err)
			} else if before := taken[mrn]; before > 0 {
				why = fmt.Sprintf("Line %d has this medical record number, too.", before)
			}
		}
		if why != "" {
			problems = append(problems, fmt.Sprintf("Line %d: %s", line, why))
			continue
		}
		taken[mrn] = line
		all = append(all, x)
	}
	return all, problems, nil
}

// readTable reads the first line, which names the columns.
func readTable(text []byte) (*csv.Reader, map[string]int, error) {
	plain := strings.TrimPrefix(string(text), "\ufeff")
	rows := csv.NewReader(strings.NewReader(plain))
	rows.FieldsPerRecord = -1
	if first, _, _ := strings.Cut(plain, "\n"); !strings.Contains(first, ",") && strings.Contains(first, ";") {
		rows.Comma = ';'
	}
	head, err := rows.Read()
	if err != nil {
		return nil, nil, care.Because(care.Invalid, err, "The file cannot be read as a table. Save it as CSV, then try again.").In("csv")
	}
	columns := map[string]int{}
	for n, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(importColumns, name) {
			return nil, nil, care.Refusef(care.Invalid, "There is no column %q. The columns are %s.", name, strings.Join(importColumns, ", ")).In("csv")
		}
		if _, twice := columns[name]; twice {
			return nil, nil, care.Refusef(care.Invalid, "The column %q is there twice.", name).In("csv")
		}
		columns[name] = n
	}
	for _, name := range importColumns[:3] {
		if _, there := columns[name]; !there {
			return nil, nil, care.Refusef(care.Invalid, "The first line does not name the column %q. It names each column: %s.", name, strings.Join(importColumns, ", ")).In("csv")
		}
	}
	return rows, columns, nil
}

// dateOf gives a date that is written as clinics' systems do as ISO 8601, and anything else as it is.
func dateOf(text string) string {
	if t, err := time.Parse("1/2/2006", text); err == nil {
		return t.Format(time.DateOnly)
	}
	return text
}
