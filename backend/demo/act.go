package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/draft"
	"postern/backend/record/view"
)

// sent is a member's message that the clinic has not confirmed yet.
type sent struct {
	thread  care.ThreadID
	message care.EventID
	at      time.Time
}

// act does one turn, on the clock as it stands.
func (m *Maker) act(ctx context.Context, s scene) error {
	p, t := m.people[s.who], script[s.talk]
	part, err := m.part(ctx, p, s)
	if err != nil {
		return err
	}
	if !part.IsZero() && s.does != drafts { // who acts has read what is there
		t, err := p.Views().Thread(ctx, part)
		if err == nil {
			err = p.Desk().MarkRead(ctx, part, t.News()...)
		}
		if err != nil {
			return err
		}
	}
	text := draft.Draft{What: command.DraftReply, Part: part, Text: dated(m.business, s.at, s.text)}
	if part.IsZero() {
		text.What, text.Office, text.Topic, text.Subject = command.DraftNew, m.offices[t.office].ID, t.topic, dated(m.business, s.at, t.subject)
	}
	d := p.Desk()
	switch s.does {
	case write:
		m.parts[s.talk], err = m.send(ctx, p, text, d.SendMessage)
	case reply:
		_, err = m.send(ctx, p, text, d.SendReply)
	case complete:
		text.What = command.DraftClosing
		_, err = m.send(ctx, p, text, d.Complete)
	case drafts:
		_, err = d.SaveDraft(ctx, text)
	case note:
		text.What = command.DraftNote
		var saved draft.Draft
		if saved, err = d.SaveDraft(ctx, text); err == nil {
			err = d.SaveNote(ctx, saved.ID)
		}
	case claim:
		err = d.Claim(ctx, part)
	case assign:
		err = d.Assign(ctx, part, m.people[s.text].Me().ID)
	case flag:
		err = d.Flag(ctx, part, true, text.Text)
	case unflag:
		err = d.Flag(ctx, part, false, "")
	case reopen:
		err = d.Reopen(ctx, part)
	case read: // done above
	default:
		err = fmt.Errorf("the demo does not know how to %q", s.does)
	}
	return err
}

// part is the conversation that a turn is about; zero before there is one.
func (m *Maker) part(ctx context.Context, p *backend.Profile, s scene) (care.EventID, error) {
	part := m.parts[s.talk]
	if !s.followUp {
		return part, nil
	}
	t, err := p.Views().Thread(ctx, part)
	if err == nil && len(t.After) == 0 {
		err = errors.New("it has no follow-up")
	}
	if err != nil {
		return part, err
	}
	return t.After[0].Part, nil
}

// send sends a text from its draft, not held any longer, as the fact that it becomes at this moment: it is mailed at the
// end of the round. It gives the conversation that it went to.
func (m *Maker) send(ctx context.Context, p *backend.Profile, text draft.Draft, verb func(context.Context, string) (command.Sending, error)) (care.EventID, error) {
	d := p.Desk()
	saved, err := d.SaveDraft(ctx, text)
	if err != nil {
		return care.EventID{}, err
	}
	if _, err := verb(ctx, saved.ID); err != nil {
		return care.EventID{}, err
	}
	if err := d.SendNow(ctx, saved.ID); err != nil {
		return care.EventID{}, err
	}
	if err := d.Promote(ctx, saved.ID); err != nil {
		return care.EventID{}, err
	}
	became, err := d.Sending(ctx, saved.ID)
	if err == nil && !became.Until.IsZero() {
		err = errors.New("it was set aside for its author to review")
	}
	if err != nil || p.Me().Role != care.RoleMember {
		return became.Part, err
	}
	t, err := p.Views().Thread(ctx, became.Part)
	if err != nil {
		return became.Part, err
	}
	for _, i := range slices.Backward(t.Items) {
		if i.Own && i.Kind == view.ItemMessage {
			m.sent = append(m.sent, sent{became.Thread, i.ID, m.at()})
			return became.Part, nil
		}
	}
	return became.Part, errors.New("the message is not in its conversation")
}

// confirm lets the agent take in what came and give receipts: a few seconds after each message was sent, as it would have.
func (m *Maker) confirm(ctx context.Context) error {
	if len(m.sent) == 0 {
		return nil
	}
	a := m.people[AgentProfile]
	if err := m.pull(ctx, a); err != nil {
		return fmt.Errorf("the agent pulls: %w", err)
	}
	for _, s := range m.sent {
		m.move(s.at.Add(20 * time.Second))
		if err := a.Desk().Receive(ctx, s.thread, s.message, m.at()); err != nil {
			return fmt.Errorf("the agent confirms: %w", err)
		}
	}
	m.sent = nil
	m.move(m.Now())
	return a.Replica().Settle(ctx)
}
