package backend

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
)

const (
	lookEvery = 30 * time.Second // how often the agent looks how it stands
	tellEvery = time.Hour        // how often it says so where nothing has changed
	silence   = 2 * time.Hour    // after which somebody should look after it
)

// telling tells the practice how this agent stands: once it is in step, or has waited a minute for it, then every hour, and when
// something begins or ends to want a person. What it cannot tell now it tells when it can.
func (p *Profile) telling(ctx context.Context) error {
	changes, stop := p.Wake()
	defer stop()
	if err := p.learnt(ctx); err != nil {
		return err
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var t spoken
	for {
		if p.replica.InStep() || t.said || p.now().Sub(p.began) >= time.Minute {
			if err := p.tell(ctx, &t); err != nil && ctx.Err() == nil {
				p.log.Error("the practice is not told how the agent stands", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, open := <-changes:
			if !open {
				return nil
			}
			if t.said { // only the beginning waits for a change: afterwards each would be looked at
				changes = nil
			}
		case <-look.C:
		}
	}
}

// spoken is what an agent said last.
type spoken struct {
	said bool
	id   care.EventID
	at   time.Time
	body event.HealthBody
}

// tell says how this agent stands, unless it did lately and nothing has changed that wants a person.
func (p *Profile) tell(ctx context.Context, t *spoken) error {
	h, err := p.Health(ctx)
	if err != nil {
		return err
	}
	b := h.body()
	since := h.At.Sub(t.at)
	if t.said && since >= 0 && since < tellEvery && slices.Equal(b.Wrong, t.body.Wrong) && b.Named == t.body.Named {
		return nil
	}
	id, err := p.desk.Health(ctx, b, t.id)
	if err != nil || id.IsZero() {
		return err
	}
	*t = spoken{said: true, id: id, at: h.At, body: b}
	return nil
}

// heard keeps what agents said of themselves, in memory. It is safe for concurrent use.
type heard struct {
	mu  sync.Mutex
	all map[care.EventID]word
}

// word is what an agent said, and when it first came by the mail system's date.
type word struct {
	event.HealthBody
	who  care.PersonID
	at   time.Time
	said time.Time // by the agent's clock: the mail system's date knows whole seconds
}

// hear takes in an event. One that comes again is as old as it was: else the mail system could let an agent that is silent repeat that
// all is well.
func (h *heard) hear(e *event.Event, arrived time.Time) {
	b, is := e.Body.(event.HealthBody)
	if !is {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[care.EventID]word{}
	}
	if before, again := h.all[e.ID]; again && before.at.Before(arrived) {
		return
	}
	h.all[e.ID] = word{b, e.As, arrived, e.At}
}

// of is the newest that an agent said.
func (h *heard) of(who care.PersonID) (newest word, any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.all {
		if w.who == who && (!any || w.at.After(newest.at) || w.at.Equal(newest.at) && w.said.After(newest.said)) {
			newest, any = w, true
		}
	}
	return newest, any
}

// knownHealth takes in what agents said before this sign-in.
func (p *Profile) knownHealth(ctx context.Context) error {
	return p.db.Read(ctx, func(tx *sql.Tx) error {
		all, err := p.desk.Journal.LooseOf(ctx, tx, event.Health)
		for _, e := range all {
			p.heard.hear(e.Event, e.Arrived)
		}
		return err
	})
}

// AgentHealth is how one of the practice's agents stands, as it said last.
type AgentHealth struct {
	event.HealthBody
	Heard  time.Time // by the mail system's date; zero: never
	Silent bool      // that is too long ago
	Wrong  []Wrong
}

// AgentHealth says how an agent stands. Only the profile that holds the registrar knows.
func (p *Profile) AgentHealth(who care.PersonID) AgentHealth {
	w, any := p.heard.of(who)
	if !any {
		return AgentHealth{Silent: true}
	}
	out := AgentHealth{HealthBody: w.HealthBody, Heard: w.at, Silent: p.now().Sub(w.at) > silence}
	for _, word := range w.HealthBody.Wrong {
		says, do := inWords(word, w.HealthBody, p.zone())
		out.Wrong = append(out.Wrong, Wrong{word, says, do})
	}
	return out
}
