package agent

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/command"
	"postern/backend/post/answer"
	"postern/backend/post/bounce"
	"postern/backend/post/fetch"
	"postern/backend/post/notice"
	"postern/backend/record/ordinary"
	"postern/backend/record/projection"
)

// Bridge reads the agent's ordinary mailbox: what answers a notice comes into its conversation, as nobody's word yet; what comes back
// is told where somebody can act; what a program wrote is never answered. It keeps nothing of a mail beside that.
type Bridge struct {
	Desk    *command.Desk
	Mails   *ordinary.Mails
	Notices interface {
		NoticeOf(ctx context.Context, tx *sql.Tx, reply string) (projection.Notice, error)
	}
	Settings Settings
	Turns    Turns                                 // of the computers that answer
	TXT      func(domain string) ([]string, error) // asks the DNS for the keys of signatures; nil: none is checked
	Log      *slog.Logger
	// InStep, where it is set, says whether everything in the mailboxes has been read: before, the notice that a mail answers may be
	// unknown here, and what it says would come into no conversation.
	InStep func() bool

	// Sends is told that something is to go out.
	Sends func()
	Watch *Watch // is told how the reading goes; nil: nobody is

	running atomic.Pointer[fetch.Fetcher]

	hour   time.Time     // in which
	waited time.Duration // for the DNS, on behalf of strangers
	enough time.Time     // until when strangers are answered no more
}

// What a mail became, as it is noted beside its place.
const (
	becameReply   = "reply"    // it came into a conversation
	becameStop    = "stop"     // its sender wants no more notices
	becameAnswer  = "answered" // with where to write instead
	becameNothing = "nothing"  // nothing came of it
	becameFailure = "failure"  // a notice came back
	becameAgain   = "again"    // the same mail was here before
	becameCopy    = "copy"     // of what a computer of the agent's has sent
	becameLarge   = "large"    // it is too large to be read, and nobody could be told
)

// Run reads what comes until the context ends.
func (b *Bridge) Run(ctx context.Context) error {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for b.InStep != nil && !b.InStep() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
	b.Watch.note(func(o *Ordinary) { o.Begun, o.Read, o.Unread = b.Desk.Now(), time.Time{}, "" })
	defer b.Watch.note(func(o *Ordinary) { o.Begun = time.Time{} })
	f := b.fetcher()
	b.running.Store(f)
	return f.Run(ctx)
}

// Nudge asks for a look now. It returns at once.
func (b *Bridge) Nudge() {
	if f := b.running.Load(); f != nil {
		f.Nudge()
	}
}

// Doubt says that the connection may be dead without a word. It returns at once.
func (b *Bridge) Doubt() {
	if f := b.running.Load(); f != nil {
		f.Doubt()
	}
}

// Once reads what is there now. It is for profiles that are driven step by step.
func (b *Bridge) Once(ctx context.Context) error {
	return b.fetcher().Once(ctx)
}

func (b *Bridge) fetcher() *fetch.Fetcher {
	return &fetch.Fetcher{Login: b.Settings.Login, Sink: b, Now: b.Desk.Now, Log: b.Log}
}

// login names the mailbox in what is kept of it.
func (b *Bridge) login() string { return b.Settings.Login.IMAP.Host + " " + b.Settings.Login.User }

// Known is fetch.Sink.
func (b *Bridge) Known(ctx context.Context, folder string, validity, from uint32) (func(uint32) bool, error) {
	var known map[uint32]bool
	err := b.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		known, err = b.Mails.Known(ctx, tx, b.login(), folder, validity, from)
		return err
	})
	return func(uid uint32) bool { return known[uid] }, err
}

// Listed is fetch.Lister: what was done with a mail is forgotten once its letter has been gone for so long that the mail, where it turns
// up again, takes no reply any more and counts as an old one.
func (b *Bridge) Listed(ctx context.Context, folder string, validity uint32, uids []uint32, _ func(uint32) (time.Time, error)) error {
	now := b.Desk.Now()
	return b.Desk.DB.Write(ctx, func(tx *sql.Tx) error {
		return b.Mails.Listed(ctx, tx, b.login(), folder, validity, uids, now, now.Add(-replies-recently))
	})
}

// Progress is fetch.Sink.
func (*Bridge) Progress(int, int) {}

// UpToDate is fetch.Sink.
func (b *Bridge) UpToDate(at time.Time) {
	b.Watch.note(func(o *Ordinary) { o.Read, o.Unread = at, "" })
}

// Problem is fetch.Sink.
func (b *Bridge) Problem(err error) {
	b.Watch.note(func(o *Ordinary) { o.Unread = care.KindOf(err) })
	b.Log.Warn("ordinary e-mail cannot be read now", "err", err)
}

// Open is fetch.Sink.
func (b *Bridge) Open(_ context.Context, letters []fetch.Letter) (fetch.Batch, error) {
	return brought{b, letters}, nil
}

// brought is letters that are to be looked at.
type brought struct {
	*Bridge
	letters []fetch.Letter
}

// Store does with each letter what is to be done, and then notes that it was looked at: what a crash comes between is done again,
// and does nothing the second time.
func (b brought) Store(ctx context.Context) error {
	for i := range b.letters {
		l := &b.letters[i]
		became, hash, err := b.take(ctx, l)
		if hopeless(err) {
			b.Log.Warn("nothing could be done with an ordinary e-mail", "err", err)
			became, err = becameNothing, nil
		}
		if err != nil {
			return fmt.Errorf("an ordinary e-mail: %w", err)
		}
		if err := b.Desk.DB.Write(ctx, func(tx *sql.Tx) error {
			return b.Mails.Took(ctx, tx, ordinary.In{Login: b.login(), Folder: l.Folder, Validity: l.Validity, UID: l.UID, Mail: hash, Became: became, At: b.Desk.Now()})
		}); err != nil {
			return err
		}
	}
	return nil
}

// hopeless reports whether an error is about the mail itself: it would be so at each try, and what comes after must not wait for it. What is
// about this computer passes, as that another program holds its record, or that its key is not known yet: then nobody's words are lost, and
// the mail is read again.
func hopeless(err error) bool {
	return refused(err) && care.KindOf(err) != care.Forbidden
}

// take does with a mail what is to be done.
func (b *Bridge) take(ctx context.Context, l *fetch.Letter) (became string, hash care.EventID, err error) {
	raw := l.Message
	if raw == nil { // too large: who it is from and what it answers stands in its header
		raw = l.Head
	}
	if raw == nil {
		b.Log.Warn("an ordinary e-mail is too large to be read", "bytes", l.Size)
		return becameLarge, hash, nil
	}
	hash = sha256.Sum256(raw)
	var had bool
	if err := b.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		had, err = b.Mails.Had(ctx, tx, hash)
		return err
	}); err != nil {
		return "", hash, err
	}
	if had {
		return becameAgain, hash, nil
	}
	switch m := bounce.Read(raw, b.ours); {
	case m.Kind == bounce.Person, m.Kind == bounce.Unreadable && len(m.Tokens) > 0: // a person may have written it
		became, err = b.reply(ctx, l, m, hash)
	case m.Kind == bounce.Bounce:
		became, err = b.cameBack(ctx, m)
	case m.Kind == bounce.Loop:
		became, err = b.ownCopy(ctx, l, m)
	case m.Kind == bounce.Feedback: // who calls a notice junk gets no more
		became, err = b.complained(ctx, l, m)
	default:
		became = b.nobodys(m)
	}
	return became, hash, err
}

func (b *Bridge) nobodys(m bounce.Mail) string {
	b.Log.Info("an ordinary e-mail is nobody's answer", "kind", string(m.Kind), "why", m.Why)
	return becameNothing
}

// ownCopy takes in what a computer of the agent's says that it has sent.
func (b *Bridge) ownCopy(ctx context.Context, l *fetch.Letter, m bounce.Mail) (became string, err error) {
	var is bool
	if err := b.Desk.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		is, err = b.Turns.hears(ctx, tx, b.Mails, l.Message, b.Desk.Now())
		return err
	}); err != nil || !is {
		return b.nobodys(m), err
	}
	return becameCopy, nil
}

// ours reports whether an address is one that the notices use.
func (b *Bridge) ours(address string) bool {
	address = strings.ToLower(address)
	if domain, all := strings.CutPrefix(strings.ToLower(b.Settings.Replies), "*"); all {
		return strings.HasSuffix(address, domain)
	}
	local, domain, _ := strings.Cut(strings.ToLower(b.Settings.Replies), "@")
	l, d, is := strings.Cut(address, "@")
	return is && d == domain && (l == local || strings.HasPrefix(l, local+"+")) || address == strings.ToLower(b.Settings.From)
}

// reply brings what somebody wrote into the conversation whose notice it answers, or says to them once a day where to write. Of an e-mail that is
// too large it brings that it came.
func (b *Bridge) reply(ctx context.Context, l *fetch.Letter, m bounce.Mail, hash care.EventID) (became string, err error) {
	_, expected, err := b.noticeOf(ctx, notice.Tokens(m.Tokens...))
	if err != nil {
		return "", err
	}
	large, size := l.Message == nil, 0
	raw, with := l.Message, answer.Known{Ours: notice.Lines(b.Desk.Directory().Practice().Name), Trust: answer.Trust{ID: b.Settings.Trusted}, LookupTXT: b.lookup(!expected)}
	if large {
		raw, with.LookupTXT = l.Head, nil // a signature is over the whole
	}
	r, unread := answer.Read(raw, with)
	no := !large && wantsNoMore(r) // what else a large one says nobody knows
	switch {
	case large:
		size, r.Text, r.Cut, r.Files, unread = l.Size, "", false, nil, nil
		b.Log.Warn("an ordinary e-mail is too large to be read", "bytes", l.Size)
		defer func() {
			if became == becameNothing {
				became = becameLarge
			}
		}()
	case unread != nil && !no:
		b.Log.Warn("an ordinary e-mail cannot be read", "err", unread)
		return becameNothing, nil
	}
	arrived := b.arrived(l)
	from := ""
	if len(r.From) == 1 {
		from = strings.ToLower(r.From[0].Address)
	}
	var addresses []string
	for _, a := range r.To {
		addresses = append(addresses, a.Address)
	}
	n, found, err := b.noticeOf(ctx, notice.Tokens(addresses...))
	if err != nil {
		return "", err
	}
	policy := b.Desk.Directory().Practice().Policy.Notices
	var owner care.Patient
	if found {
		owner, _ = b.Desk.Directory().Owner(n.Mailbox)
	}
	known := from != "" && from == strings.ToLower(owner.Email)
	proven := r.Auth.Aligned || r.Auth.DMARC == answer.Pass
	stopped := ""
	if found && known && no && b.recent(arrived) {
		if err := b.Desk.ChooseNotices(ctx, n.Mailbox, false); err != nil {
			return "", err
		}
		stopped = becameStop
	}
	// One word may also answer a question that was asked: it comes into the conversation beside.
	if found && policy.Replies && unread == nil && !arrived.After(n.Until) && (stopped == "" || !byButton.MatchString(string(r.Text))) {
		err := b.bring(ctx, n, r, hash, arrived, from, known, size)
		if err == nil || care.KindOf(err) != care.NotFound && care.KindOf(err) != care.Conflict {
			return cmp.Or(stopped, becameReply), err
		}
	}
	if stopped != "" || unread != nil && !proven {
		return cmp.Or(stopped, becameNothing), nil
	}
	if proven && no && b.recent(arrived) { // of a notice about several conversations, which has no token
		stopped, err := b.stop(ctx, from)
		if err != nil || stopped {
			return becameStop, err
		}
	}
	// The address of a known member takes an answer; a stranger's does only where their mail system vouches for it, or the answer might go
	// to somebody who wrote nothing.
	return b.pointer(ctx, r, arrived, from, owner.Language, known, (known || proven) && unread == nil && m.Kind == bounce.Person && b.recent(arrived))
}

// arrived is when a mail came.
func (b *Bridge) arrived(l *fetch.Letter) time.Time {
	if l.Internal.IsZero() {
		return b.Desk.Now()
	}
	return l.Internal
}

// recent reports whether a mail came lately. An old one that is read anew, on another computer or after a loss, is not answered, and ends
// nothing that was chosen since.
func (b *Bridge) recent(arrived time.Time) bool { return b.Desk.Now().Sub(arrived) < recently }

const recently = 2 * 24 * time.Hour

// What strangers get of the agent's time and mail. Whose mail bears a token of ours is none.
const (
	strangersWait = 30 * time.Second // for the DNS in an hour, for all of them: whoever runs slow name servers must not hold up everybody's answers
	strangersTold = 50               // answers in a day
)

// lookup asks the DNS for one mail: name servers that its sender runs must not hold up the others.
func (b *Bridge) lookup(stranger bool) func(string) ([]string, error) {
	if b.TXT == nil {
		return nil
	}
	begun := time.Now()
	if begun.Sub(b.hour) > time.Hour {
		b.hour, b.waited = begun, 0
	}
	return func(name string) ([]string, error) {
		now := time.Now()
		if now.Sub(begun) > 10*time.Second || stranger && b.waited > strangersWait {
			return nil, errors.New("the DNS takes too long")
		}
		defer func() {
			if stranger {
				b.waited += time.Since(now)
			}
		}()
		return b.TXT(name)
	}
}

// bring puts a reply into its conversation, with its files. What is too large for an event is shortened, and says so. large is the size of
// an e-mail that was too large to be read, 0 of any other.
func (b *Bridge) bring(ctx context.Context, n projection.Notice, r answer.Reply, hash care.EventID, arrived time.Time, from string, known bool, large int) error {
	body, pieces := bridged(r, n.ID, hash, arrived, from, known, large)
	for {
		err := b.Desk.Bridge(ctx, n.Part, body, pieces...)
		if care.KindOf(err) != care.Invalid || err == nil || len(body.Text) < 100 {
			return err
		}
		body.Text, body.Cut = care.Text(cut(string(body.Text), utf8.RuneCountInString(string(body.Text))/2)), true
	}
}

// stop ends the notices to an address.
func (b *Bridge) stop(ctx context.Context, address string) (stopped bool, err error) {
	for _, box := range b.Desk.Directory().Emailed(address) {
		if err := b.Desk.ChooseNotices(ctx, box, false); err != nil {
			return false, err
		}
		stopped = true
	}
	return stopped, nil
}

// noticeOf finds the notice that one of the tokens answers. Tokens of two conversations answer none: nobody says which is meant.
func (b *Bridge) noticeOf(ctx context.Context, tokens []string) (n projection.Notice, found bool, err error) {
	const most = 8 // a mail to hundreds of addresses is no answer
	err = b.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		for _, t := range tokens[:min(len(tokens), most)] {
			one, err := b.Notices.NoticeOf(ctx, tx, notice.Hash(t))
			switch {
			case care.KindOf(err) == care.NotFound:
				continue
			case err != nil:
				return err
			case found && one.ID != n.ID:
				n, found = projection.Notice{}, false
				return nil
			}
			n, found = one, true
		}
		return nil
	})
	return n, found, err
}

// bridged is what of a mail goes into the conversation, and the pieces of its files.
func bridged(r answer.Reply, id, hash care.EventID, arrived time.Time, from string, known bool, large int) (body event.BridgedBody, pieces [][]byte) {
	body = event.BridgedBody{Notice: id, Mail: hash.String(), Received: arrived, From: cut(from, 255), Known: known, Text: r.Text, Cut: r.Cut, Large: int64(large)}
	for name, o := range map[string]answer.Outcome{"spf": r.Auth.SPF, "dkim": r.Auth.DKIM, "dmarc": r.Auth.DMARC, "own-dkim": r.Auth.Own} {
		if o != "" && o != answer.None {
			body.Checks = append(body.Checks, name+"="+string(o))
		}
	}
	if r.Auth.Aligned {
		body.Checks = append(body.Checks, event.CheckAligned)
	}
	var left []event.Left
	all := 0
	for _, f := range r.Files {
		kind := care.FileKind(f.Content) // what the sender calls it counts for nothing
		name := care.FileNamed(f.Name, kind)
		why := string(f.Why)
		switch {
		case why != "":
		case f.Size == 0:
			why = event.LeftEmpty
		case kind == "":
			why = event.LeftKind
		case len(body.Files) == event.MaxFiles || all+f.Size > event.MaxFileBytes:
			why = event.LeftMany
		}
		if why != "" {
			left = append(left, event.Left{Name: cut(f.Name, 60), Why: why})
			continue
		}
		file, of := event.NewFile(name, kind, f.Content)
		body.Files, pieces, all = append(body.Files, file), append(pieces, of...), all+f.Size
	}
	if n := len(left); n > event.MaxLeft {
		left = append(left[:event.MaxLeft-1], event.Left{Name: fmt.Sprintf("%d more files", n-event.MaxLeft+1), Why: event.LeftMany})
	}
	body.Left = left
	if body.Text == "" && len(body.Files)+len(body.Left) == 0 && large == 0 {
		body.Text = "(The e-mail was empty.)"
	}
	return body, pieces
}

const maxReports = 8 // of one mail: a notice goes to one address

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most])
}

// wantsNoMore reports whether a mail asks for no more notices: with one word, in its text, or in its subject where it has none of its own.
func wantsNoMore(r answer.Reply) bool {
	said := strings.TrimSpace(string(r.Text))
	switch {
	case said == "":
		said = r.Subject
	case byButton.MatchString(said):
		said = cmp.Or(strings.TrimSpace(r.Subject), "stop") // Apple's may have no subject
	}
	return slices.Contains([]string{"stop", "unsubscribe", "alto", "parar", "baja"}, strings.ToLower(strings.Trim(strings.TrimSpace(said), ".!")))
}

// byButton is what Gmail and Apple Mail write in place of words for who presses their button that goes by List-Unsubscribe.
var byButton = regexp.MustCompile(`(?is)^\s*(this message was automatically generated by gmail\.?|apple mail sent this email to unsubscribe from the message.{0,200})\s*$`)

// pointer says to an address, once for each day on which it wrote, where to write instead; to nobody where it is not sure whose the
// address is.
func (b *Bridge) pointer(ctx context.Context, r answer.Reply, arrived time.Time, to, language string, known, sure bool) (string, error) {
	if !sure || to == "" || b.ours(to) {
		b.Log.Info("an ordinary e-mail answers no notice, and its sender is not certain")
		return becameNothing, nil
	}
	now, practice := b.Desk.Now(), b.Desk.Directory().Practice()
	if !known {
		if many, err := b.toldEnough(ctx, now); many || err != nil {
			return becameNothing, err
		}
	}
	name := ""
	if practice.Policy.Notices.Name {
		name = practice.Name
	}
	key := care.EventID(sha256.Sum256([]byte("postern pointer " + to + " " + arrived.UTC().Format(time.DateOnly)))) // the same on each computer
	mail, err := notice.Answer{Key: key, From: b.Settings.From, Practice: name, FrontDesk: practice.FrontDesk, To: to, Answers: r.MessageID, After: r.References, Language: language, Date: now}.Write()
	if err != nil { // an address that no mail can be addressed with
		b.Log.Info("an ordinary e-mail is from an address that takes no answer")
		return becameNothing, nil
	}
	var added bool
	err = b.Desk.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		added, err = b.Turns.add(ctx, tx, b.Mails, ordinary.Out{Key: key, Address: to, Mail: mail, Name: notice.Envelope(key), Added: now})
		return err
	})
	if err != nil || !added {
		return becameNothing, err
	}
	if b.Sends != nil {
		b.Sends()
	}
	return becameAnswer, nil
}

// toldEnough reports whether so many were answered within a day that no stranger is any more: each address may be another, of one who wants
// the mail system's limit used up.
func (b *Bridge) toldEnough(ctx context.Context, now time.Time) (many bool, err error) {
	if left := b.enough.Sub(now); left > 0 && left <= time.Hour {
		return true, nil
	}
	err = b.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		n, err := b.Mails.Became(ctx, tx, becameAnswer, now.Add(-24*time.Hour))
		many = n >= strangersTold
		return err
	})
	if many {
		b.enough = now.Add(time.Hour) // until it is counted again
		b.Log.Warn("many strangers were told that nobody reads what they write, and no more are today")
	}
	return many, err
}

// cameBack tells the conversations of a notice that it did not reach its address. Each computer of the agent's may: of a mailbox one
// such word counts.
func (b *Bridge) cameBack(ctx context.Context, m bounce.Mail) (string, error) {
	told := false
	had := map[care.EventID]bool{}
	for _, rep := range m.Reports[:min(len(m.Reports), maxReports)] {
		if rep.Action != "failed" && rep.Action != "" {
			continue
		}
		about, err := b.about(ctx, m, rep)
		if err != nil {
			return "", err
		}
		for _, id := range about {
			if had[id] {
				continue
			}
			had[id] = true
			if err := NoticeFailed(ctx, b.Desk, b.Mails, id, strings.TrimSpace(rep.Status+" "+rep.Diagnostic)); err != nil {
				return "", err
			}
			told = true
		}
	}
	if !told {
		b.Log.Warn("an e-mail came back, and it does not say which", "why", m.Why)
		return becameNothing, nil
	}
	return becameFailure, nil
}

// about are the mails that a report is about, by their keys: by what the mail system was given to name it, its own name, or the token in it.
func (b *Bridge) about(ctx context.Context, m bounce.Mail, rep bounce.Report) (ids []care.EventID, err error) {
	names := []string{rep.Envelope, rep.About.MessageID}
	names = append(names, m.Answers...)
	tokens := notice.Tokens(append([]string{rep.About.Token, rep.About.ReplyTo}, m.Tokens...)...)
	err = b.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		ids, err = b.Mails.Named(ctx, tx, notice.Envelopes(names...)...)
		return err
	})
	if err != nil || len(ids) > 0 {
		return ids, err
	}
	n, found, err := b.noticeOf(ctx, tokens)
	if found {
		ids = []care.EventID{n.ID}
	}
	return ids, err
}

// complained ends the notices of who called one junk. That one was called no junk after all, or failed a check on its way, is nobody's wish
// to have no more; and an old complaint ends nothing that was chosen since.
func (b *Bridge) complained(ctx context.Context, l *fetch.Letter, m bounce.Mail) (string, error) {
	became := becameNothing
	if !b.recent(b.arrived(l)) {
		return became, nil
	}
	for _, rep := range m.Reports[:min(len(m.Reports), maxReports)] {
		if !slices.Contains([]string{"abuse", "fraud", "opt-out", ""}, rep.Action) {
			continue
		}
		about, err := b.about(ctx, m, rep)
		if err != nil {
			return "", err
		}
		for _, id := range about {
			told, err := noticesOf(ctx, b.Desk, b.Mails, id)
			if err != nil {
				return "", err
			}
			if len(told) == 0 {
				continue
			}
			// All that one mail carries went to one mailbox, which may be nobody's any more.
			if err := b.Desk.ChooseNotices(ctx, told[0].Body.(event.NoticeBody).Mailbox, false); err != nil && care.KindOf(err) != care.Unavailable {
				return "", err
			}
			became = becameStop
		}
	}
	return became, nil
}
