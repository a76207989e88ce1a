package promise

import (
	"time"

	"postern/backend/care"
)

// Absent reports whether a person is out of office on the day of the instant, by which absence, and who covers in the
// end: cover is followed from one absent person to the next, and is empty where it ends with nobody or goes round in a
// circle. Of several absences on one day, one that leads to somebody is preferred, then the one that began first.
func (k *Clock) Absent(p care.PersonID, at time.Time) (care.Absence, care.PersonID, bool) {
	day := dayNumber(at.In(k.loc).Date())
	var found *absence
	for i, a := range k.absences[p] {
		if !a.on(day) {
			continue
		}
		if found == nil {
			found = &k.absences[p][i]
		}
		if a.Cover == "" {
			continue
		}
		if who, there := k.present(a.Cover, day); there {
			return a.Absence, who, true
		}
	}
	if found == nil {
		return care.Absence{}, "", false
	}
	return found.Absence, "", true
}

func (a *absence) on(day int) bool { return a.from <= day && day <= a.until }

// present is who is there on a day for a person: they themselves, or who covers in the end.
func (k *Clock) present(p care.PersonID, day int) (care.PersonID, bool) {
	return k.follow(p, day, nil)
}

// follow looks along the covers. Whoever was looked at leads nowhere new, so a circle ends.
func (k *Clock) follow(p care.PersonID, day int, tried map[care.PersonID]bool) (care.PersonID, bool) {
	if tried[p] {
		return "", false
	}
	away := false
	for _, a := range k.absences[p] {
		if !a.on(day) {
			continue
		}
		away = true
		if a.Cover == "" {
			continue
		}
		if tried == nil {
			tried = map[care.PersonID]bool{}
		}
		tried[p] = true
		if who, there := k.follow(a.Cover, day, tried); there {
			return who, true
		}
	}
	if away {
		return "", false
	}
	return p, true
}
