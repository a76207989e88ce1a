package view

import (
	"context"
	"slices"
	"strings"

	"postern/backend/care"
)

// Acting is one patient for whom a member reads and writes.
type Acting struct {
	Patient care.Patient
	Self    bool // the member's own record
	Waiting int  // conversations that wait for the office's reply
	Unread  int  // conversations with something unread
}

// Acting lists for whom the viewer reads and writes, themself first, then by name.
func (v *Views) Acting(ctx context.Context) (all []Acting, err error) {
	err = v.ask(ctx, func(a *asked) error {
		for _, id := range a.facts.WritesFor(a.viewer.Person) {
			one := Acting{Patient: a.patient(id), Self: id == a.viewer.Own}
			parts, err := a.parts("WHERE p.patient = ? ORDER BY p.at DESC, p.id LIMIT ?", string(id), MaxRows)
			if err != nil {
				return err
			}
			for _, p := range parts {
				if p.open && p.awaits == "office" {
					one.Waiting++
				}
				if p.unread {
					one.Unread++
				}
			}
			all = append(all, one)
		}
		slices.SortStableFunc(all, func(a, b Acting) int {
			if a.Self != b.Self {
				if a.Self {
					return -1
				}
				return 1
			}
			return strings.Compare(a.Patient.Name, b.Patient.Name)
		})
		return nil
	})
	return all, err
}
