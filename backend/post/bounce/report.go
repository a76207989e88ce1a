package bounce

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// report reads what a mail system, a reader's program or a complaint service says in the form that standards give it.
// Such a part counts where the mail is nothing but a report, or where a program sent the mail: a person may attach one.
func (m *message) report() (Kind, string, []Report) {
	_, params := mediaType(m.head.first("content-type"))
	said := strings.ToLower(params["report-type"])
	top := m.top == "multipart/report"
	for _, p := range m.leaves {
		if !top && !m.machine() && !postmaster(m.from) {
			break
		}
		switch p.kind {
		case "message/feedback-report":
			return Feedback, "it is a complaint or a report of a failed check", m.complaint(p)
		case "message/disposition-notification", "message/global-disposition-notification":
			return m.receipt(p)
		case "message/delivery-status", "message/global-delivery-status":
			if kind, reports := m.delivery(); kind != "" {
				return kind, "it is a delivery report", reports
			}
		}
	}
	switch {
	case top && said == "feedback-report":
		return Feedback, "it says that it is a complaint", []Report{{About: m.about()}}
	case top && said == "disposition-notification":
		return Receipt, "it says that it is a receipt", []Report{{About: m.about()}}
	case top && (said == "delivery-status" || said == "" && (m.machine() || hasPrefix(fold(m.sender), systemNames))):
		kind := m.outcome()
		if kind == "" {
			kind = Bounce
		}
		return kind, "it says that it is a delivery report, and its text how it ended", m.textReports(kind)
	}
	for _, v := range m.head["from"] { // the complaints of Outlook.com have a form of their own
		if a := strings.ToLower(address(v)); a == "staff@hotmail.com" && strings.HasPrefix(m.subject, "complaint about message from") {
			return Feedback, "it is a complaint in the form of Outlook.com", []Report{{Action: "abuse", About: m.about()}}
		}
	}
	return "", "", nil
}

// delivery reads all delivery-status parts. The kind is the worst of the recipients': nothing where none says one.
func (m *message) delivery() (Kind, []Report) {
	var reports []Report
	envelope := ""
	for _, p := range m.leaves {
		if p.kind != "message/delivery-status" && p.kind != "message/global-delivery-status" {
			continue
		}
		for _, h := range groups(toUTF8(m.decoded(p), "")) {
			if v := clean(h.first("original-envelope-id"), 300); v != "" {
				envelope = v
			}
			if !h.has("final-recipient") && !h.has("original-recipient") && !h.has("action") || len(reports) >= maxReports {
				continue
			}
			reports = append(reports, recipient(h))
		}
	}
	about := m.about() // after the status parts: these are to be decoded whatever else there is
	kinds := map[Kind]bool{}
	for i := range reports {
		reports[i].Envelope, reports[i].About = envelope, about
		switch reports[i].Action {
		case "failed":
			kinds[Bounce] = true
		case "delayed":
			kinds[Delayed] = true
		case "delivered", "relayed", "expanded":
			kinds[Delivered] = true
		default: // it says nothing, or a word of its own: the text decides
			if kind := m.outcome(); kind != "" {
				kinds[kind] = true
				reports[i].Action = actions[kind]
			}
		}
	}
	for _, kind := range []Kind{Bounce, Delayed, Delivered} {
		if kinds[kind] {
			return kind, reports
		}
	}
	return "", nil
}

var actions = map[Kind]string{Bounce: "failed", Delayed: "delayed", Delivered: "delivered"}

// recipient reads the fields about one recipient.
func recipient(h header) Report {
	r := Report{Recipient: typed(h.first("final-recipient")), Original: typed(h.first("original-recipient")),
		Status: status(" " + h.first("status"))}
	if !strings.Contains(r.Recipient, "@") && (r.Recipient == "" || strings.Contains(r.Original, "@")) {
		r.Recipient = r.Original // the final one may be of X.400, or of nothing
	}
	said := h.first("diagnostic-code")
	if kind, rest, ok := strings.Cut(said, ";"); ok && len(kind) < 20 && !strings.ContainsAny(strings.TrimSpace(kind), " \t") {
		said = rest
	}
	r.Diagnostic = clean(said, maxWords)
	action := strings.ToLower(h.first("action"))
	if i := strings.IndexFunc(action, func(c rune) bool { return c < 'a' || c > 'z' }); i >= 0 {
		action = action[:i]
	}
	if action == "" && r.Status != "" {
		action = map[byte]string{'5': "failed", '4': "delayed", '2': "delivered"}[r.Status[0]]
	}
	if action == "failure" || action == "fail" {
		action = "failed"
	}
	r.Action = clean(action, 30)
	// 5.0.0 says no more than that it failed; what the other side said is often better.
	if inside := status(" " + r.Diagnostic); inside != "" && (r.Status == "" || strings.HasSuffix(r.Status, ".0.0") && inside[0] == r.Status[0]) {
		r.Status = inside
	}
	r.Permanent = r.Action == "failed" && permanent(r.Status, r.Diagnostic)
	return r
}

// typed reads an address behind its type, "rfc822; a@b". That of utf-8 may have its letters as \x{…} (RFC 6533).
func typed(v string) string {
	if kind, rest, ok := strings.Cut(v, ";"); ok && !strings.Contains(kind, "@") {
		v = rest
		if strings.EqualFold(strings.TrimSpace(kind), "utf-8") {
			v = unicodeEscape.ReplaceAllStringFunc(v, func(s string) string {
				n, err := strconv.ParseUint(s[3:len(s)-1], 16, 32)
				if err != nil || n < 0x20 {
					return ""
				}
				return string(rune(n))
			})
		}
	}
	if a := address(v); a != "" {
		return a
	}
	return clean(strings.Trim(strings.TrimSpace(v), "<>"), 320)
}

var unicodeEscape = regexp.MustCompile(`\\x\{[0-9A-Fa-f]{1,6}\}`)

// receipt reads what a reader's program says. A filter that refuses a mail says it in this form, too (RFC 5429).
func (m *message) receipt(p part) (Kind, string, []Report) {
	h := header{}
	for _, g := range groups(toUTF8(m.decoded(p), "")) {
		for name, v := range g {
			h[name] = append(h[name], v...)
		}
	}
	r := Report{About: m.about(), Recipient: typed(h.first("final-recipient")), Original: typed(h.first("original-recipient"))}
	if ids := messageIDs(h.first("original-message-id")); len(ids) > 0 && r.About.MessageID == "" {
		r.About.MessageID = ids[0]
	}
	mode, what, _ := strings.Cut(strings.ToLower(h.first("disposition")), ";")
	what, _, _ = strings.Cut(strings.TrimSpace(what), "/")
	r.Action = clean(what, 30)
	refused := strings.Contains(mode, "automatic") && hasAny(m.words(), []string{"automatically rejected", "was refused by the recipient's mail filtering"})
	if refused || what == "failed" || what == "denied" {
		own, _ := m.parted()
		r.Action, r.Diagnostic = "failed", clean(own, maxWords)
		return Bounce, "it is a receipt that says that the mail was refused", []Report{r}
	}
	return Receipt, "it is a receipt of a reader's program", []Report{r}
}

// complaint reads a feedback report.
func (m *message) complaint(p part) []Report {
	about := m.about()
	var reports []Report
	for _, h := range groups(toUTF8(m.decoded(p), "")) {
		r := Report{About: about, Action: clean(strings.ToLower(h.first("feedback-type")), 30), Envelope: clean(h.first("original-envelope-id"), 300)}
		if r.Action == "" {
			continue
		}
		for _, v := range h["original-rcpt-to"] {
			if len(reports) < maxReports {
				r.Recipient = address(v)
				reports = append(reports, r)
			}
		}
		if len(reports) == 0 {
			reports = append(reports, r)
		}
	}
	if reports == nil {
		reports = []Report{{About: about}}
	}
	return reports
}

// groups are the field groups of a status part, parted by empty lines.
func groups(s string) []header {
	var found []header
	for group := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if h := fields([]byte(strings.TrimLeft(group, "\n"))); len(h) > 0 {
			found = append(found, h)
		}
	}
	return found
}

// about reads the fields of the mail that came back: from a part of its own, else from the text.
func (m *message) about() Returned {
	if m.back == nil {
		a := m.findAbout()
		m.back = &a
	}
	return *m.back
}

func (m *message) findAbout() Returned {
	for _, p := range m.leaves {
		switch p.kind {
		case "message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global", "message/global-headers", "message/news":
			head, _ := split([]byte(strings.TrimLeft(string(m.decoded(p)), "\r\n")))
			if a := m.filled(fields(head)); a != (Returned{}) {
				return a
			}
		}
	}
	a := m.filled(inText(m.body()))
	if a.Token == "" {
		asked := 0
		for _, found := range addresses(m.body(), maxWords) {
			if asked++; m.ours(found) {
				a.Token = found
				break
			}
		}
	}
	return a
}

func (m *message) filled(h header) Returned {
	a := Returned{From: address(h.first("from")), To: address(h.first("to")), ReplyTo: address(h.first("reply-to"))}
	if ids := messageIDs(h.first("message-id")); len(ids) > 0 {
		a.MessageID = ids[0]
	} else {
		a.MessageID = clean(h.first("message-id"), 300)
	}
	for _, name := range []string{"reply-to", "from", "return-path", "sender", "to", "cc"} {
		for _, found := range addresses(h.first(name), 20) {
			if a.Token == "" && m.ours(found) {
				a.Token = found
			}
		}
	}
	return a
}

// inText finds the header of a mail in a text: the first run of lines that has a Message-ID, else the first that has a
// To. Quote signs and indents before the lines do not count.
func inText(s string) header {
	var best header
	var run strings.Builder
	lines := 0
	end := func() header {
		h := fields([]byte(run.String()))
		run.Reset()
		lines = 0
		if h.has("message-id") {
			return h
		}
		if best == nil && h.has("to") && len(h) >= 2 {
			best = h
		}
		return nil
	}
	for line := range strings.Lines(s) {
		trimmed := strings.TrimLeft(line, "> \t")
		name, _, ok := strings.Cut(trimmed, ":")
		switch {
		case ok && fieldName([]byte(name)):
			run.WriteString(strings.TrimRight(trimmed, "\r\n") + "\n")
			lines++
		case strings.TrimSpace(trimmed) != "" && lines > 0 && trimmed != line:
			run.WriteString(" " + strings.TrimSpace(trimmed) + "\n")
		default:
			if h := end(); h != nil {
				return h
			}
		}
	}
	if h := end(); h != nil {
		return h
	}
	return best
}

var (
	statusIn = regexp.MustCompile(`(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:$|[^0-9.]|\.$|\.[^0-9])`)
	codeIn   = regexp.MustCompile(`(?:^|[^0-9.])([45][0-5][0-9])(?:[ \-#:]|$)`)
)

// status finds a status of RFC 3463 in words.
func status(s string) string {
	if found := statusIn.FindStringSubmatch(s[:min(len(s), 4096)]); found != nil {
		return found[1]
	}
	return ""
}

// permanent reports that a failure will not pass: as the status says, else the reply code, else the words.
func permanent(status, words string) bool {
	if status != "" {
		return status[0] == '5'
	}
	words = words[:min(len(words), 4096)]
	if code := codeIn.FindStringSubmatch(words); code != nil {
		return code[1][0] == '5'
	}
	return hasAny(fold(words), permanentWords)
}

func hasAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}

func hasPrefix(s string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(s, w) })
}

// reply reports a subject that says that it answers or forwards another.
func reply(subject string) bool { return replyPrefix.MatchString(subject) }

var replyPrefix = regexp.MustCompile(`^(re|aw|fw|fwd|wg|sv|vs|rv|tr|res|enc|antw|odp|ref|回复|答复|转发|返信|转寄)(\[\d+\]|\(\d+\))?\s?[:：]`)
