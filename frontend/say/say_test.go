package say

import (
	"reflect"
	"testing"
	"time"
)

var zone = time.FixedZone("test", -6*60*60)

func TestTimes(t *testing.T) {
	c := Clock{Zone: zone, Now: time.Date(2026, 11, 20, 18, 10, 0, 0, zone)}
	day := func(d, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, zone) }
	for _, test := range []struct{ what, got, want string }{
		{"time", c.Time(day(20, 15, 42)), "3:42 pm"},
		{"midnight", c.Time(day(20, 0, 5)), "12:05 am"},
		{"time of another zone", c.Time(day(20, 15, 42).UTC()), "3:42 pm"},
		{"day", c.Day(day(24, 9, 0)), "Tue Nov 24"},
		{"day of another year", c.Day(day(24, 9, 0).AddDate(1, 0, 0)), "Wed Nov 24, 2027"},
		{"long day", c.LongDay(day(24, 9, 0)), "Tuesday, Nov 24"},
		{"date", c.Date(day(3, 9, 0)), "Nov 3"},
		{"full", c.Full(day(19, 14, 26)), "Thu Nov 19, 2:26 pm"},
		{"moment today", c.Moment(day(20, 17, 12)), "5:12 pm"},
		{"moment at the day's first minute", c.Moment(day(20, 0, 0)), "12:00 am"},
		{"moment yesterday", c.Moment(day(19, 23, 59)), "Thu 11:59 pm"},
		{"moment six days ago", c.Moment(day(14, 8, 0)), "Sat 8:00 am"},
		{"moment a week ago", c.Moment(day(13, 23, 59)), "Nov 13"},
		{"moment of a clock ahead of ours", c.Moment(day(22, 8, 0)), "Nov 22"},
		{"moment last year", c.Moment(day(13, 8, 0).AddDate(-1, 0, 0)), "Nov 13, 2025"},
		{"stamp today names the day", c.Stamp(day(20, 15, 42)), "Fri 3:42 pm"},
		{"stamp long ago", c.Stamp(day(3, 15, 42)), "Nov 3, 3:42 pm"},
		{"ISO day", c.ISODay("2026-11-30"), "Mon Nov 30"},
		{"ISO date", c.ISODate("2026-10-06"), "Oct 6"},
		{"not a date", c.ISODay("soon"), "soon"},
		{"dated", c.Dated(day(20, 15, 42).UTC()), "Fri Nov 20, 2026, 3:42 pm test"},
		{"dated day", c.DatedDay(day(24, 9, 0)), "Tue Nov 24, 2026"},
		{"ISO date with its year", c.ISODated("2026-10-06"), "Oct 6, 2026"},
		{"machine", c.Machine(day(20, 15, 42).UTC()), "2026-11-20T15:42:00-06:00"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.what, test.got, test.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0m", 59 * time.Second: "0m", 25 * time.Minute: "25m", 4*time.Hour + 29*time.Minute: "4h", -3 * time.Hour: "3h",
		9 * time.Hour: "1d", 9*time.Hour - time.Second: "8h", 17 * time.Hour: "1d 8h", 18 * time.Hour: "2d",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{Within(18 * time.Hour), "two business days"}, {Within(9 * time.Hour), "one business day"}, {Within(4 * time.Hour), "four business hours"},
		{Within(99 * time.Hour), "11 business days"}, {Number(0), "0"}, {Number(999), "999"}, {Number(1240), "1,240"}, {Number(-1234567), "-1,234,567"},
		{Size(12, 80), "12 of 80"}, {Line(" a\n\n b\tc "), "a b c"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

func TestBlocks(t *testing.T) {
	got := Blocks("Hi,\n\nfirst line\nsecond\n- one\n- two\nafter\n \n\n- three\n-four\n")
	want := []Block{{Lines: []string{"Hi,"}}, {Lines: []string{"first line", "second"}}, {Items: []string{"one", "two"}},
		{Lines: []string{"after"}}, {Items: []string{"three"}}, {Lines: []string{"-four"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if b := Blocks(" \n\n"); len(b) != 0 {
		t.Errorf("of nothing: %q", b)
	}
}
