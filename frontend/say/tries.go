package say

import (
	"strconv"
	"time"
)

// TriesLeft is what stands beside a field after a wrong passphrase: "3 tries left, then a pause of 5 minutes."
func TriesLeft(left int, pause time.Duration) string {
	out := strconv.Itoa(left) + " tries left"
	if left == 1 {
		out = "1 try left"
	}
	long := strconv.Itoa(int(pause/time.Minute)) + " minutes"
	if pause >= time.Hour {
		long = "an hour"
	}
	return out + ", then a pause of " + long + ". Your messages are safe."
}

// Again is when something can be tried again: "Try again at 3:47 pm.", never a moment too early.
func (c Clock) Again(until time.Time) string {
	return "Try again at " + c.Time(until.Add(time.Minute-time.Nanosecond)) + "."
}
