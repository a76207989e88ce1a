package backend

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/record/ordinary"
	"postern/backend/replica"
)

// Health is how a profile that runs stands, in numbers that a machine can watch and sentences that a person can follow. It has
// nothing of a patient's.
type Health struct {
	Version   string          `json:"version"`
	At        time.Time       `json:"at"`
	Named     bool            `json:"named"` // it is the agent that the directory names
	Mailboxes []MailboxHealth `json:"mailboxes"`
	Sent      time.Time       `json:"sent,omitzero"` // when a letter was last handed over; zero: none was since it started
	Waiting   []Queue         `json:"waiting"`       // letters that are still to be handed over, by their kind
	Mails     Queue           `json:"mails"`         // ordinary e-mails that are
	Ordinary  OrdinaryHealth  `json:"ordinary"`
	Free      int64           `json:"free"`  // bytes on the disk of the data folder
	Size      int64           `json:"size"`  // of that disk
	Wrong     []Wrong         `json:"wrong"` // what wants a person

	ordinary agent.Ordinary
}

// OrdinaryHealth is how the agent's ordinary mailbox stands.
type OrdinaryHealth struct {
	Reads bool      `json:"reads"`         // it reads what answers its notices
	Read  time.Time `json:"read,omitzero"` // when it last read that to its end; zero: not since it started
	Sent  time.Time `json:"sent,omitzero"` // when an ordinary e-mail was last handed over; zero: none was since it started
}

// MailboxHealth is how one mailbox stands. What the mail system does not tell is zero.
type MailboxHealth struct {
	Mailbox care.MailboxID `json:"mailbox"`
	Host    string         `json:"host"`
	Fetched time.Time      `json:"fetched,omitzero"` // when it was last read to its end; zero: not since it started
	Used    int64          `json:"used,omitempty"`   // bytes
	Limit   int64          `json:"limit,omitempty"`
	Ends    time.Time      `json:"ends,omitzero"` // when the certificate of the mail system does
}

// Queue is what waits.
type Queue struct {
	Kind   string    `json:"kind,omitempty"`
	N      int       `json:"n"`
	Oldest time.Time `json:"oldest,omitzero"`
}

// Wrong is something that wants a person: a word for machines, what it is, and what to do.
type Wrong struct {
	Word string `json:"word"`
	Says string `json:"says"`
	Do   string `json:"do"`
}

// From when on something wants a person.
const (
	unread   = 5 * time.Minute     // a mailbox that was not read to its end, the ordinary one too
	unsent   = 5 * time.Minute     // a letter that waits
	unmailed = time.Hour           // an ordinary e-mail that does
	renewal  = 14 * 24 * time.Hour // a certificate, before its end
	crowded  = 90                  // a mailbox, in hundredths
	cramped  = 1 << 30             // a disk, in bytes
)

// Health looks how the profile stands. An error is of its record, which then is no use.
func (p *Profile) Health(ctx context.Context) (Health, error) {
	h := Health{Version: Version, At: p.now().UTC(), Named: p.isAgent(), Mailboxes: []MailboxHealth{}, Waiting: []Queue{}, Wrong: []Wrong{}}
	stands := p.replica.Standing()
	h.Sent = stands.Handed
	h.ordinary = p.watch.Ordinary()
	h.Ordinary = OrdinaryHealth{Reads: !h.ordinary.Begun.IsZero(), Read: h.ordinary.Read, Sent: h.ordinary.Sent}
	for _, m := range stands.Mailboxes {
		h.Mailboxes = append(h.Mailboxes, MailboxHealth{Mailbox: m.Mailbox, Host: m.Host, Fetched: m.Checked, Used: m.Used, Limit: m.Limit, Ends: m.Ends})
	}
	err := p.db.Read(ctx, func(tx *sql.Tx) (err error) {
		if h.Waiting, err = p.waitingLetters(ctx, tx); err != nil {
			return err
		}
		h.Mails.N, h.Mails.Oldest, err = ordinary.New(p.db).Waiting(ctx, tx, h.At)
		return err
	})
	if err != nil {
		return Health{}, fmt.Errorf("look how the profile stands: %w", err)
	}
	if h.Free, h.Size, err = room(p.dir); err != nil {
		return Health{}, fmt.Errorf("look how full the disk is: %w", err)
	}
	h.judge(stands, p.Sync(), p.began, p.zone())
	return h, nil
}

// judge says what wants a person, of a profile that was opened at began.
func (h *Health) judge(stands replica.Standing, sync care.SyncState, began time.Time, zone *time.Location) {
	b := h.body()
	say := func(word, why string) {
		says, do := inWords(word, b, zone)
		h.Wrong = append(h.Wrong, Wrong{word, strings.TrimSpace(says + " " + why), do})
	}
	for _, m := range stands.Mailboxes {
		if h.At.Sub(later(m.Checked, began)) > unread {
			say(wrongFetch, m.Problem)
			break
		}
	}
	if stands.Problem != "" && h.At.Sub(stands.Failing) > unsent {
		say(wrongSend, stands.Problem)
	} else if h.late() {
		say(wrongLetters, "")
	}
	if !h.Mails.Oldest.IsZero() && h.At.Sub(h.Mails.Oldest) > unmailed {
		say(either(h.ordinary.Unsent, wrongMails, wrongMailsRefused), "")
	}
	if o := h.ordinary; !o.Begun.IsZero() && h.At.Sub(later(o.Read, o.Begun)) > unread {
		say(either(o.Unread, wrongReplies, wrongRepliesRefused), "")
	}
	if b.Filled >= crowded {
		say(wrongQuota, "")
	}
	if !b.Ends.IsZero() && b.Ends.Sub(h.At) < renewal {
		say(wrongCertificate, "")
	}
	if h.Free < cramped {
		say(wrongDisk, "")
	}
	if sync.Phase == care.SyncAmiss {
		say(wrongAmiss, sync.Problem)
	}
	slices.SortFunc(h.Wrong, func(a, b Wrong) int { return strings.Compare(a.Word, b.Word) })
}

// either is the word for a mail system that is out of reach, or for one that refuses, which wants somebody to change something.
func either(why care.Kind, away, refused string) string {
	if why == care.Forbidden || why == care.Invalid {
		return refused
	}
	return away
}

// isAgent reports whether this profile is the agent that the directory names.
func (p *Profile) isAgent() bool { return p.me.ID == p.facts.Practice().Agent }

// waitingLetters counts what is still to be handed over, by its kind.
func (p *Profile) waitingLetters(ctx context.Context, tx *sql.Tx) ([]Queue, error) {
	all, err := p.desk.Outbox.Open(ctx, tx)
	if err != nil {
		return nil, err
	}
	by := map[string]Queue{}
	kinds := map[care.EventID]string{}
	for _, l := range all {
		kind, known := kinds[l.Event]
		if !known {
			e, ok, err := p.desk.Journal.Event(ctx, tx, l.Event)
			if err != nil {
				return nil, err
			}
			if kind = "unknown"; ok && e.Event != nil {
				kind = string(e.Event.Kind)
			}
			kinds[l.Event] = kind
		}
		q := by[kind]
		q.Kind, q.N = kind, q.N+1
		if q.Oldest.IsZero() || l.Added.Before(q.Oldest) {
			q.Oldest = l.Added
		}
		by[kind] = q
	}
	out := []Queue{}
	for _, q := range by {
		out = append(out, q)
	}
	slices.SortFunc(out, func(a, b Queue) int { return cmp.Compare(a.Kind, b.Kind) })
	return out, nil
}

// body is what of it travels.
func (h Health) body() event.HealthBody {
	b := event.HealthBody{Version: h.Version, Named: h.Named, Sent: h.Sent, Mails: h.Mails.N, Reads: h.Ordinary.Reads, Mailed: h.Ordinary.Sent, Disk: h.Free}
	if b.Reads {
		b.Read = h.Ordinary.Read
	}
	for i, m := range h.Mailboxes {
		if i == 0 || m.Fetched.Before(b.Fetched) {
			b.Fetched = m.Fetched
		}
		if m.Limit > 0 {
			b.Filled = max(b.Filled, int(m.Used*100/m.Limit))
		}
		if !m.Ends.IsZero() && (b.Ends.IsZero() || m.Ends.Before(b.Ends)) {
			b.Ends = m.Ends
		}
	}
	for _, q := range h.Waiting {
		b.Letters += q.N
		if b.Oldest.IsZero() || q.Oldest.Before(b.Oldest) {
			b.Oldest = q.Oldest
		}
	}
	for _, w := range h.Wrong {
		b.Wrong = append(b.Wrong, w.Word)
	}
	return b
}

// late reports whether a letter waits for too long. What tells how the agent stands is made anew while it waits, so it has no age.
func (h Health) late() bool {
	return slices.ContainsFunc(h.Waiting, func(q Queue) bool { return q.Kind != string(event.Health) && h.At.Sub(q.Oldest) > unsent })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// The words for what wants a person.
const (
	wrongAmiss          = "amiss"
	wrongCertificate    = "certificate"
	wrongDisk           = "disk"
	wrongFetch          = "fetch"
	wrongLetters        = "letters"
	wrongMails          = "mails"
	wrongMailsRefused   = "mails.refused"
	wrongQuota          = "quota"
	wrongReplies        = "replies"
	wrongRepliesRefused = "replies.refused"
	wrongSend           = "send"
)

// inWords says what a word means, and what to do, of an agent that said b.
func inWords(word string, b event.HealthBody, zone *time.Location) (says, do string) {
	switch word {
	case wrongFetch:
		return "It cannot read a mailbox.", "Is the mail system on, and can the agent's computer reach it? Nothing is lost meanwhile."
	case wrongSend:
		return "It cannot hand over its letters.", "Is the mail system on, and can the agent's computer reach it? They wait, and go by themselves."
	case wrongLetters:
		return "Its letters are not taken.", "Look into the mail system's log. They wait, and go by themselves."
	case wrongMails:
		return "Ordinary e-mails to members wait.", "Is the server that sends them on? See its settings with the agent's computer."
	case wrongMailsRefused:
		return "Ordinary e-mails to members wait: the server that sends them does not let the agent in.", mendMailFile
	case wrongReplies:
		return "It cannot read the ordinary mailbox where members answer its notices.", "Is that mail system on, and can the agent's computer reach it? The answers wait there."
	case wrongRepliesRefused:
		return "The ordinary mailbox where members answer its notices does not let the agent in.", mendMailFile
	case wrongQuota:
		return fmt.Sprintf("A mailbox is full to %d percent.", b.Filled), "Give it more room at the mail system: into a full one nothing comes."
	case wrongCertificate:
		return "The mail system's certificate ends on " + b.Ends.In(zone).Format("January 2, 2006") + ".", "Renew it at the mail system before: afterwards nobody connects."
	case wrongDisk:
		return "Its disk is nearly full: " + size(b.Disk) + " are left.", "Make room on the agent's computer."
	case wrongAmiss:
		return "Something on its computer is amiss.", "Its log says what: journalctl -u postern-agent."
	}
	return "It says: " + word + ".", "Update Postern on this computer to read what that means."
}

const mendMailFile = "Is the password in its mail file right, and the server's certificate valid? Try it with postern agent mail-check, and then start the agent anew."

// size is so many bytes in words.
func size(n int64) string {
	if n >= cramped {
		return fmt.Sprintf("%d GB", n>>30)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

// Learnt returns once the profile knows what it did before: at once, unless it was put back from a backup.
func (p *Profile) Learnt(ctx context.Context) error { return p.learnt(ctx) }
