package answer

import (
	"regexp"
	"strconv"
	"strings"
)

// colour is red, green and blue; negative where it is not known, and then like none.
type colour [3]int

var (
	white   = colour{255, 255, 255}
	black   = colour{}
	unknown = colour{-1000, -1000, -1000}
)

func (c colour) near(d colour) bool {
	if c == unknown || d == unknown {
		return false
	}
	for i := range c {
		if c[i]-d[i] > 8 || d[i]-c[i] > 8 {
			return false
		}
	}
	return true
}

var (
	hexColour = regexp.MustCompile(`#([0-9a-f]{6}|[0-9a-f]{3})\b`)
	rgbColour = regexp.MustCompile(`rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})`)
)

// readColour reads the colours by which clients and cheats write; of the named ones the two that matter.
func readColour(s string) (colour, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	switch {
	case s == "":
		return unknown, false
	case s == "white" || strings.HasPrefix(s, "white "):
		return white, true
	case s == "black" || strings.HasPrefix(s, "black "):
		return black, true
	case s == "transparent" || s == "inherit" || s == "initial" || s == "none" || s == "windowtext" || s == "currentcolor":
		return unknown, false
	}
	if m := hexColour.FindStringSubmatch(s); m != nil {
		h := m[1]
		if len(h) == 3 {
			h = string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
		}
		n, _ := strconv.ParseUint(h, 16, 32)
		return colour{int(n >> 16), int(n >> 8 & 255), int(n & 255)}, true
	}
	if m := rgbColour.FindStringSubmatch(s); m != nil {
		var c colour
		for i := range c {
			c[i], _ = strconv.Atoi(m[i+1])
		}
		return c, true
	}
	return unknown, namedColour.MatchString(s) // some other colour: not white
}

var namedColour = regexp.MustCompile(`^[a-z]{3,20}$`)
