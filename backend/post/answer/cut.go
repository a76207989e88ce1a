package answer

import (
	"slices"
	"strings"
)

// tag is what a line was found to be.
type tag int

const (
	ownWords  tag = iota
	quoted        // quoted, with marks or without
	says          // who wrote it: an attribution, a block of From, Sent, To and Subject
	noticed       // a line of the notice that is answered, quoted without marks
	signed        // a signature
	footer        // what devices, companies and scanners add
	untouched     // forwarded, or another part that nobody cuts
)

// cut decides of every line whether it is kept. Where it found nothing that is the person's own, all are.
func cut(lines []line, ours notice, forward bool) (found bool) {
	c := cutter{lines: lines, tags: make([]tag, len(lines)), ours: ours, end: len(lines)}
	c.forwarded()
	c.notice()
	c.marked()
	c.unmarked(forward)
	c.signatures()
	c.footers()
	if !c.leaves() { // somebody typed into the signature, or has one that looks like a footer
		c.restore(signed)
	}
	if !c.leaves() || c.announced() {
		for i := range lines {
			lines[i].keep = true
		}
		return false
	}
	for i := range lines {
		lines[i].keep = c.tags[i] == ownWords || c.tags[i] == untouched
	}
	c.answered()
	c.blanks()
	return true
}

type cutter struct {
	lines []line
	tags  []tag
	known []bool // the lines of the notice
	ours  notice
	end   int // of what may be cut
}

// announced reports whether the words above a quote say that answers stand below, and none do: they are inside.
func (c *cutter) announced() bool {
	said := false
	for i := 0; i < c.end; i++ {
		switch {
		case c.tags[i] == quoted:
			if !said {
				return false
			}
			for ; i < c.end; i++ {
				if c.tags[i] == ownWords && !c.lines[i].blank() {
					return false
				}
			}
			return true
		case c.tags[i] == ownWords && len(c.lines[i].body) <= 2000:
			said = said || below.MatchString(c.lines[i].body)
		}
	}
	return false
}

func (c *cutter) leaves() bool {
	for i, l := range c.lines {
		if !l.blank() && (c.tags[i] == ownWords || c.tags[i] == untouched) {
			return true
		}
	}
	return false
}

func (c *cutter) restore(what tag) {
	for i := range c.tags {
		if c.tags[i] == what {
			c.tags[i] = ownWords
		}
	}
}

// forwarded leaves what somebody passes on with the mark that says so.
func (c *cutter) forwarded() {
	for i, l := range c.lines {
		if l.depth == 0 && passed.MatchString(strings.TrimSpace(l.body)) {
			c.end = i
			for j := i; j < len(c.lines); j++ {
				c.tags[j] = untouched
			}
			return
		}
	}
}

// notice finds the lines of the notice that is answered, however they were wrapped. A short one, which a person may
// have typed as well, counts where it goes on from a known line, or a known line from it.
func (c *cutter) notice() {
	c.known = make([]bool, len(c.lines))
	if c.ours.text == "" {
		return
	}
	var said []int
	for i := range c.end {
		if !c.lines[i].blank() {
			said = append(said, i)
			c.known[i] = c.ours.holds(c.lines[i].body, certain)
		}
	}
	beside := func(i, j, first, second int) {
		if !c.known[i] && c.known[j] && len(c.lines[i].body)+len(c.lines[j].body) <= 2000 && !residue(c.lines[i].body) &&
			c.ours.holds(c.lines[first].body+" "+c.lines[second].body, certain) {
			c.known[i] = true
		}
	}
	for k := 1; k < len(said); k++ {
		beside(said[k], said[k-1], said[k-1], said[k])
	}
	for k := len(said) - 2; k >= 0; k-- {
		beside(said[k], said[k+1], said[k], said[k+1])
	}
	for _, i := range said {
		if c.known[i] && c.lines[i].depth == 0 {
			c.tags[i] = noticed
		}
	}
}

// certain is how many letters of the notice a line must have so that nobody typed it by chance.
const certain = 20

// marked finds what is quoted with marks. Marks that a person may have typed are believed where something says that
// there is a quote: the markup, an attribution, a line of the notice.
func (c *cutter) marked() {
	introduced := false
	lines := c.lines[:c.end]
	for i := 0; i < c.end; {
		l := lines[i]
		if l.depth == 0 {
			if n, _ := attribution(lines, i); n > 0 || l.role == intro || l.role == start || original.MatchString(strings.TrimSpace(l.body)) || headerBlock(lines, i) > 0 {
				introduced = true
			}
			i++
			continue
		}
		from := i
		for ; i < c.end && (lines[i].depth > 0 || lines[i].blank() && c.next(i) < c.end && lines[c.next(i)].depth > 0); i++ {
			if lines[i].depth == 0 {
				continue
			}
			n, _ := attribution(lines, i)
			introduced = introduced || lines[i].sure || n > 0 || c.known[i] || headerBlock(lines, i) > 0
		}
		if introduced {
			c.mark(from, i, quoted)
			c.typedInto(from, i)
		}
	}
}

// typedInto finds, in a quote that is mainly the notice, the lines that are not: somebody typed them there, and their
// mail program gave them the marks of the rest.
func (c *cutter) typedInto(from, to int) {
	depth, known, said := 0, 0, 0
	for i := from; i < to && depth == 0; i++ {
		if c.known[i] {
			depth = c.lines[i].depth
		}
	}
	for i := from; i < to; i++ {
		if c.lines[i].depth == depth && !c.lines[i].blank() {
			said++
			if c.known[i] {
				known++
			}
		}
	}
	if depth == 0 || known*2 < said || known < 2 {
		return
	}
	for i := from; i < to; i++ {
		l := c.lines[i]
		if l.depth != depth || l.blank() || c.known[i] || residue(l.body) {
			continue
		}
		if n, _ := attribution(c.lines[:to], i); n > 0 {
			i += n - 1
		} else if n := headerBlock(c.lines[:to], i); n > 0 {
			i += n - 1
		} else {
			c.tags[i] = ownWords
		}
	}
}

// farthest bounds every look ahead, so that no message takes more time than its length.
const farthest = 80

// next is the next line that says something, from a place on.
func (c *cutter) next(i int) int {
	for n := 0; n < farthest && i < c.end && c.lines[i].blank() && c.lines[i].role != start; n++ {
		i++
	}
	return i
}

// unmarked finds who is said to have written what is quoted, and quotes that have no marks.
func (c *cutter) unmarked(forward bool) {
	for i := 0; i < c.end; i++ {
		l := c.lines[i]
		if c.tags[i] != ownWords || l.depth > 0 || l.blank() && l.role != start {
			continue
		}
		n, strong := 0, false
		isBlock := false
		switch {
		case l.role == intro:
			n = 1
			for i+n < c.end && c.lines[i+n].role == intro && c.tags[i+n] == ownWords {
				n++
			}
		case l.role == start:
			n, strong, isBlock = c.head(i), true, true
		default:
			if b := c.head(i); b > 0 {
				n, strong, isBlock = b, true, true
			} else {
				n, strong = attribution(c.lines[:c.end], i)
				if after := c.next(i + n); n > 0 && after < c.end {
					if b := c.head(after); b > 0 { // both, as iNotes writes
						n, strong = after+b-i, true
					}
				}
			}
		}
		if n == 0 {
			continue
		}
		after := c.next(i + n)
		strong = strong || after < c.end && c.tags[after] == noticed
		switch {
		case after < c.end && c.tags[after] == quoted:
			c.mark(i, i+n, says)
		case l.role == intro: // what it introduced was taken away
			c.mark(i, i+n, says)
		case strong && isBlock && forward:
			c.mark(i, c.end, untouched)
			return
		case strong && after >= c.end:
			c.mark(i, i+n, says) // a quote of nothing
		case strong && c.marksFollow(i+n, isBlock):
			c.mark(i, i+n, says) // this program gives marks: what has none is typed
		case strong:
			c.open(i, i+n)
			return
		}
		i += n - 1
	}
}

// marksFollow reports whether what is quoted from here on has marks. Below Outlook's block there may be marks of an
// older quote inside; there they count where they stand before the notice.
func (c *cutter) marksFollow(from int, block bool) bool {
	for i := from; i < c.end; i++ {
		if c.tags[i] == quoted && (!block || c.known[i]) {
			return true
		}
	}
	return false
}

func (c *cutter) mark(from, to int, as tag) {
	for i := from; i < min(to, len(c.tags)); i++ {
		c.tags[i] = as
	}
}

// open cuts a quote without marks, which nothing ends. What says who wrote it stands from one place to another.
func (c *cutter) open(from, to int) {
	above, underDashes := false, false
	for i := range from {
		if c.tags[i] != ownWords || c.lines[i].blank() || c.lines[i].role == signature {
			continue
		}
		if len(c.lines[i].body) <= 2000 && below.MatchString(c.lines[i].body) {
			return // the answers stand in the quote
		}
		if dashes(c.lines[i]) {
			underDashes = true
		}
		above = above || !underDashes && !deviceLine(c.lines[i].body)
	}
	// What is between here and the next quote inside is the notice, if anything of it is known.
	inner := to
	for ; inner < c.end; inner++ {
		if c.tags[inner] == quoted || inner > to && c.head(inner) > 0 {
			break
		}
		if n, strong := attribution(c.lines[:c.end], inner); n > 0 && strong {
			break
		}
	}
	known := slices.Contains(c.tags[to:inner], noticed)
	if !above && !known {
		return // it may all stand below
	}
	c.mark(from, to, says)
	broken := false // a link goes on in the next line
	for i := to; i < c.end; i++ {
		body := strings.TrimSpace(c.lines[i].body)
		goesOn := broken && !strings.Contains(body, " ")
		broken = strings.HasPrefix(body, "<http") && !strings.Contains(body, ">") || goesOn && !strings.HasSuffix(body, ">")
		if i < inner && known && c.tags[i] == ownWords && !goesOn && !residue(body) {
			continue // not the notice's: typed into it
		}
		if c.tags[i] != noticed {
			c.tags[i] = quoted
		}
	}
}

// head counts the lines of what Outlook and its like put above a quote: a rule or a title, then From, Sent, To, Subject.
// An attribution may stand under the title instead.
func (c *cutter) head(i int) int {
	lines := c.lines[:c.end]
	at, title := i, false
	if lines[at].role == start {
		at++
	}
	for at < min(len(lines), i+farthest) && (lines[at].blank() || ruled.MatchString(strings.TrimSpace(lines[at].body))) {
		at++
	}
	if at < len(lines) && original.MatchString(strings.TrimSpace(lines[at].body)) {
		title = true
		at++
		for at < min(len(lines), i+2*farthest) && lines[at].blank() {
			at++
		}
	}
	if at >= len(lines) {
		return 0
	}
	if n := headerBlock(lines, at); n > 0 {
		return at + n - i
	}
	if title {
		if n, _ := attribution(lines, at); n > 0 {
			return at + n - i
		}
		return at - i
	}
	if lines[i].role == start {
		return 1
	}
	return 0
}

// answered keeps, where own words stand in several places, the quoted paragraph that each answer below a quote answers.
func (c *cutter) answered() {
	var places []int // first lines of own words that follow a quote
	own, total, since := false, 0, false
	for i := range c.end {
		switch {
		case c.lines[i].blank():
		case c.tags[i] == ownWords:
			if !own || since {
				total++
				if since {
					places = append(places, i)
				}
			}
			own, since = true, false
		case c.tags[i] == quoted && c.lines[i].depth > 0:
			since = true
		}
	}
	if total < 2 {
		return
	}
	for _, i := range places {
		i--
		for i >= 0 && (c.lines[i].blank() || c.tags[i] != quoted) {
			i--
		}
		for n := 0; i >= 0 && n < 6 && c.tags[i] == quoted && !c.lines[i].blank(); n++ {
			c.lines[i].keep = true
			i--
		}
	}
}

// blanks keeps an empty line, and with it the pictures in it, as what it follows is kept.
func (c *cutter) blanks() {
	before := true
	for i := range c.lines {
		if !c.lines[i].blank() {
			before = c.lines[i].keep
		} else if c.tags[i] != quoted {
			c.lines[i].keep = before && c.lines[i].role != signature
		} else {
			c.lines[i].keep = false
		}
	}
}

// notice is the fixed text of what is answered, as one row of words.
type notice struct{ text string }

func newNotice(lines []string) notice {
	text := bareWords(strings.Join(lines, " "))
	if text == "" {
		return notice{}
	}
	return notice{" " + text + " "}
}

// holds reports whether a line of at least so many letters stands in the notice, however it was wrapped.
func (n notice) holds(body string, least int) bool {
	if n.text == "" || len(body) > 2000 {
		return false
	}
	bare := bareWords(body)
	return len(bare) >= least && strings.Contains(n.text, " "+bare+" ")
}

// bareWords are the words of a text without links, marks of emphasis and the like.
func bareWords(s string) string {
	s = linkText.ReplaceAllString(oneLine(s), " ")
	return strings.Join(strings.Fields(strings.ToLower(strings.Map(func(r rune) rune {
		switch r {
		case '*', '_', '|', '<', '>', '[', ']', '(', ')':
			return ' '
		case '’':
			return '\''
		case '“', '”':
			return '"'
		}
		return r
	}, s))), " ")
}

// residue reports whether a line is only what mail programs leave of links and pictures.
func residue(body string) bool {
	return strings.Trim(bareWords(body), " -.:·•=#") == ""
}
