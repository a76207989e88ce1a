// Package bounce says what a returned or automatic mail is. In goes one message as a mailbox gave it: from a stranger,
// of any size and shape. Out comes its kind, the rule that decided, and for each recipient that a report speaks of what
// became of the mail, and which mail that was. It reads no clock, no file and no network, and remembers nothing.
//
// Two mistakes cost: to answer an automatic mail (two programs then write to each other all night), and to drop what a
// person wrote. So a mail is Person only while nothing marks it as automatic, and what marks it is what a machine sets:
// header fields, the null return path, the MIME types of reports. The words of a text decide only where such a mark, or
// a sender that is a mail system, stands beside them, or where both the subject and the very first words are a mail
// system's: a person may quote a bounce, forward one, or write about being out of office. Of the words only what stands
// before the first quoted line counts. "Automatic reply:" and its like count where a subject begins so; a person's reply
// to one begins with "Re:".
//
// What bears no mark at all is Person, also where it is in truth the out-of-office answer of a system that says so only
// in its text: a person then reads it. List fields do not count against a mail that answers another and came through a
// group (Google Groups, or any list where one of our addresses is in To or Cc): so replies arrive in a shared mailbox.
// What could not be read to its end is Unreadable, never Person.
//
// Nothing here proves anything: everyone can write a bounce. A report is worth acting on where the returned mail's
// Message-ID or our own address in it (Returned) is known to the caller; a report without either is as likely the echo
// of mail that others sent in our name.
//
// Standards: delivery reports RFC 3461, 3462/6522, 3463, 3464 and 6533; receipts RFC 8098; complaints RFC 5965; automatic
// answers RFC 3834, with Microsoft's X-Auto-Response-Suppress and the older Precedence; lists RFC 2369 and 2919; calendar
// answers RFC 5546. Beyond them the texts of qmail, Exim, Sendmail, Postfix, OpenSMTPD, Exchange, Notes, GroupWise and
// others, in words.go.
//
// Limits: a message of 8 MiB, a header of 1 MiB, 200 parts, 16 levels, 128 KiB decoded of a part and 1 MiB of a message,
// 100 reports. A message inside of the message is read as far as its header.
package bounce

import (
	"log/slog"
	"slices"
	"strings"
)

// Limits of what is read. The message limit is that of letter.
const (
	Max         = 8 << 20
	maxHeader   = 1 << 20
	maxField    = 16 << 10 // a longer field is not decoded
	maxParts    = 200
	maxDepth    = 16
	maxPart     = 128 << 10
	maxDecoded  = 1 << 20
	maxReports  = 100
	maxHops     = 25
	maxRepeated = 2 // one mailbox may stand in two Delivered-To: that of a relay and that of the store
	maxWords    = 500
)

// Mark is the value of the X-Loop field that our notices carry, so that one that comes back is known.
const Mark = "postern-notice"

// Kind is what a mail is. There is no other value than these.
type Kind string

// The kinds.
const (
	Person     Kind = "person"     // nothing marks it as automatic: it may be somebody's reply
	Bounce     Kind = "bounce"     // a delivery failed
	Delayed    Kind = "delayed"    // a delivery is late; the mail system still tries
	Delivered  Kind = "delivered"  // a delivery succeeded, or was passed on to where no report comes from
	Receipt    Kind = "receipt"    // a mail was shown, or deleted unread, says the reader's program
	AutoReply  Kind = "autoreply"  // an out-of-office answer, a ticket system, any mail that a program wrote
	List       Kind = "list"       // a mailing list or a mass mailing
	Loop       Kind = "loop"       // our own mail come back, or one that mail systems pass around
	Challenge  Kind = "challenge"  // asks for a proof that a human wrote
	Feedback   Kind = "feedback"   // a complaint, or a report of a mail that failed authentication
	Unreadable Kind = "unreadable" // could not be read, or not to its end: nothing for a program to act on, a person may look
)

// Mail is what a message says. Tokens are those of our addresses to which it was sent, Answers the Message-IDs that it
// names as what it answers, both without repetition.
type Mail struct {
	Kind    Kind
	Why     string // the rule that decided, in words of ours, nothing of the mail's: fit for a log
	Tokens  []string
	Answers []string
	Reports []Report
}

// Report is what became of a mail for one recipient. Every string in it is a stranger's: cut, without control characters,
// and else as it was written.
type Report struct {
	Recipient  string   // the address that the report is about
	Original   string   // the address as the sender gave it, where the report says so
	Action     string   // failed, delayed, delivered, relayed, expanded; displayed, deleted; the type of a complaint
	Status     string   // as RFC 3463, or nothing
	Permanent  bool     // it failed for good: by its status (a full mailbox, 5.2.2, too), else its reply code, else its words; false in doubt
	Diagnostic string   // what the mail system said
	Envelope   string   // the Original-Envelope-Id
	About      Returned // the mail that this is about
}

// Returned are the fields of a mail that came back. Token is the first of our addresses in it.
type Returned struct {
	MessageID, From, To, ReplyTo, Token string
}

// LogValue keeps what a mail says out of logs.
func (m Mail) LogValue() slog.Value { return slog.StringValue(string(m.Kind) + ": " + m.Why) }

// LogValue keeps addresses and a stranger's words out of logs.
func (r Report) LogValue() slog.Value { return slog.StringValue("[report]") }

// Read says what a message is. Ours tells of an address, in the letters in which the mail has it, whether it is one that
// our notices use; it may be nil, and then no token is found. Read ends soon and does not panic, whatever the bytes.
func Read(raw []byte, ours func(address string) bool) (m Mail) {
	defer func() {
		if recover() != nil { // a defect of ours or of a library must not stop the agent, which would find the same mail again when it starts
			m = Mail{Kind: Unreadable, Why: "reading it met a defect"}
		}
	}()
	return read(raw, ours)
}

func read(raw []byte, ours func(address string) bool) Mail {
	if ours == nil {
		ours = func(string) bool { return false }
	}
	m, wrong := open(raw)
	if wrong != "" {
		return Mail{Kind: Unreadable, Why: wrong}
	}
	m.ours = ours
	said := Mail{Tokens: m.tokens(), Answers: m.answers()}
	said.Kind, said.Why, said.Reports = m.judge()
	return said
}

// judge tries the rules in their order; the first that holds decides.
func (m *message) judge() (Kind, string, []Report) {
	if why := m.own(); why != "" {
		return Loop, why, nil
	}
	if kind, why, reports := m.report(); kind != "" {
		return kind, why, reports
	}
	if kind, why := m.returned(); kind != "" {
		return kind, why, m.textReports(kind)
	}
	if why := m.loops(); why != "" {
		return Loop, why, nil
	}
	if why := m.challenge(); why != "" {
		return Challenge, why, nil
	}
	kind, why := m.automatic()
	return kind, why, nil
}

// own tells of a mail that we sent ourselves.
func (m *message) own() string {
	if slices.ContainsFunc(m.head["x-loop"], func(v string) bool { return strings.EqualFold(strings.TrimSpace(v), Mark) }) {
		return "it has the mark of our own notices"
	}
	if m.from != "" && m.ours(m.from) {
		return "it is from one of our own addresses"
	}
	if m.subject == "postern" && m.submitted() == "auto-generated" && len(m.leaves) == 1 && m.leaves[0].kind == "application/octet-stream" {
		return "it is a sealed letter of ours"
	}
	return ""
}

// loops tells of a mail that mail systems pass around.
func (m *message) loops() string {
	if len(m.head["received"]) > maxHops {
		return "it went through too many mail systems"
	}
	seen := map[string]int{}
	for _, v := range m.head["delivered-to"] {
		v = strings.ToLower(strings.TrimSpace(v))
		if seen[v]++; seen[v] > maxRepeated {
			return "it was delivered to the same mailbox again and again"
		}
	}
	return ""
}

// automatic holds the rules that need the header alone, and gives Person where none of them holds.
func (m *message) automatic() (Kind, string) {
	auto := m.autoMark()
	list := m.listMark()
	grouped := m.grouped()
	switch precedence := m.precedence(); {
	case list != "" && !grouped && m.submitted() != "auto-replied" && !m.repliesByItself():
		return List, list
	case auto != "":
		return AutoReply, auto
	case m.top == "multipart/report":
		return AutoReply, "it is a report, and not of a delivery"
	case m.calendar():
		return AutoReply, "it is a calendar's answer to an invitation"
	case precedence == "bulk" || precedence == "junk" || precedence == "list" && !grouped:
		return List, "its Precedence says that it went to many"
	case m.nullPath():
		return AutoReply, "its return path is empty, so a program sent it"
	case m.autoSubject():
		return AutoReply, "its subject begins as those of automatic answers do"
	case m.noReply():
		return AutoReply, "its sender takes no replies"
	case daemon(m.from, m.sender):
		return AutoReply, "its sender is a mail system"
	case m.from == "":
		return Unreadable, "it names no sender"
	case len(m.head["from"]) > 1:
		return Unreadable, "it names its sender twice"
	case m.cut:
		return Unreadable, "it has more parts, or deeper ones, than are read"
	}
	return Person, "nothing marks it as automatic"
}

// submitted is the first word of an Auto-Submitted that is not "no"; "auto-generated" where the field is empty.
func (m *message) submitted() string {
	found := ""
	for _, v := range m.head["auto-submitted"] {
		word := strings.ToLower(strings.TrimSpace(v))
		if i := strings.IndexAny(word, "; (\t"); i >= 0 {
			word = word[:i]
		}
		switch {
		case word == "no":
		case word == "":
			word = "auto-generated"
			fallthrough
		case found == "" || word == "auto-replied": // it says more than the others, wherever it stands
			found = word
		}
	}
	return found
}

// autoMark is the header field that says that a program wrote the mail.
func (m *message) autoMark() string {
	if m.submitted() != "" {
		return "its Auto-Submitted says that a program wrote it"
	}
	if m.repliesByItself() {
		return "it has the header field of an automatic answer"
	}
	for _, v := range m.head["x-auto-response-suppress"] {
		for _, word := range strings.FieldsFunc(strings.ToLower(v), func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
			if word == "all" || word == "oof" || word == "autoreply" {
				return "its X-Auto-Response-Suppress asks that no program answers it"
			}
		}
	}
	return ""
}

// repliesByItself reports one of the fields that only automatic answers and ticket systems carry.
func (m *message) repliesByItself() bool {
	for _, name := range autoFields {
		for _, v := range m.head[name] {
			if v = strings.ToLower(strings.TrimSpace(v)); v != "no" && v != "false" && v != "0" {
				return true
			}
		}
	}
	if slices.ContainsFunc(m.head["delivered-to"], func(v string) bool { return strings.EqualFold(strings.TrimSpace(v), "autoresponder") }) {
		return true
	}
	if slices.ContainsFunc(m.head["x-post-messageclass"], func(v string) bool { return strings.Contains(strings.ToLower(v), "autoresponder") }) {
		return true
	}
	// CommuniGate's rules say Reply of their own answers, but Mirror of a person's mail that they pass on.
	if slices.ContainsFunc(m.head["x-autogenerated"], func(v string) bool { return strings.HasPrefix(fold(v), "reply") }) {
		return true
	}
	if slices.ContainsFunc(m.head["x-apple-action"], func(v string) bool { return strings.Contains(strings.ToLower(v), "vacation") }) {
		return true
	}
	return strings.HasPrefix(m.precedence(), "auto")
}

// precedence is what the mail says of its urgency: of several fields the one that says the most.
func (m *message) precedence() string {
	said := slices.Concat(m.head["precedence"], m.head["x-precedence"])
	for _, word := range []string{"auto_reply", "auto-reply", "autoreply", "bulk", "junk", "list"} {
		if slices.ContainsFunc(said, func(v string) bool { return strings.EqualFold(strings.TrimSpace(v), word) }) {
			return word
		}
	}
	return ""
}

func (m *message) listMark() string {
	for _, name := range []string{"list-id", "list-post", "list-archive", "mailing-list", "x-mailing-list", "x-mailman-version", "x-listname"} {
		if m.has(name) {
			return "it has the header fields of a mailing list"
		}
	}
	if m.has("list-unsubscribe") || m.has("list-unsubscribe-post") {
		return "it tells how to be taken off its list"
	}
	if m.top == "multipart/digest" {
		return "it is a digest of other mails"
	}
	return ""
}

// grouped reports a reply that came through a group's address: it answers a mail, and is Google's or was sent to us.
func (m *message) grouped() bool {
	return (m.has("in-reply-to") || m.has("references")) && (m.token || m.has("x-google-group-id"))
}

// calendar reports the answer of a calendar to an invitation.
func (m *message) calendar() bool {
	for _, p := range m.leaves {
		if p.kind != "text/calendar" {
			continue
		}
		method := strings.ToLower(p.params["method"])
		if method == "" {
			for line := range strings.Lines(strings.ToLower(m.text(p))) {
				if v, ok := strings.CutPrefix(strings.TrimSpace(line), "method:"); ok {
					method = v
					break
				}
			}
		}
		if method == "reply" || method == "counter" || method == "declinecounter" || method == "refresh" {
			return true
		}
	}
	return false
}

// nullPath reports that the mail came with no return path, as mail systems send their own.
func (m *message) nullPath() bool {
	return slices.ContainsFunc(m.head["return-path"], func(v string) bool {
		v = strings.Trim(strings.TrimSpace(v), "<> \t")
		local, _, _ := strings.Cut(strings.ToLower(v), "@")
		return v == "" || v == "#@[]" || local == "mailer-daemon"
	})
}

// autoSubject reports a subject that begins as programs begin theirs, and not as a reply to one.
func (m *message) autoSubject() bool {
	for _, words := range autoSubjects {
		rest, ok := strings.CutPrefix(m.subject, words)
		if ok && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "：") || strings.HasPrefix(rest, " :")) {
			return true
		}
	}
	return slices.Contains(autoWhole, strings.Trim(m.subject, " .!"))
}

// noReply reports a sender that nobody reads.
func (m *message) noReply() bool {
	local, _, _ := strings.Cut(strings.ToLower(m.from), "@")
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return strings.HasPrefix(local, "noreply") || strings.HasPrefix(local, "donotreply") || strings.HasPrefix(local, "nepasrepondre") ||
		local == "noresponder" || local == "nichtantworten" || local == "keineantwort"
}

// challenge tells of a mail that wants a proof before it delivers another.
func (m *message) challenge() string {
	_, domain, _ := strings.Cut(strings.ToLower(m.from), "@")
	for _, d := range challengers {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return "its sender is a service that asks for a proof"
		}
	}
	subject := hasAny(m.subject, challengeSubjects) && !reply(m.subject)
	words := hasAny(m.words(), challengeWords)
	if words && (subject || m.machine()) || subject && m.machine() {
		return "it asks for a proof that a human wrote"
	}
	return ""
}

// machine reports that a program sent the mail, whatever it says.
func (m *message) machine() bool {
	return m.nullPath() || m.submitted() != "" || daemon(m.from, m.sender) || m.repliesByItself() || m.has("x-failed-recipients") || m.has("x-ms-embedded-report")
}

// daemon reports an address, or the name that stands for one, of a mail system itself.
func daemon(address, field string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	local = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, local)
	if local == "mailerdaemon" || local == "maildaemon" || local == "mdaemon" {
		return true
	}
	if id, ok := strings.CutPrefix(local, "microsoftexchange"); ok && len(id) >= 16 {
		return true
	}
	return address == "" && strings.Contains(strings.ToLower(field), "mailer-daemon")
}
