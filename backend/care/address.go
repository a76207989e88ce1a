package care

import "strings"

// PlainAddress reports whether a text is one e-mail address and nothing beside, of the kind that every mail system takes and that stands in
// a header as it is: the dot-atoms of RFC 5322 on both sides of the @, 254 characters at most. None with quotes, and none beyond ASCII.
func PlainAddress(s string) bool {
	local, domain, is := strings.Cut(s, "@")
	return is && len(s) <= 254 && dotted(local) && dotted(domain)
}

// dotted reports whether a text is words with a dot between each two.
func dotted(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>()[],;:@`, r) }) {
			return false
		}
	}
	return true
}
