package answer

import "strings"

// signatures finds signatures: the client's container, and what follows two dashes.
func (c *cutter) signatures() {
	for i := 0; i < c.end; i++ {
		if c.tags[i] != ownWords {
			continue
		}
		l := c.lines[i]
		switch {
		case l.role == signature:
			n, said := 0, 0
			for ; i+n < c.end && (c.lines[i+n].role == signature || c.lines[i+n].blank()) && c.tags[i+n] == ownWords; n++ {
				if !c.lines[i+n].blank() {
					said++
				}
			}
			if said <= longestSignature && !c.tells(i, i+n, false) {
				c.mark(i, i+n, signed)
			}
			i += n - 1
		case dashes(l):
			n, said := 0, 0
			for ; i+n < c.end && c.tags[i+n] == ownWords && said <= longestSignature+1; n++ {
				if !c.lines[i+n].blank() {
					said++
				}
			}
			if said <= longestSignature+1 && !c.tells(i, i+n, l.body == "-- ") {
				c.mark(i, i+n, signed)
				i += n - 1
			}
		}
	}
}

// dashes reports whether a line says that a signature follows; many programs take its space away.
func dashes(l line) bool { return l.depth == 0 && (l.body == "-- " || l.body == "--") }

// tells reports whether in what looks like a signature there is something that a person said. Below the dashes of
// RFC 3676 a sentence may be a motto, but a question or a postscript is none.
func (c *cutter) tells(from, to int, dashes bool) bool {
	for i := from; i < to; i++ {
		body := strings.TrimSpace(c.lines[i].body)
		if postscript.MatchString(body) || strings.HasSuffix(body, "?") {
			return true
		}
		if !dashes && sentence.MatchString(body) && !deviceLine(body) && !disclaims(c.lines[i:i+1]) {
			return true
		}
	}
	return false
}

// longestSignature is how many lines a signature may have; more may be something that a person wrote into it.
const longestSignature = 12

// footers finds what no person typed: lines of devices, of ticket systems, of scanners, and paragraphs about
// confidentiality.
func (c *cutter) footers() {
	for i := 0; i < c.end; i++ {
		l := c.lines[i]
		if c.tags[i] != ownWords || l.blank() {
			continue
		}
		body := strings.TrimSpace(l.body)
		switch {
		case l.depth > 0: // typed into a quote
		case ruled.MatchString(body):
			if to := c.next(i + 1); to < c.end && len(c.lines[to].body) < 200 && mailingList.MatchString(strings.TrimSpace(c.lines[to].body)) {
				c.mark(i, c.paragraph(to), footer)
			}
		case deviceLine(body), ticket.MatchString(body), scannerLink.MatchString(body), len(body) < 200 && scanner.MatchString(body):
			c.tags[i] = footer
		case i == 0 || c.lines[i-1].blank() || c.tags[i-1] != ownWords || ruled.MatchString(strings.TrimSpace(c.lines[i-1].body)):
			if to := c.paragraph(i); disclaims(c.lines[i:to]) {
				c.mark(i, to, footer)
				i = to - 1
			}
		}
	}
	// A rule that now divides own words from nothing goes with what it divided off.
	for i := c.end - 1; i >= 0; i-- {
		if l := c.lines[i]; c.tags[i] != ownWords || l.blank() {
			continue
		}
		if !ruled.MatchString(strings.TrimSpace(c.lines[i].body)) {
			break
		}
		c.tags[i] = footer
	}
}

// paragraph is where the paragraph ends that begins at a line.
func (c *cutter) paragraph(i int) int {
	for n := 0; n < farthest && i < c.end && !c.lines[i].blank() && c.tags[i] == ownWords; n++ {
		i++
	}
	return i
}
