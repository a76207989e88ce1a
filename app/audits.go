package app

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/frontend/seat"
)

// audits shows an administrator the record of this computer, and what the others told of theirs.
type audits struct{ p *backend.Profile }

// rows are the entries that fit a question, newest first. An error of what does not hold together comes with them.
func (a audits) rows(ctx context.Context, q seat.AuditQuestion) (fit []backend.Looked, all int, broken, err error) {
	for field, day := range map[string]string{"from": q.From, "to": q.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return nil, 0, nil, care.Refusef(care.Invalid, "This is not a day.").In(field)
		}
	}
	whole, broken := a.p.Trail(ctx)
	if broken != nil && (whole == nil || care.KindOf(broken) != care.Corrupt) {
		return nil, 0, nil, broken
	}
	fit = auditQuestion{from: q.From, to: q.To}.pick(whole, seat.ZoneOf(a.p.Practice()))
	fit = slices.DeleteFunc(fit, func(l backend.Looked) bool {
		return q.What != "" && q.What != string(l.What) || !mentions(l, q.Search)
	})
	slices.Reverse(fit)
	return fit, len(whole), broken, nil
}

// mentions reports whether each word of a text stands in who, whose or what an entry is about; a number may be written with
// or without its blanks.
func mentions(l backend.Looked, text string) bool {
	digits := strings.Join(strings.Fields(l.Patient.MRN), "")
	in := strings.ToLower(strings.Join([]string{l.Person.Name, l.Person.Shown, l.Patient.Name, l.Patient.MRN, digits, l.About, string(l.Patient.ID)}, "\n"))
	for _, word := range strings.Fields(strings.ToLower(text)) {
		if !strings.Contains(in, word) {
			return digits != "" && digits == strings.Join(strings.Fields(text), "")
		}
	}
	return true
}

func (a audits) Rows(ctx context.Context, q seat.AuditQuestion) (seat.AuditRows, error) {
	fit, all, broken, err := a.rows(ctx, q)
	if err != nil {
		return seat.AuditRows{}, err
	}
	out := seat.AuditRows{All: all}
	if broken != nil {
		out.Broken = care.SentenceOf(broken)
	}
	for _, l := range fit {
		out.Rows = append(out.Rows, seat.AuditRow{No: l.No, At: l.At, Person: l.Person, What: string(l.What), Times: l.Times,
			Patient: l.Patient, Part: l.Part, About: l.About})
	}
	return out, nil
}

func (a audits) Export(ctx context.Context, q seat.AuditQuestion) ([]byte, error) {
	fit, _, _, err := a.rows(ctx, q)
	if err != nil {
		return nil, err
	}
	slices.Reverse(fit) // as the command gives them
	var b bytes.Buffer
	if err := auditCSV(&b, fit, seat.ZoneOf(a.p.Practice())); err != nil {
		return nil, err
	}
	return b.Bytes(), a.p.Exported(ctx)
}

func (a audits) Computers(ctx context.Context) ([]seat.Computer, error) {
	all, err := a.p.Devices(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]seat.Computer, 0, len(all))
	for _, d := range all {
		c := seat.Computer{Key: d.Key, Person: d.Person, Own: d.Own, Nth: d.Nth, Of: d.Of, Withdrawn: d.Withdrawn, Last: d.Newest.Day,
			Rows: d.Newest.Last, Counts: d.Newest.Counts, Late: d.Late()}
		for _, f := range d.Findings {
			c.Findings = append(c.Findings, seat.Finding{Kind: string(f.Kind), Day: f.Day, Days: f.Days, No: f.No})
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(x, y seat.Computer) int { return strings.Compare(x.Person.Name, y.Person.Name) })
	return out, nil
}
