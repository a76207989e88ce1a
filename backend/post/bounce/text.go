package bounce

import (
	"slices"
	"strings"
)

// returned tells of a mail that a mail system sent back in a form of its own.
func (m *message) returned() (Kind, string) {
	if m.autoSubject() || m.submitted() == "auto-replied" && strings.Contains(strings.ToLower(m.head.first("auto-submitted")), "vacation") {
		return "", ""
	}
	kind := m.outcome()
	switch {
	case m.has("x-failed-recipients"):
		if kind == "" {
			kind = Bounce
		}
		return kind, "it names recipients that failed"
	case kind == "" && daemon(m.from, m.sender) && m.about().MessageID != "":
		return Bounce, "a mail system sent a mail back, in words that are not known here"
	case kind == "":
	case daemon(m.from, m.sender) || m.has("x-ms-embedded-report"):
		return kind, "a mail system sent it, and its words are those of a delivery report"
	case !m.supported():
	case m.nullPath():
		return kind, "its return path is empty, and its words are those of a delivery report"
	case reply(m.subject):
	case m.machine() || postmaster(m.from) || hasPrefix(fold(m.sender), systemNames):
		return kind, "a program sent it, and its words are those of a delivery report"
	case hasAny(m.subject, slices.Concat(failSubjects, delaySubjects)) && hasPrefix(m.words(), openings):
		return kind, "its subject and its first words are those of a delivery report"
	}
	return "", ""
}

// outcome is what a mail's subject and first words say of a delivery, or nothing.
func (m *message) outcome() Kind {
	words := m.words()
	failed := hasAny(words, failWords)
	switch {
	case hasAny(m.subject, delaySubjects) || hasAny(words, delayWords) && !hasAny(words, lostWords):
		return Delayed
	case hasAny(m.subject, doneSubjects) && !failed:
		return Delivered
	case failed || hasAny(m.subject, failSubjects) && !reply(m.subject):
		return Bounce
	}
	return ""
}

// supported reports more than words: a subject as reports have it, a reply code, or a mail that came back. Without it
// the words of an out-of-office answer ("it could not be delivered to me") would be taken for a report.
func (m *message) supported() bool {
	subjects := slices.Concat(failSubjects, delaySubjects, doneSubjects)
	own, _ := m.parted()
	own = own[:min(len(own), 4096)]
	return hasAny(m.subject, subjects) && !reply(m.subject) || status(" "+own) != "" || codeIn.MatchString(own) || m.about().MessageID != ""
}

func postmaster(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return local == "postmaster" || local == "mailadmin" || local == "mail-admin"
}

// textReports reads of a text which recipients it names, and what it says of each.
func (m *message) textReports(kind Kind) []Report {
	about := m.about()
	own, _ := m.parted()
	not := append([]string{m.from, about.Token, about.From, about.ReplyTo}, addresses(m.head.first("to"), 20)...)
	skip := func(a string) bool {
		return slices.ContainsFunc(not, func(n string) bool { return strings.EqualFold(n, a) }) || daemon(a, "") || postmaster(a) || m.ours(a)
	}
	said := named(own, skip)
	var failed []string
	for _, v := range m.head["x-failed-recipients"] {
		failed = append(failed, addresses(v, maxReports)...)
	}
	var reports []Report
	add := func(a, diagnostic string) {
		if len(reports) >= maxReports || slices.ContainsFunc(reports, func(r Report) bool { return strings.EqualFold(r.Recipient, a) }) {
			return
		}
		r := Report{Recipient: a, Action: actions[kind], Diagnostic: clean(diagnostic, maxWords), About: about}
		r.Status = status(" " + diagnostic)
		r.Permanent = kind == Bounce && permanent(r.Status, diagnostic)
		reports = append(reports, r)
	}
	// What is said of the only recipient stands where the reply code is, unless it stands beside the address.
	if len(said) == 1 && !codeIn.MatchString(said[0][1]) && status(" "+said[0][1]) == "" {
		if words := coded(own[:min(len(own), maxPart)]); words != "" {
			said[0][1] = words
		}
	}
	for _, a := range failed {
		diagnostic := own
		if i := slices.IndexFunc(said, func(s [2]string) bool { return strings.EqualFold(s[0], a) }); i >= 0 && said[i][1] != "" {
			diagnostic = said[i][1]
		}
		add(a, diagnostic)
	}
	if len(failed) == 0 {
		for _, s := range said {
			if s[1] == "" {
				s[1] = own
			}
			add(s[0], s[1])
		}
	}
	if len(reports) == 0 {
		add(about.To, own)
	}
	return reports
}

// named finds the recipients that a text names, each with what is said of it: those at the beginning of a line with the
// lines that follow, else those anywhere.
func named(text string, skip func(string) bool) [][2]string {
	var found [][2]string
	at := -1
	empty := false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		bare := strings.TrimLeft(trimmed, "<*>-• \t")
		for _, label := range labels {
			if len(bare) >= len(label) && strings.EqualFold(bare[:len(label)], label) {
				bare = strings.TrimLeft(bare[len(label):], "<[ \t:")
				bare = strings.TrimPrefix(strings.TrimPrefix(bare, "SMTP:"), "<")
				break
			}
		}
		a := addresses(bare[:min(len(bare), 400)], 1)
		starts := len(a) > 0 && (strings.HasPrefix(bare, a[0]) || between(bare, a[0]))
		switch {
		case starts && !skip(a[0]) && len(found) < maxReports && !strings.HasPrefix(trimmed, ">>>"):
			i := strings.Index(bare, a[0]) + len(a[0])
			at = slices.IndexFunc(found, func(f [2]string) bool { return strings.EqualFold(f[0], a[0]) })
			if at < 0 {
				found = append(found, [2]string{a[0]})
				at = len(found) - 1
			}
			found[at][1], empty = strings.TrimLeft(bare[i:], ">:,) \t]"), false // of two places the later says why
		case at < 0:
		case trimmed == "":
			empty = true
		// What is said of a recipient ends with an empty line, unless nothing was said yet or more of it is indented.
		case empty && found[at][1] != "" && !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(trimmed, "<<<"):
			at = -1
		case len(found[at][1]) < 4*maxWords:
			found[at][1] = strings.TrimSpace(found[at][1] + " " + trimmed)
			empty = false
		}
	}
	if found == nil {
		for _, a := range addresses(text, maxReports) {
			if !skip(a) {
				found = append(found, [2]string{a, ""})
			}
		}
	}
	return found
}

// between reports a line that is one word and an address in brackets, as GroupWise names its users.
func between(line, address string) bool {
	word, rest, ok := strings.Cut(line, " (")
	return ok && word != "" && !strings.Contains(word, " ") && strings.HasPrefix(rest, address+")")
}

// coded is the part of a text that begins with the line that has a reply code.
func coded(text string) string {
	at := codeIn.FindStringIndex(text)
	if at == nil {
		return ""
	}
	text = text[strings.LastIndexByte(text[:at[0]+1], '\n')+1:]
	if end := strings.Index(strings.ReplaceAll(text, "\r", ""), "\n\n"); end >= 0 {
		text = strings.ReplaceAll(text, "\r", "")[:end]
	}
	return strings.TrimSpace(text)
}

// parted is the text of the mail up to where the returned mail begins in it, and from there on.
func (m *message) parted() (own, rest string) {
	text := m.body()
	at, run := 0, 0 // run is where the lines began that look like fields
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if name, _, ok := strings.Cut(trimmed, ":"); !ok || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz-") != "" {
			run = at + len(line)
		}
		if at > 0 && quoteLine(trimmed) {
			return text[:at], text[at:]
		}
		if at > 0 && returnedField(trimmed) {
			return text[:run], text[run:]
		}
		at += len(line)
	}
	return text, text
}

// returnedField reports a line that begins the header of a mail.
func returnedField(line string) bool {
	for _, name := range []string{"return-path:", "received:", "x-original-to:", "delivered-to:", "dkim-signature:", "message-id:", "mime-version:"} {
		if len(line) > len(name) && strings.EqualFold(line[:len(name)], name) {
			return true
		}
	}
	return false
}

// quoteLine reports a line below which another mail is quoted.
func quoteLine(line string) bool {
	if len(line) > 300 || line == "" {
		return false
	}
	low := strings.ToLower(line)
	return hasAny(low, quoteLines) ||
		(strings.HasSuffix(low, "wrote:") || strings.HasSuffix(low, "schrieb:") || strings.HasSuffix(low, "escribió:") || strings.HasSuffix(low, "a écrit :") || strings.HasSuffix(low, "a écrit:")) && len(low) > 12
}
