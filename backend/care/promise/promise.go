// Package promise turns a practice's calendar into the instant by which a reply is due.
//
// It is pure: the instants come from the caller. Holidays come from github.com/rickar/cal/v2; hours, half days,
// absences and cover from care.Calendar.
package promise
