// Package demo makes a small invented practice to look at and to try things in.
//
// It is made by the same commands that a person uses, over the same mail system, only with the clock moved: nothing is
// written past the program. What it makes is kept; starting again finds everything as it was left.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"postern/backend"
	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/draft"
	"postern/backend/trust/enrol"
)

// Made reports whether a data folder holds a finished demo.
func Made(data string) bool { return there(filepath.Join(data, made)) }

// The files that mark a data folder as the demo's: the first from the moment at which it is begun, the second once it is
// whole. Nothing is ever removed from a folder that has neither.
const (
	begun = "demo-begun"
	made  = "demo-made"
)

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// AgentData is the data folder of the clinic's agent within the demo's.
func AgentData(data string) string { return filepath.Join(data, "agent") }

// AgentProfile is the agent's profile in AgentData.
const AgentProfile = "agent"

// Maker makes the demo practice.
type Maker struct {
	Data     string
	Accounts enrol.Accounts
	Now      func() time.Time
	Log      *slog.Logger
	Say      func(done, of int, what string)

	clock   time.Time
	mu      sync.Mutex
	people  map[string]*backend.Profile
	offices map[string]care.Office
	backs   []*backend.Backend
}

// Make makes the practice, its people and their conversations. It needs an empty folder: care.Conflict otherwise.
func (m *Maker) Make(ctx context.Context) (err error) {
	if Made(m.Data) {
		return care.Refusef(care.Conflict, "There is a demo in this folder already.")
	}
	if err := m.begin(); err != nil {
		return err
	}
	if m.Now == nil {
		m.Now = time.Now
	}
	m.people, m.offices = map[string]*backend.Profile{}, map[string]care.Office{}
	defer func() {
		for _, b := range m.backs {
			b.Close()
		}
	}()
	if err := m.practice(ctx); err != nil {
		return fmt.Errorf("make the practice: %w", err)
	}
	for i, t := range inOrder(talks) {
		m.Say(i+1, len(talks), "conversations")
		if err := m.talk(ctx, t); err != nil {
			return fmt.Errorf("conversation %q: %w", t.subject, err)
		}
	}
	return os.WriteFile(filepath.Join(m.Data, made), nil, 0o600)
}

// begin marks the folder as the demo's, and clears away a demo that was begun and never finished.
func (m *Maker) begin() error {
	for _, name := range []string{"profiles", "agent", "practice"} {
		if there(filepath.Join(m.Data, name)) && !there(filepath.Join(m.Data, begun)) {
			return care.Refusef(care.Conflict, "This folder holds a practice that is not the demo's. Name another folder with --data.")
		}
	}
	if err := StartOver(m.Data); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Data, begun), nil, 0o600)
}

// at is the moved clock.
func (m *Maker) at() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}

func (m *Maker) move(to time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = to
}

// talk plays one conversation.
func (m *Maker) talk(ctx context.Context, t talk) error {
	var part care.EventID
	at := m.before(t.hoursAgo)
	for _, step := range t.turns {
		at = m.forward(at, time.Duration(step.after)*time.Minute)
		if at.After(m.Now()) {
			at = m.Now()
		}
		m.move(at)
		p := m.people[step.who]
		if err := m.pull(ctx, p); err != nil {
			return fmt.Errorf("%s pulls: %w", step.who, err)
		}
		became, err := m.act(ctx, p.Desk(), t, part, step)
		if err != nil {
			return fmt.Errorf("%s %s: %w", step.who, step.does, err)
		}
		if err := p.Replica().Settle(ctx); err != nil {
			return fmt.Errorf("%s submits: %w", step.who, err)
		}
		if became != nil {
			if part, err = became(); err != nil {
				return err
			}
		}
		if err := m.confirm(ctx); err != nil {
			return err
		}
	}
	return nil
}

// act does one turn. Where a new thread begins, the answer finds its part once it has been submitted.
func (m *Maker) act(ctx context.Context, d *command.Desk, t talk, part care.EventID, step turn) (func() (care.EventID, error), error) {
	text := draft.Draft{Part: part, Text: care.Text(step.text)}
	send := func(kind string, verb func(context.Context, string) (command.Sending, error)) (string, error) {
		text.What = kind
		saved, err := d.SaveDraft(ctx, text)
		if err != nil {
			return "", err
		}
		if _, err := verb(ctx, saved.ID); err != nil {
			return "", err
		}
		return saved.ID, d.SendNow(ctx, saved.ID)
	}
	switch step.does {
	case "write":
		text.Office, text.Topic, text.Subject = m.offices[t.office].ID, t.topic, care.Text(t.subject)
		id, err := send(command.DraftNew, d.SendMessage)
		return func() (care.EventID, error) {
			s, err := d.Sending(ctx, id)
			return s.Part, err
		}, err
	case "reply":
		_, err := send(command.DraftReply, d.SendReply)
		return nil, err
	case "complete":
		_, err := send(command.DraftClosing, d.Complete)
		return nil, err
	case "note":
		text.What = command.DraftNote
		saved, err := d.SaveDraft(ctx, text)
		if err != nil {
			return nil, err
		}
		return nil, d.SaveNote(ctx, saved.ID)
	case "claim":
		return nil, d.Claim(ctx, part)
	case "assign":
		return nil, d.Assign(ctx, part, m.people[step.text].Me().ID)
	case "flag":
		return nil, d.Flag(ctx, part, true, care.Text(step.text))
	case "read":
		return nil, d.MarkRead(ctx, part)
	}
	return nil, fmt.Errorf("the demo does not know how to %q", step.does)
}

// confirm lets the agent take in what came and give receipts.
func (m *Maker) confirm(ctx context.Context) error {
	a := m.people[AgentProfile]
	if err := m.pull(ctx, a); err != nil {
		return fmt.Errorf("the agent pulls: %w", err)
	}
	r := &agent.Receipts{Desk: a.Desk(), Log: m.Log}
	if err := r.Once(ctx); err != nil {
		return fmt.Errorf("the agent confirms: %w", err)
	}
	return a.Replica().Settle(ctx)
}

// pull brings a person in step with what everybody has sent.
func (m *Maker) pull(ctx context.Context, p *backend.Profile) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return p.PullUntil(ctx, slices.Collect(maps.Values(m.people))...)
}

// before is the instant so many business hours ago.
func (m *Maker) before(hours int) time.Time {
	at, left := m.Now().Truncate(time.Minute), time.Duration(hours)*time.Hour
	clock := m.people[AgentProfile].Desk().Clock()
	for left > 0 {
		at = at.Add(-5 * time.Minute)
		if clock.Open(at) {
			left -= 5 * time.Minute
		}
	}
	return at
}

// forward is the instant so much business time later.
func (m *Maker) forward(at time.Time, by time.Duration) time.Time {
	clock := m.people[AgentProfile].Desk().Clock()
	for by > 0 {
		at = at.Add(time.Minute)
		if clock.Open(at) {
			by -= time.Minute
		}
	}
	return at
}

// inOrder gives the conversations oldest first, so that the clock only moves forward from one to the next.
func inOrder(all []talk) []talk {
	out := append([]talk(nil), all...)
	for i := 1; i < len(out); i++ {
		for j := i; j > 0 && out[j].hoursAgo > out[j-1].hoursAgo; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// StartOver removes a demo from its data folder. What was written in it is gone for good. It touches nothing in a folder
// that is not the demo's.
func StartOver(data string) error {
	if !there(filepath.Join(data, begun)) {
		return nil
	}
	var errs []error
	for _, name := range []string{made, "profiles", "agent", "practice", begun} {
		errs = append(errs, os.RemoveAll(filepath.Join(data, name)))
	}
	return errors.Join(errs...)
}

// ThrowAway is StartOver with the embedded gateway, which must not run.
func ThrowAway(data string) error {
	if !there(filepath.Join(data, begun)) {
		return nil
	}
	return errors.Join(os.RemoveAll(backend.GatewayDir(data)), StartOver(data))
}
