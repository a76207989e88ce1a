package view

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/outbox"
	"postern/backend/record/store"
)

// Thread gives one conversation, whole: care.NotFound where it is not here, or not the viewer's to see.
func (v *Views) Thread(ctx context.Context, id care.EventID) (t Thread, err error) {
	err = v.ask(ctx, func(a *asked) error {
		row, c, p, err := a.whole(id)
		if err != nil {
			return err
		}
		t = Thread{Row: a.row(row), ReadOnly: c.ReadOnly, Gaps: len(c.Gaps), Absence: a.absence(a.office(row.office).Provider)}
		if t.Items, err = a.items(c, p, t.Row); err != nil {
			return err
		}
		for i := range t.Items {
			if !p.Open && t.Items[i].Kind == ItemComplete && !t.Items[i].Undone {
				t.Completed = &t.Items[i]
			}
		}
		a.readers(&t, c)
		if !v.viewer.Member {
			a.ours(&t, p)
			for _, o := range c.Overstepped {
				t.Overstepped = append(t.Overstepped, a.person(o.As))
			}
		}
		if err := a.texts(&t); err != nil {
			return err
		}
		return a.neighbours(&t, row)
	})
	return t, err
}

func errNoThread() error {
	return care.Refusef(care.NotFound, "This conversation is not on this computer.")
}

// ours adds what is for the care team alone.
func (a *asked) ours(t *Thread, p *fold.Part) {
	t.FlagReason = p.FlagReason
	for _, l := range p.Lost {
		if l.By == a.viewer.Person {
			t.Lost = append(t.Lost, LostClaim{To: a.person(l.To), At: p.OwnerAt})
		}
	}
}

// texts adds the viewer's own texts: on their way, and unsent, of each kind the one saved last.
func (a *asked) texts(t *Thread) error {
	for _, h := range a.held {
		if h.Part == t.Part {
			t.Held = append(t.Held, a.heldView(h))
		}
	}
	drafts, err := a.drafts.In(a.ctx, a.tx, t.Part)
	t.Drafts = map[string]Draft{}
	for _, d := range drafts {
		if _, newer := t.Drafts[d.What]; !newer {
			t.Drafts[d.What] = Draft(d)
		}
	}
	return err
}

// readers says who reads on the member's side, as far as it is not plain.
func (a *asked) readers(t *Thread, c *fold.Conversation) {
	t.Proxies = a.facts.Proxies(c.Patient)
	own := t.Patient.Mailbox
	if !c.Opened || own == "" || !slices.Contains(c.Readers, own) {
		return
	}
	t.Private = len(c.Readers) == 1 && (len(t.Proxies) > 0 || !c.ReadersEvent.IsZero())
	t.Confides = len(c.Readers) > 1 && !a.viewer.Member
}

// proxy reports whether a member who wrote is not the patient themself.
func (a *asked) proxy(who care.PersonID, patient care.PatientID) bool {
	if self, has := a.facts.Self(patient); has {
		return who != self
	}
	_, known := a.facts.Person(who)
	return known
}

// whole is a part that the viewer may see, with its conversation: care.NotFound where there is none.
func (a *asked) whole(id care.EventID) (row part, c *fold.Conversation, p *fold.Part, err error) {
	row, ok, err := a.part(id)
	if err != nil {
		return row, nil, nil, err
	}
	if !ok {
		return row, nil, nil, errNoThread()
	}
	if c, err = a.conversation(row.thread); err != nil {
		return row, nil, nil, err
	}
	if p, ok = c.Part(id); !ok {
		return row, nil, nil, errNoThread()
	}
	return row, c, p, nil
}

// conversation reads a folded thread with its texts.
func (a *asked) conversation(thread care.ThreadID) (*fold.Conversation, error) {
	var folded string
	err := a.tx.QueryRowContext(a.ctx, "SELECT folded FROM conversation WHERE thread = ?", thread[:]).Scan(&folded)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoThread()
	}
	if err != nil {
		return nil, fmt.Errorf("read thread %s: %w", thread, err)
	}
	c := new(fold.Conversation)
	if err := json.Unmarshal([]byte(folded), c); err != nil {
		return nil, care.Because(care.Corrupt, fmt.Errorf("thread %s: %w", thread, err),
			"A conversation on this computer is damaged. Nothing is lost: it can be made again from what was received.")
	}
	texts := map[care.EventID]care.Text{}
	err = a.each("SELECT id, text FROM item WHERE thread = ?", []any{thread[:]}, func(rows *sql.Rows) error {
		var id care.EventID
		var text care.Text
		err := rows.Scan(store.ID(&id), &text)
		texts[id] = text
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the texts of thread %s: %w", thread, err)
	}
	for i := range c.Parts {
		p := &c.Parts[i]
		for j := range p.Messages {
			p.Messages[j].Text = texts[p.Messages[j].ID]
		}
		for j := range p.Notes {
			p.Notes[j].Text = texts[p.Notes[j].ID]
		}
		for j := range p.Completions {
			p.Completions[j].Closing = texts[p.Completions[j].ID]
		}
		for j := range p.Bridged {
			p.Bridged[j].Text = texts[p.Bridged[j].ID]
		}
	}
	return c, nil
}

// items are a part's things in the order shown. A member gets no notes.
func (a *asked) items(c *fold.Conversation, p *fold.Part, r Row) ([]Item, error) {
	fresh, err := a.fresh(c.Thread)
	if err != nil {
		return nil, err
	}
	if a.pieces, err = a.piecesOf(c.Thread); err != nil {
		return nil, err
	}
	byID := make(map[care.EventID]Item, len(p.Order))
	for i := range p.Messages {
		byID[p.Messages[i].ID] = a.message(&p.Messages[i], c, r)
	}
	if !a.viewer.Member {
		for _, n := range p.Notes {
			byID[n.ID] = Item{Kind: ItemNote, ID: n.ID, By: a.person(n.As), At: n.At, Text: n.Text}
		}
		for i := range p.Bridged {
			byID[p.Bridged[i].ID] = a.bridged(&p.Bridged[i], c, r)
		}
	}
	for i := range p.Completions {
		byID[p.Completions[i].ID] = a.completion(&p.Completions[i], c, r)
	}
	for _, o := range p.Reopenings {
		byID[o.ID] = Item{Kind: ItemReopen, ID: o.ID, By: a.person(o.As), At: o.At}
	}
	if !a.viewer.Member {
		for _, n := range p.Notices {
			i, ok := byID[n.Message]
			if !ok {
				continue
			}
			i.Told = &Told{At: n.At, Who: a.owner(c.Patient, n.Mailbox)}
			for _, f := range n.Failure {
				i.Told.Failure = f.Reason
			}
			byID[n.Message] = i
		}
	}
	items := make([]Item, 0, len(p.Order))
	for _, id := range p.Order {
		if i, ok := byID[id]; ok {
			i.Own, i.Unread = i.By.ID == a.viewer.Person, fresh[id]
			items = append(items, i)
		}
	}
	return items, nil
}

// fresh are the items of a thread that the viewer has not read.
func (a *asked) fresh(thread care.ThreadID) (map[care.EventID]bool, error) {
	all := map[care.EventID]bool{}
	err := a.each("SELECT i.id FROM item i WHERE i.thread = ? AND i.news = ? AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.item = i.id)",
		[]any{thread[:], a.side()}, func(rows *sql.Rows) error {
			var id care.EventID
			err := rows.Scan(store.ID(&id))
			all[id] = true
			return err
		})
	return all, err
}

func (a *asked) message(m *fold.Message, c *fold.Conversation, r Row) Item {
	i := Item{Kind: ItemMessage, ID: m.ID, By: a.author(m.As, m.Member, r.Patient), Member: m.Member, At: m.At, Text: m.Text,
		Files: a.files(m.Files), State: StateHanded, SeenAt: m.SeenAt}
	i.Proxy = m.Member && a.proxy(m.As, r.Patient.ID)
	if m.TakenBy != "" {
		i.TakenBy = a.person(m.TakenBy)
		if m.Mail != nil {
			i.Mail = mailOf(m.Mail)
		}
	}
	if m.Receipt != nil {
		i.State, i.Received, i.Due = StateDelivered, m.Receipt.Received, m.Receipt.Due
		i.Moved = m.Receipt.Reason
		if m.Receipt.Cover != "" {
			i.Cover = a.person(m.Receipt.Cover)
		}
	}
	switch {
	case m.Answered:
		i.State = StateReplied
	case !m.SeenAt.IsZero():
		i.State = StateDelivered
	}
	if !a.viewer.Member {
		i.Flags = m.Flags
		if m.Overdue != nil {
			i.Overdue = &Overdue{At: m.Overdue.At}
			for _, who := range m.Overdue.Told {
				i.Overdue.Told = append(i.Overdue.Told, a.person(who))
			}
		}
	}
	a.arrived(&i, m.Failures, c, r)
	return i
}

// bridged is a reply that came by ordinary e-mail, with what was found of where it came from.
func (a *asked) bridged(b *fold.Bridged, c *fold.Conversation, r Row) Item {
	m := mailOf(b)
	if b.DeclinedBy != "" {
		m.DeclinedBy = a.person(b.DeclinedBy)
	}
	i := Item{Kind: ItemBridged, ID: b.ID, By: a.owner(c.Patient, b.Mailbox), Member: true, At: b.Received, Text: b.Text, Files: a.files(b.Files), Mail: m}
	i.Proxy = i.By.ID != "" && a.proxy(i.By.ID, r.Patient.ID)
	return i
}

func mailOf(b *fold.Bridged) *Mail {
	m := &Mail{From: b.From, Known: b.Known, Proven: slices.Contains(b.Checks, event.CheckAligned), Refuted: slices.Contains(b.Checks, event.CheckRefuted), Cut: b.Cut, Large: b.Large}
	for _, l := range b.Left {
		m.Left = append(m.Left, Left(l))
	}
	return m
}

// owner is who reads in a mailbox about a patient; without a name where that is not known here.
func (a *asked) owner(patient care.PatientID, box care.MailboxID) care.Person {
	who, _ := a.facts.Reader(patient, box)
	return who
}

func (a *asked) completion(d *fold.Completion, c *fold.Conversation, r Row) Item {
	i := Item{Kind: ItemComplete, ID: d.ID, By: a.person(d.As), At: d.At, Text: d.Closing, State: StateHanded, SeenAt: d.SeenAt, Undone: d.Undone}
	if !d.SeenAt.IsZero() {
		i.State = StateDelivered
	}
	a.arrived(&i, d.Failures, c, r)
	return i
}

// arrived puts what became of an item's letters on top.
func (a *asked) arrived(i *Item, failures []fold.Failure, c *fold.Conversation, r Row) {
	ours, told := !i.Member, ""
	for _, f := range failures {
		if ours != (f.Mailbox == c.OfficeMailbox) {
			told = f.Reason
		}
	}
	switch gone, reason := a.fate(i.ID, r.Office, ours, told); {
	case gone == StateFailed && i.State != StateReplied:
		i.State, i.Why = StateFailed, a.failed(r, ours, reason)
	case gone != "" && gone != StateFailed && i.State == StateHanded:
		i.State = gone
	}
	i.Unseen = ours && i.SeenAt.IsZero() && !i.Undone && i.At.Before(a.unseen)
}

// neighbours links what a conversation follows up and what follows it up.
func (a *asked) neighbours(t *Thread, row part) error {
	if !row.of.IsZero() {
		before, ok, err := a.part(row.of)
		if err != nil {
			return err
		}
		if ok {
			l := a.link(before)
			t.Before = &l
		}
	}
	scope, args := a.scope()
	after, err := a.parts("WHERE p.of = ? AND p.of <> x'' AND "+scope+" ORDER BY p.place", append([]any{row.id[:]}, args...)...)
	for _, p := range after {
		t.After = append(t.After, a.link(p))
	}
	return err
}

// heldView shapes a held text.
func (a *asked) heldView(h outbox.Held) Held {
	return Held{
		Draft: h.Draft, What: h.What, Thread: h.Thread, Part: h.Part, Office: a.office(h.Office), Patient: a.patient(h.Patient),
		Subject: h.Subject, Topic: h.Topic, Text: h.Text, Written: h.Written, Until: h.Until, State: a.heldState(h), Why: h.Why,
	}
}
