package bounce

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes of a stranger's words a line that may be shown: no control or direction characters, no more than n runes.
func clean(s string, n int) string {
	if len(s) > 8*n {
		s = s[:8*n]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError, r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n-1]) + "…"
	}
	return s
}

// address is the one address of a field: that between angle brackets, else the first.
func address(v string) string {
	if i := strings.LastIndexByte(v, '<'); i >= 0 {
		inside, _, _ := strings.Cut(v[i+1:], ">")
		if a := addresses(inside, 1); len(a) > 0 {
			return a[0]
		}
	}
	if a := addresses(v, 1); len(a) > 0 {
		return a[0]
	}
	return ""
}

// addresses finds the first n things of the form local@domain in a text.
func addresses(s string, n int) []string {
	var found []string
	for at := 0; len(found) < n; {
		i := strings.IndexByte(s[at:], '@')
		if i < 0 {
			break
		}
		i += at
		from, to := i, i+1
		for from > at && i-from < 128 && inLocal(s[from-1]) {
			from--
		}
		for to < len(s) && to-i < 255 && inDomain(s[to]) {
			to++
		}
		local, domain := strings.Trim(s[from:i], ".'"), strings.Trim(s[i+1:to], ".-")
		if local != "" && domain != "" && utf8.ValidString(local) && utf8.ValidString(domain) {
			if a := clean(local+"@"+domain, 400); a == local+"@"+domain {
				found = append(found, a)
			}
		}
		at = i + 1
	}
	return found
}

func inLocal(c byte) bool {
	return c >= 0x80 || c > ' ' && c < 0x7f && !strings.ContainsRune(`<>,;:()[]"\@`, rune(c))
}

func inDomain(c byte) bool {
	return c >= 0x80 || c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// tokens are those of our addresses to which the mail was sent.
func (m *message) tokens() []string {
	var found []string
	asked := 0
	for _, name := range []string{"to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "resent-to", "apparently-to"} {
		for _, v := range m.head[name] {
			for _, a := range addresses(v, maxReports) {
				if asked++; asked > maxWords {
					return found
				}
				if slices.Contains(found, a) || !m.ours(a) {
					continue
				}
				found = append(found, a)
				if name == "to" || name == "cc" { // a list that has it as a subscriber writes it nowhere but in Delivered-To
					m.token = true
				}
			}
		}
	}
	slices.Sort(found) // they are a set: the order of header fields means nothing
	return found
}

// answers are the Message-IDs that the mail says it answers.
func (m *message) answers() []string {
	var found []string
	for _, name := range []string{"in-reply-to", "references"} {
		for _, v := range m.head[name] {
			for _, id := range messageIDs(v) {
				if !slices.Contains(found, id) && len(found) < maxReports {
					found = append(found, id)
				}
			}
		}
	}
	return found
}

// messageIDs gives what stands between angle brackets, without them.
func messageIDs(v string) []string {
	var found []string
	for len(found) < maxReports {
		_, rest, ok := strings.Cut(v, "<")
		if !ok {
			break
		}
		id, after, ok := strings.Cut(rest, ">")
		if !ok {
			break
		}
		if id = clean(id, 300); id != "" {
			found = append(found, id)
		}
		v = after
	}
	return found
}
