package fold

import (
	"fmt"
	"strings"
	"time"

	"postern/backend/care"
)

// Dump is the canonical text of what office and member's side share of a conversation: two replicas that hold the same
// shared events give the same text, whatever else they hold. Two texts differ where a person would read something else.
//
// Left out is what only the office knows: notes, owner, flag, failures, who saw what, flags on authors; and what is about
// a replica rather than the conversation: gaps, waiting and refused events.
func (c Conversation) Dump() string {
	var b strings.Builder
	c.dumpHead(&b)
	for i := range c.Parts {
		p := &c.Parts[i]
		if p.ID != c.Thread && len(p.Messages)+len(p.Completions)+len(p.Reopenings) == 0 {
			continue // known by the office's own events alone
		}
		c.dumpPart(&b, p)
	}
	return b.String()
}

// DumpOffice is the canonical text of all that a replica of the office holds of a conversation.
func (c Conversation) DumpOffice() string {
	var b strings.Builder
	c.dumpHead(&b)
	line(&b, "read-only", c.ReadOnly, "newer", c.Newer)
	line(&b, "all heads", ids(c.AllHeads))
	line(&b, "gaps", ids(c.Gaps))
	line(&b, "waiting", ids(c.Waiting))
	line(&b, "refused", ids(c.Refused))
	for i := range c.Parts {
		p := &c.Parts[i]
		c.dumpPart(&b, p)
		line(&b, "  order", ids(p.Order))
		line(&b, "  owner", p.Owner, p.OwnerEvent, stamp(p.OwnerAt))
		for _, l := range p.Lost {
			line(&b, "  lost", l.ID, l.By, l.Who, l.To)
		}
		line(&b, "  flag", p.Flagged, p.FlagEvent, quoted(p.FlagReason))
		for _, n := range p.Notes {
			line(&b, "  note", n.ID, n.As, n.Role, stamp(n.At), quoted(n.Text))
		}
		for _, n := range p.Notices {
			line(&b, "  notice", n.ID, stamp(n.At), n.Message, n.Mailbox, n.Reply, stamp(n.Until), failures(n.Failure))
		}
		for _, r := range p.Bridged {
			line(&b, "  bridged", r.ID, r.Notice, r.Mailbox, stamp(r.Received), quoted(care.Text(r.From)), r.Known, r.Checks, quoted(r.Text), r.Cut, r.Files, r.Left, r.Large, r.DeclinedBy)
		}
		for _, m := range p.Messages {
			line(&b, "  of message", m.ID, m.Role, stamp(m.SeenAt), m.SeenBy, m.Flags, failures(m.Failures))
			if o := m.Overdue; o != nil {
				line(&b, "    overdue", stamp(o.At), o.Told)
			}
			if r := m.Mail; r != nil {
				line(&b, "    mail", r.ID, r.Notice, stamp(r.Received), quoted(care.Text(r.From)), r.Known, r.Checks, r.Cut, r.Left, r.Large)
			}
		}
		for _, d := range p.Completions {
			line(&b, "  of completion", d.ID, d.Role, stamp(d.SeenAt), d.SeenBy, failures(d.Failures))
		}
	}
	return b.String()
}

func (c *Conversation) dumpHead(b *strings.Builder) {
	line(b, "thread", c.Thread, c.Practice, c.Patient, c.Opened)
	if c.Opened {
		line(b, "opened", c.Office, c.OfficeMailbox, c.Opener, stamp(c.OpenedAt), quoted(c.Subject), c.Topic)
	}
	line(b, "readers", c.Readers, c.ReadersEvent)
	line(b, "heads", ids(c.Heads))
}

func (c *Conversation) dumpPart(b *strings.Builder, p *Part) {
	line(b, "part", p.ID, "of", p.Of)
	line(b, "  stands", "open", p.Open, "awaits", string(p.Awaits), "due", stamp(p.Due), "answered", p.Answered)
	for _, m := range p.Messages {
		line(b, "  message", m.ID, m.As, "member", m.Member, stamp(m.At), "answered", m.Answered, "taken by", m.TakenBy, quoted(m.Text))
		for _, file := range m.Files {
			line(b, "    file", quoted(care.Text(file.Name)), file.Type, file.Size, file.SHA256)
		}
		if r := m.Receipt; r != nil {
			line(b, "    receipt", r.Event, r.By, stamp(r.Received), stamp(r.Due), r.Cover, quoted(r.Reason))
		}
	}
	for _, d := range p.Completions {
		line(b, "  completion", d.ID, d.As, stamp(d.At), "undone", d.Undone, "covers", ids(d.Covers), quoted(d.Closing))
	}
	for _, r := range p.Reopenings {
		line(b, "  reopening", r.ID, r.As, stamp(r.At), "undoes", ids(r.Undoes))
	}
}

func line(b *strings.Builder, words ...any) {
	fmt.Fprintln(b, words...)
}

func ids(list []care.EventID) string {
	var b strings.Builder
	for i, id := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(id.String())
	}
	return "[" + b.String() + "]"
}

func failures(list []Failure) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, "%s:%q ", f.Mailbox, f.Reason)
	}
	return "[" + b.String() + "]"
}

func quoted(t care.Text) string { return fmt.Sprintf("%q", string(t)) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
