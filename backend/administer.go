package backend

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
)

// Remove is as enrol.Registrar's. Who is signed in cannot be removed: nobody could take them in again.
func (r *Registrar) Remove(ctx context.Context, who care.PersonID) error {
	if who == r.me {
		return care.Refusef(care.Invalid, "You cannot remove yourself: this profile holds the administration of the practice.")
	}
	return r.Registrar.Remove(ctx, who)
}

// RevokeDevice is as enrol.Registrar's, for any device but the one on which it is done.
func (r *Registrar) RevokeDevice(ctx context.Context, key care.KeyID) error {
	if key == r.device {
		return care.Refusef(care.Invalid, "This is the computer on which the administration is done. It cannot be withdrawn here.")
	}
	return r.Registrar.RevokeDevice(ctx, key)
}

// SetPractice changes the practice's name, numbers and policy, and of its calendar the zone, the hours and the preset. Refusals are in
// "practice", and "quiet" for the hours in which no notice goes out.
func (r *Registrar) SetPractice(ctx context.Context, p care.Practice) error {
	if strings.TrimSpace(p.Name) == "" {
		return care.Refusef(care.Invalid, "A practice needs a name.").In("practice")
	}
	if q := p.Policy.Notices.Quiet; q != (care.Span{}) {
		from, err := time.Parse("15:04", q.From)
		until, wrong := time.Parse("15:04", q.Until)
		if err := errors.Join(err, wrong); err != nil || from.Equal(until) {
			return care.Because(care.Invalid, err, "Give two different times of the day, such as 21:00 and 08:00.").In("quiet")
		}
	}
	return r.ChangePractice(ctx, func(now *care.Practice) error {
		now.Name, now.FrontDesk, now.NurseLine, now.Policy = p.Name, p.FrontDesk, p.NurseLine, p.Policy
		now.Calendar.Zone, now.Calendar.Hours, now.Calendar.Preset = p.Calendar.Zone, p.Calendar.Hours, p.Calendar.Preset
		return nil
	})
}

// SetAbsence puts down when somebody is out of office, in place of one of theirs that begins on the same day.
func (r *Registrar) SetAbsence(ctx context.Context, x care.Absence) error {
	from, err := time.Parse(time.DateOnly, x.From)
	if err != nil {
		return care.Because(care.Invalid, err, "Choose the first day.").In("from")
	}
	if x.Until != "" {
		until, err := time.Parse(time.DateOnly, x.Until)
		switch {
		case err != nil:
			return care.Because(care.Invalid, err, "Choose the last day, or none.").In("until")
		case until.Before(from):
			return care.Refusef(care.Invalid, "The last day is before the first.").In("until")
		}
	}
	if x.Cover == x.Person {
		return care.Refusef(care.Invalid, "Nobody covers for themself. Choose somebody else.").In("cover")
	}
	return r.ChangePractice(ctx, func(now *care.Practice) error {
		now.Calendar.Absences = append(otherAbsences(now.Calendar.Absences, x.Person, x.From), x)
		return nil
	})
}

// EndAbsence ends an absence: from today who was away is there. One that has not begun, or began today, goes altogether.
func (r *Registrar) EndAbsence(ctx context.Context, who care.PersonID, from string) error {
	return r.ChangePractice(ctx, func(now *care.Practice) error {
		zone, err := time.LoadLocation(now.Calendar.Zone)
		if err != nil {
			return care.Because(care.Invalid, err, "The practice's time zone is not known on this computer.")
		}
		at := slices.IndexFunc(now.Calendar.Absences, func(x care.Absence) bool { return x.Person == who && x.From == from })
		if at < 0 {
			return care.Refusef(care.NotFound, "There is no such absence.")
		}
		x := now.Calendar.Absences[at]
		now.Calendar.Absences = otherAbsences(now.Calendar.Absences, who, from)
		if yesterday := r.now().In(zone).AddDate(0, 0, -1).Format(time.DateOnly); x.Until == "" || x.Until > yesterday { // else it is over
			x.Until = yesterday
		}
		if x.Until >= x.From {
			now.Calendar.Absences = append(now.Calendar.Absences, x) // the days before count for what was promised then
		}
		return nil
	})
}

func otherAbsences(all []care.Absence, who care.PersonID, from string) []care.Absence {
	return slices.DeleteFunc(slices.Clone(all), func(x care.Absence) bool { return x.Person == who && x.From == from })
}

// SetHoliday closes the practice on a day, or sets that day's hours.
func (r *Registrar) SetHoliday(ctx context.Context, h care.Holiday) error {
	if _, err := time.Parse(time.DateOnly, h.Date); err != nil {
		return care.Because(care.Invalid, err, "Choose a day.").In("date")
	}
	if strings.TrimSpace(h.Name) == "" {
		return care.Refusef(care.Invalid, "Give the day a name, such as Staff training.").In("name")
	}
	return r.ChangePractice(ctx, func(now *care.Practice) error {
		now.Calendar.Holidays = append(otherDays(now.Calendar.Holidays, h.Date), h)
		slices.SortFunc(now.Calendar.Holidays, func(a, b care.Holiday) int { return strings.Compare(a.Date, b.Date) })
		return nil
	})
}

// EndHoliday takes a day of the practice's own out of its calendar.
func (r *Registrar) EndHoliday(ctx context.Context, date string) error {
	return r.ChangePractice(ctx, func(now *care.Practice) error {
		now.Calendar.Holidays = otherDays(now.Calendar.Holidays, date)
		return nil
	})
}

// otherDays are the holidays that are not on that date.
func otherDays(all []care.Holiday, date string) []care.Holiday {
	return slices.DeleteFunc(slices.Clone(all), func(h care.Holiday) bool { return h.Date == date })
}
