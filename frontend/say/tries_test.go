package say

import (
	"testing"
	"time"
)

func TestTries(t *testing.T) {
	for _, c := range []struct {
		left  int
		pause time.Duration
		want  string
	}{
		{3, 5 * time.Minute, "3 tries left, then a pause of 5 minutes. Your messages are safe."},
		{1, 40 * time.Minute, "1 try left, then a pause of 40 minutes. Your messages are safe."},
		{5, time.Hour, "5 tries left, then a pause of an hour. Your messages are safe."},
	} {
		if got := TriesLeft(c.left, c.pause); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	clock := Clock{Zone: time.UTC}
	for at, want := range map[string]string{"15:47:00": "Try again at 3:47 pm.", "15:47:01": "Try again at 3:48 pm.", "23:59:59": "Try again at 12:00 am."} {
		until, err := time.Parse(time.TimeOnly, at)
		if got := clock.Again(until); err != nil || got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
