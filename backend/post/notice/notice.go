// Package notice writes the ordinary e-mails of the clinic's agent: that there is something to read in Postern, and that an address
// is not read. What they say is fixed: never who, what or why, no doctor, no office.
//
// It promises that nothing that is put into a mail can change its headers, and that the same notice is written alike each time. It
// knows nothing of mail systems, and decides nothing.
package notice

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"

	"postern/backend/care"
)

// Mark is the header by which the agent knows a mail of its own kind when it comes back.
const Mark = "X-Postern"

// Marked is what that header says in every mail that is written here.
const Marked = "notice"

// Loop is what X-Loop says in them: it is bounce.Mark, by which one that comes back is known.
const Loop = "postern-notice"

// Notice is one mail that tells somebody that there is something to read.
type Notice struct {
	Key      care.EventID // of the event that records it; its Message-ID follows from it and does not tell it
	From     string       // the agent's address
	Practice string       // its name; empty: the mail does not tell it
	To       string
	Reply    string // where an answer goes; empty: to From
	Replies  bool   // it is about one conversation, and an answer comes into it
	Language string // BCP 47; what is not known is English
	Date     time.Time
}

// Answer is the one mail that says that an address is not read.
type Answer struct {
	Key       care.EventID // its Message-ID follows from it
	From      string
	Practice  string // as of a notice
	FrontDesk string // telephone number; empty: none is named
	To        string
	Answers   string   // the Message-ID of what it answers; one that is none is left out
	After     []string // its References
	Language  string
	Date      time.Time
}

// Words are the mail's subject and its paragraphs, as they go out.
func (n Notice) Words() (subject string, paragraphs []string) {
	w := wordsIn(n.Language)
	paragraphs = []string{w.news(n.Practice), w.open}
	if n.Replies {
		paragraphs = append(paragraphs, w.replies)
	} else {
		paragraphs = append(paragraphs, w.noReplies)
	}
	return w.subject, append(paragraphs, w.emergency, w.stop)
}

// Write gives the mail, with CRLF line ends. It refuses, as a defect of the caller, an address that would break it.
func (n Notice) Write() ([]byte, error) {
	subject, text := n.Words()
	reply := cmp.Or(n.Reply, n.From)
	return write(n.From, n.Practice, n.To, n.Key, n.Date, text, [][2]string{
		{"Reply-To", "<" + reply + ">"},
		{"Subject", mime.QEncoding.Encode("utf-8", subject)},
		{"Auto-Submitted", "auto-generated"},
		{"List-Unsubscribe", "<mailto:" + escaped(reply) + "?subject=STOP>"},
	}, reply)
}

// Write gives the mail, as a notice's.
func (a Answer) Write() ([]byte, error) {
	w := wordsIn(a.Language)
	text := []string{w.notRead, w.write, w.emergency}
	if desk := oneLine(a.FrontDesk); desk != "" {
		text = append(text, w.call+" "+desk+".")
	}
	fields := [][2]string{{"Subject", mime.QEncoding.Encode("utf-8", w.notReadSubject)}, {"Auto-Submitted", "auto-replied"}}
	if ids := messageIDs(a.Answers); len(ids) == 1 {
		fields = append(fields, [2]string{"In-Reply-To", ids[0]},
			[2]string{"References", strings.Join(append(messageIDs(a.After...), ids[0]), " ")})
	}
	return write(a.From, a.Practice, a.To, a.Key, a.Date, text, fields)
}

// Text is a mail to somebody of the care team. It takes no answer.
type Text struct {
	Key           care.EventID
	From, To      string
	Subject, Text string
	Date          time.Time
}

// Write gives the mail, as a notice's.
func (t Text) Write() ([]byte, error) {
	return write(t.From, "", t.To, t.Key, t.Date, []string{t.Text}, [][2]string{
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(t.Subject))}, {"Auto-Submitted", "auto-generated"}})
}

// suppressed is what Exchange is asked not to send back by itself: everything but that a mail was not delivered, which the office has
// to learn.
const suppressed = "DR, RN, NRN, OOF, AutoReply"

// write makes a mail of what is common to all of them and of more fields; addresses are those in them.
func write(from, practice, to string, key care.EventID, date time.Time, paragraphs []string, fields [][2]string, addresses ...string) ([]byte, error) {
	for _, a := range append(addresses, from, to) {
		if !care.PlainAddress(a) {
			return nil, care.Refusef(care.Internal, "an e-mail cannot be addressed so") // the address stays out of logs
		}
	}
	var header message.Header
	for _, f := range slices.Backward(slices.Concat([][2]string{ // a header grows from below
		{"From", (&mail.Address{Name: oneLine(practice), Address: from}).String()},
		{"To", "<" + to + ">"},
		{"Date", date.UTC().Format(time.RFC1123Z)},
		{"Message-ID", "<" + Envelope(key) + "@" + domain(from) + ">"},
	}, fields, [][2]string{
		{"X-Auto-Response-Suppress", suppressed},
		{Mark, Marked},
		{"X-Loop", Loop},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	})) {
		header.Set(f[0], f[1])
	}
	failed := func(err error) ([]byte, error) {
		return nil, care.Because(care.Internal, err, "an e-mail could not be written")
	}
	var out bytes.Buffer
	w, err := message.CreateWriter(&out, header)
	if err != nil {
		return failed(err)
	}
	for i, p := range paragraphs {
		if i > 0 {
			p = "\r\n" + p
		}
		if _, err := w.Write([]byte(p + "\r\n")); err != nil {
			return failed(err)
		}
	}
	if err := w.Close(); err != nil {
		return failed(err)
	}
	return out.Bytes(), nil
}

// Envelope names a mail in its Message-ID, and to the mail system that takes it. It follows from the key, and the key does not follow from it.
func Envelope(key care.EventID) string {
	hash := sha256.Sum256(append([]byte("postern notice "), key[:]...))
	return alphabet.EncodeToString(hash[:20])
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// escaped is an address as it stands in a mailto link.
func escaped(address string) string {
	return strings.NewReplacer("%", "%25", "?", "%3F", "&", "%26", "#", "%23", "/", "%2F", "+", "%2B", "=", "%3D", "`", "%60", "{", "%7B", "}", "%7D", "|", "%7C", "^", "%5E").Replace(address)
}

// oneLine is a name without line ends and other characters that nobody sees.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }), " ")
}

var messageID = regexp.MustCompile(`^<[!-;=?-~]{1,120}@[!-;=?-~]{1,120}>$`)

// most is how many references a mail names: the first ones say nothing more.
const most = 10

// messageIDs are those of some texts that are a Message-ID each: they come from strangers.
func messageIDs(texts ...string) (ids []string) {
	for _, t := range texts {
		for _, id := range strings.Fields(t) {
			if messageID.MatchString(id) {
				ids = append(ids, id)
			}
		}
	}
	return ids[max(0, len(ids)-most):]
}
