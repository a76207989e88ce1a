package answer

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxHTML is how much of an HTML part is read.
const maxHTML = 5 << 20

// htmlLines gives the visible text of HTML, line by line, with what its markup says of quotes and signatures. Where all
// of the text is hidden, it is shown: a client that writes white letters may not make its owner mute.
func htmlLines(s string) (lines []line, more bool) {
	if len(s) > maxHTML {
		s, more = s[:maxHTML], true
	}
	lines, over := render(s, false)
	if len(tidy(lines)) == 0 {
		lines, over = render(s, true)
	}
	return lines, more || over
}

// maxOpen bounds the elements that are open at once; what is nested more deeply is read flat.
const maxOpen = 200

// look is what an element inherits.
type look struct {
	skip                bool // no text at all: a script, a style
	gone, veiled, small bool // not to be seen: for all that is inside, or until something inside says otherwise
	pre                 bool
	depth               int
	role                role
	ink, paper          colour
	list                int  // how deeply lists are nested
	ordered             bool // and how the innermost counts
}

func (p *page) invisible() bool {
	return p.skip || !p.all && (p.gone || p.veiled || p.small || p.ink.near(p.paper))
}

type open struct {
	tag  atom.Atom
	name string
	was  look   // what held outside
	href string // of a link
	from int    // where its label begins
	n    int    // items of a list so far
	gap  bool   // an empty line follows
}

type page struct {
	look
	all   bool // hidden text, too
	stack []open
	lines []line
	size  int             // of them
	b     strings.Builder // the line that is being written
	space bool            // a space is due before the next letter
	ids   []string
	mark  role // what the line that is being written is

	after int  // how many lines there were when it was last asked whether they introduce a quote
	quote bool // and whether they did
}

func render(s string, all bool) (lines []line, more bool) {
	z := html.NewTokenizer(strings.NewReader(s))
	p := &page{all: all, look: look{paper: white, ink: black}}
	for {
		if len(p.lines) > maxLines || p.size+p.b.Len() > maxPart {
			return p.lines[:min(len(p.lines), maxLines)], true
		}
		switch z.Next() {
		case html.ErrorToken:
			p.flush()
			return p.lines, false
		case html.TextToken:
			p.say(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(z.Token())
		case html.EndTagToken:
			t := z.Token()
			p.end(t.DataAtom, t.Data)
		}
	}
}

// say writes text as a browser would: white space is one space.
func (p *page) say(text string) {
	if p.invisible() {
		return
	}
	text = clean(text)
	for _, r := range text {
		switch {
		case r == '\n' && p.pre:
			p.feed()
			continue
		case r == ' ' && p.pre, r == '\u00a0':
			p.space = false
			p.b.WriteByte(' ')
			continue
		case r == ' ' || r == '\n' || r == '\t':
			p.space = p.b.Len() > 0
			continue
		}
		if p.space {
			p.b.WriteByte(' ')
			p.space = false
		}
		if p.mark == none {
			p.mark = p.role
		}
		p.b.WriteRune(r)
	}
}

// feed ends a line, though it may be empty.
func (p *page) feed() {
	text := strings.TrimRight(p.b.String(), " ")
	depth, body := marks(text, false) // marks that somebody's other client put there
	l := line{body: body, depth: p.depth + depth, sure: p.depth > 0, role: p.mark, pictures: p.ids}
	if strings.TrimSpace(body) == "--" {
		l.body = "-- "
	}
	l.text = marked(l.depth, body)
	p.lines = append(p.lines, l)
	p.size += len(l.text)
	p.b.Reset()
	p.space, p.ids, p.mark = false, nil, none
	for i := range p.stack { // labels that began in this line go on in the next
		p.stack[i].from = 0
	}
}

// flush ends a line that has something in it, though it be one hard space, as Outlook writes an empty line.
func (p *page) flush() {
	if p.b.Len() > 0 || len(p.ids) > 0 {
		p.feed()
	}
	p.space = false
}

// gap leaves an empty line, as before and after a paragraph.
func (p *page) gap() {
	p.flush()
	if n := len(p.lines); n > 0 && !p.lines[n-1].blank() {
		p.feed()
	}
}

func (p *page) start(t html.Token) {
	attr := map[string]string{}
	for _, a := range t.Attr {
		if _, there := attr[a.Key]; !there {
			attr[a.Key] = a.Val
		}
	}
	switch t.DataAtom {
	case atom.Br:
		if !p.invisible() {
			p.feed()
		}
		return
	case atom.Hr:
		p.flush()
		if !p.invisible() {
			p.b.WriteString(rule)
			p.feed()
		}
		return
	case atom.Img:
		p.picture(attr)
		return
	case atom.Meta, atom.Link, atom.Input, atom.Base, atom.Col, atom.Wbr, atom.Area, atom.Source, atom.Track, atom.Embed, atom.Param:
		return
	case atom.P, atom.Div, atom.Table, atom.Ul, atom.Ol, atom.Blockquote, atom.Pre, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		if n := len(p.stack); n > 0 && p.stack[n-1].tag == atom.P {
			p.end(atom.P, "p") // a paragraph holds no blocks
		}
	case atom.Li, atom.Td, atom.Th, atom.Tr, atom.Option:
		if n := len(p.stack); n > 0 && (p.stack[n-1].tag == t.DataAtom || t.DataAtom == atom.Td && p.stack[n-1].tag == atom.Th) {
			p.end(p.stack[n-1].tag, p.stack[n-1].name)
		}
	}
	style := strings.ToLower(attr["style"])
	if block(t.DataAtom) {
		if t.DataAtom == atom.P && !tight(attr, style) || heading(t.DataAtom) {
			p.gap()
		} else {
			p.flush()
		}
	}
	o := open{tag: t.DataAtom, name: t.Data, was: p.look, from: p.b.Len(), gap: t.DataAtom == atom.P && !tight(attr, style) || heading(t.DataAtom)}
	p.dress(t.DataAtom, attr, style)
	switch t.DataAtom {
	case atom.A:
		o.href = strings.TrimSpace(attr["href"])
	case atom.Li:
		p.bullet()
	case atom.Td, atom.Th:
		p.space = p.b.Len() > 0
	}
	if t.Type == html.SelfClosingTagToken && !block(t.DataAtom) && t.DataAtom != atom.A && t.DataAtom != atom.Span {
		p.look = o.was // <o:p/> and its like
		return
	}
	if len(p.stack) < maxOpen {
		p.stack = append(p.stack, o)
	} else {
		p.look = o.was
	}
}

// dress applies what an element says of itself to what is in it.
func (p *page) dress(tag atom.Atom, attr map[string]string, style string) {
	switch tag {
	case atom.Head, atom.Script, atom.Style, atom.Title, atom.Template, atom.Noscript, atom.Object, atom.Svg, atom.Iframe, atom.Canvas, atom.Audio, atom.Video:
		p.skip = true
	case atom.Body, atom.Html:
		p.skip = false // a head that was never closed
	case atom.Pre:
		p.pre = true
	case atom.Ul, atom.Ol:
		p.list++
		p.ordered = tag == atom.Ol
	}
	if strings.Contains(style, "white-space") && whiteSpacePre.MatchString(style) {
		p.pre = true
	}
	if len(attr) == 0 {
		if tag == atom.Blockquote {
			p.quoting(tag, attr, style)
		}
		return
	}
	if c, ok := readColour(attr["color"]); ok {
		p.ink = c
	} else if c, ok := readColour(attr["text"]); ok && tag == atom.Body {
		p.ink = c
	}
	if c, ok := readColour(attr["bgcolor"]); ok {
		p.paper = c
	}
	if attr["background"] != "" {
		p.paper = unknown
	}
	clipped := strings.Contains(style, "overflow") && strings.Contains(style, "hidden") // once: a stranger chooses how many rules there are
	for rule := range strings.SplitSeq(style, ";") {
		key, value, ok := strings.Cut(rule, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "!important"))
		switch strings.TrimSpace(key) {
		case "color":
			if c, ok := readColour(value); ok {
				p.ink = c
			}
		case "background", "background-color", "background-image":
			if c, ok := readColour(value); ok {
				p.paper = c
			} else if strings.Contains(value, "url(") || strings.Contains(value, "gradient") {
				p.paper = unknown
			}
		case "display":
			p.gone = p.gone || value == "none"
		case "visibility":
			p.veiled = value == "hidden" || value == "collapse"
		case "mso-hide":
			p.gone = p.gone || value == "all"
		case "opacity":
			p.gone = p.gone || zero.MatchString(value)
		case "font-size":
			p.small = tiny.MatchString(value)
		case "max-height", "max-width", "height", "width":
			p.gone = p.gone || clipped && zero.MatchString(value)
		case "text-indent", "left", "top", "margin-left":
			p.gone = p.gone || farAway.MatchString(value)
		}
	}
	if _, ok := attr["hidden"]; ok {
		p.gone = true
	}
	p.quoting(tag, attr, style)
}

// quoting knows the containers of the clients.
func (p *page) quoting(tag atom.Atom, attr map[string]string, style string) {
	class, id := " "+strings.ToLower(attr["class"])+" ", strings.ToLower(attr["id"])
	in := func(names ...string) bool {
		for _, n := range names {
			if strings.Contains(class, " "+n+" ") || id == n {
				return true
			}
		}
		return false
	}
	switch {
	case tag == atom.Blockquote:
		if attr["type"] == "cite" || attr["cite"] != "" || strings.Contains(class, "quote") || strings.Contains(style, "border-left") && !strings.Contains(style, "border-left:none") || p.introduced() {
			p.depth++ // others indent
		}
	case in("yahoo_quoted", "ydpyahoo_quoted", "mail-editor-reference-message-container") || strings.HasPrefix(id, "yahoo_quoted") || strings.HasPrefix(class, " ydp") && strings.Contains(class, "yahoo_quoted"):
		p.depth++
	case in("gmail_attr", "moz-cite-prefix"), strings.HasSuffix(class, "gmail_attr "):
		p.role = intro
	case id == "appendonsend", id == "divrplyfwdmsg", strings.HasSuffix(id, "_divrplyfwdmsg"):
		p.startQuote()
	case in("gmail_signature", "moz-signature", "signature", "applemailsignature", "ms-outlook-mobile-signature", "protonmail_signature_block",
		"zmail_signature_below", "zmail_signature", "x_signature", "spark_signature", "k9mail-signature", "samsung_signature") && p.depth == 0:
		p.role = signature
	}
}

// startQuote marks that from here on there is a quote without marks.
func (p *page) startQuote() {
	p.flush()
	p.lines = append(p.lines, line{role: start, depth: p.depth, sure: p.depth > 0})
}

// introduced reports whether the lines so far end in "... wrote:".
func (p *page) introduced() bool {
	if n := len(p.lines); n != p.after { // a stranger may open quotes without end after one line
		p.after, p.quote = n, p.introduces()
	}
	return p.quote
}

func (p *page) introduces() bool {
	n := len(p.lines)
	for k := 0; k < farthest && n > 0 && p.lines[n-1].blank(); k++ {
		n--
	}
	for from := max(0, n-3); from < n; from++ {
		if p.lines[from].role == intro {
			return true
		}
		if k, _ := attribution(p.lines[:n], from); k == n-from {
			return true
		}
	}
	return false
}

func (p *page) end(tag atom.Atom, name string) {
	i := len(p.stack) - 1
	for ; i >= 0 && (p.stack[i].tag != tag || p.stack[i].name != name); i-- {
		if tag == atom.A || tag == atom.Span || tag == atom.B || tag == atom.Font {
			if block(p.stack[i].tag) {
				return // an inline element does not end a block around it
			}
		}
	}
	if i < 0 {
		if tag == atom.P {
			p.gap()
		}
		return
	}
	o := p.stack[i]
	if tag == atom.A && !p.invisible() {
		p.link(o)
	}
	if block(tag) {
		p.flush()
	}
	p.stack = p.stack[:i]
	p.look = o.was
	if o.gap || (tag == atom.Ul || tag == atom.Ol) && p.list == 0 {
		p.gap()
	}
}

// link adds where a link leads, if its label does not say so.
func (p *page) link(o open) {
	scheme, rest, _ := strings.Cut(strings.ToLower(o.href), ":")
	if scheme != "http" && scheme != "https" || len(o.href) > 2000 {
		return
	}
	label := p.b.String()[min(o.from, p.b.Len()):]
	bare := strings.Trim(strings.ToLower(label), " /")
	if bare == "" || strings.Contains(strings.Trim(rest, "/"), strings.TrimPrefix(bare, "www.")) && strings.Contains(bare, ".") || strings.Contains(bare, strings.Trim(rest, "/")) {
		return
	}
	p.b.WriteString(" <" + oneLine(o.href) + ">")
}

func (p *page) bullet() {
	if p.invisible() {
		return
	}
	p.b.WriteString(strings.Repeat("  ", min(max(p.list-1, 0), 6)))
	if p.ordered {
		for i := len(p.stack) - 1; i >= 0; i-- {
			if p.stack[i].tag == atom.Ol {
				p.stack[i].n++
				p.b.WriteString(strconv.Itoa(p.stack[i].n) + ". ")
				return
			}
		}
	}
	p.b.WriteString("- ")
}

// picture keeps of an image what a person typed with it, an emoji, and which attached one it shows.
func (p *page) picture(attr map[string]string) {
	if p.invisible() {
		return
	}
	alt := oneLine(attr["alt"])
	if alt != "" && (attr["data-emoji"] != "" || attr["goomoji"] != "" || strings.Contains(strings.ToLower(attr["class"]), "emoji") || len(alt) <= 32 && !lettered.MatchString(alt)) {
		p.say(alt)
	}
	if id, ok := strings.CutPrefix(attr["src"], "cid:"); ok {
		p.ids = append(p.ids, strings.Trim(id, "<>"))
		if p.mark == none {
			p.mark = p.role
		}
	}
}

const rule = "________________________________"

var (
	whiteSpacePre = regexp.MustCompile(`white-space\s*:\s*(pre|break-spaces)`)
	zero          = regexp.MustCompile(`^0*(\.0+)?(px|pt|em|rem|%)?$`)
	tiny          = regexp.MustCompile(`^(0*(\.\d+)?|0*1(\.0+)?(px|pt))(px|pt|em|rem|%)?$`)
	farAway       = regexp.MustCompile(`^-\d{4,}`)
	lettered      = regexp.MustCompile(`[A-Za-z0-9]`)
	tightMargin   = regexp.MustCompile(`margin(-top|-bottom)?\s*:\s*0`)
)

// tight reports whether a paragraph stands without distance, as Outlook writes lines.
func tight(attr map[string]string, style string) bool {
	return strings.Contains(attr["class"], "Mso") || tightMargin.MatchString(style)
}

func block(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Table, atom.Tr, atom.Ul, atom.Ol, atom.Li, atom.Blockquote, atom.Pre, atom.Body, atom.Html, atom.Center, atom.Section,
		atom.Article, atom.Header, atom.Footer, atom.Address, atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Fieldset, atom.Tbody, atom.Thead, atom.Title, atom.Head, atom.Figure:
		return true
	}
	return heading(a)
}

func heading(a atom.Atom) bool {
	switch a {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}
