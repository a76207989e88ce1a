package command

import (
	"context"
	"database/sql"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
)

// Unread is the newest of the office's words in a part of which the owner of a mailbox was not told yet: zero where nothing is
// unread on the member's side, or where they were told since they last read there.
func Unread(p *fold.Part, mailbox care.MailboxID) (newest care.EventID) {
	unread := unseen(p)
	if len(unread) == 0 {
		return care.EventID{}
	}
	for _, id := range p.Order {
		if slices.Contains(unread, id) {
			newest = id
		}
	}
	for _, n := range p.Notices { // one that came back told nobody: what is newer is tried once more
		if n.Mailbox == mailbox && slices.Contains(unread, n.Message) && (len(n.Failure) == 0 || n.Message == newest) {
			return care.EventID{}
		}
	}
	return newest
}

// Notify records that an ordinary e-mail tells the owner of a mailbox that there is something to read in a part, and does with in the same
// transaction what is to go out. It does nothing, and says so, where they were told or have read meanwhile.
func (d *Desk) Notify(ctx context.Context, part care.EventID, b event.NoticeBody, with func(ctx context.Context, tx *sql.Tx, notice care.EventID) error) (done bool, err error) {
	err = d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		id, err := d.notify(ctx, tx, c, p, b)
		if err != nil || id.IsZero() {
			return err
		}
		done = true
		return with(ctx, tx, id)
	})
	return done && err == nil, err
}

// notify records a notice, unless the mailbox's owner was told or has read meanwhile, or reads there no more: then its id is zero.
func (d *Desk) notify(ctx context.Context, tx *sql.Tx, c *talk, p *fold.Part, b event.NoticeBody) (care.EventID, error) {
	b.Message = Unread(p, b.Mailbox)
	if b.Message.IsZero() || !slices.Contains(d.reading(c), b.Mailbox) {
		return care.EventID{}, nil
	}
	return d.record(ctx, tx, c, fact{kind: event.Notice, part: p.ID, body: b})
}

// How many answers to one notice may wait, and how many bytes of files with them: whoever has the notice could fill the conversation, and the
// office's mailbox.
const (
	maxWaiting      = 20
	maxWaitingBytes = 50 << 20
)

// Bridge brings what came by ordinary e-mail into the part whose notice it answers, with the pieces of its files. The same e-mail twice is
// once; pieces that are not here, because another agent brought the event and has not sent them yet, or never will, are sent then.
func (d *Desk) Bridge(ctx context.Context, part care.EventID, b event.BridgedBody, pieces ...[]byte) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		for _, e := range c.events {
			if had, is := e.Body.(event.BridgedBody); is && had.Mail == b.Mail {
				return d.sendMissing(ctx, tx, e, pieces)
			}
		}
		waiting, waits := 0, int64(0)
		for _, r := range p.Bridged {
			if r.Notice == b.Notice && r.DeclinedBy == "" {
				waiting++
				waits += bytesOf(r.Files)
			}
		}
		if waiting >= maxWaiting {
			return care.Refusef(care.Conflict, "Too many answers to one notice wait to be accepted or declined.")
		}
		if waits+bytesOf(b.Files) > maxWaitingBytes {
			b, pieces = withoutFiles(b), nil
		}
		id, err := d.record(ctx, tx, c, fact{kind: event.Bridged, part: p.ID, body: b})
		if err != nil {
			return err
		}
		for _, piece := range pieces { // the event is here and names them, so there is room
			if _, _, err := d.Journal.KeepPiece(ctx, tx, piece); err != nil {
				return err
			}
		}
		return d.sendPieces(ctx, tx, c.Thread, id, c.OfficeMailbox)
	})
}

func bytesOf(files []event.File) (all int64) {
	for _, f := range files {
		all += f.Size
	}
	return all
}

// withoutFiles leaves the files of a reply behind, by their names.
func withoutFiles(b event.BridgedBody) event.BridgedBody {
	b.Left = slices.Clone(b.Left)
	for _, f := range b.Files {
		if len(b.Left) < event.MaxLeft {
			b.Left = append(b.Left, event.Left{Name: f.Name, Why: event.LeftMany})
		}
	}
	b.Files = nil
	return b
}

// Accept takes a reply that came by ordinary e-mail as the word of the member to whom the notice went. From then on it is a message of theirs: in a
// conversation that is complete it opens a follow-up. It is a no-op for one that was accepted.
func (d *Desk) Accept(ctx context.Context, part, reply care.EventID) error {
	return d.judgeReply(ctx, part, reply, func(tx *sql.Tx, c *talk, p *fold.Part, r *fold.Bridged) error {
		if r.Text == "" && len(r.Files) == 0 {
			return care.Refusef(care.Conflict, "It holds no words of its own. Answer the member in Postern, or call.")
		}
		who, known := d.Directory().Reader(c.Patient, r.Mailbox)
		if !known {
			return care.Refusef(care.Conflict, "Postern does not know here whom the notice went to. Try again when this computer is up to date.")
		}
		if slices.Contains(d.Directory().Former(c.Patient), r.Mailbox) {
			return care.Refusef(care.Forbidden, "%s does not write for this patient any more.", who.Shown)
		}
		for _, f := range r.Files {
			for _, piece := range f.IDs() {
				if here, err := d.Journal.HasPiece(ctx, tx, piece); err != nil {
					return err
				} else if !here {
					return care.Refusef(care.Conflict, "Not all of its files have arrived on this computer yet. Accept it when they have.")
				}
			}
		}
		id, err := d.record(ctx, tx, c, fact{kind: event.Accepted, part: p.ID,
			body: event.AcceptedBody{Reply: r.ID, Wrote: who.ID, Text: r.Text, Basis: reopenings(p), Files: r.Files}})
		if err != nil {
			return err
		}
		return d.sendPieces(ctx, tx, c.Thread, id, d.reading(c)...) // the office has them
	})
}

// Decline says that a reply that came by ordinary e-mail is not taken as the member's word. It is a no-op for one that was declined.
func (d *Desk) Decline(ctx context.Context, part, reply care.EventID) error {
	return d.judgeReply(ctx, part, reply, func(tx *sql.Tx, c *talk, p *fold.Part, r *fold.Bridged) error {
		if r.DeclinedBy != "" {
			return nil
		}
		_, err := d.record(ctx, tx, c, fact{kind: event.Declined, part: p.ID, body: event.DeclinedBody{Reply: r.ID}})
		return err
	})
}

func (d *Desk) judgeReply(ctx context.Context, part, reply care.EventID, judge func(*sql.Tx, *talk, *fold.Part, *fold.Bridged) error) error {
	return d.onPart(ctx, part, func(tx *sql.Tx, c *talk, p *fold.Part) error {
		if err := d.staffIn(c.Office); err != nil {
			return err
		}
		i := slices.IndexFunc(p.Bridged, func(r fold.Bridged) bool { return r.ID == reply })
		if i < 0 { // a colleague accepted it
			return nil
		}
		return judge(tx, c, p, &p.Bridged[i])
	})
}
