package agent

import (
	"context"
	"log/slog"
	"reflect"
	"time"

	"postern/backend/care"
	"postern/backend/command"
)

// Promises keeps the due times of what awaits a reply in step with the clinic's calendar: it looks at all of them when it
// begins, when the directory has another calendar, policy or provider, and when another day begins at the clinic. It is the
// agent's alone, and may run twice.
type Promises struct {
	Desk *command.Desk
	// InStep, where it is set, says whether everything in the mailboxes has been read. Before that nothing is moved: what was
	// is known only then.
	InStep func() bool
	Log    *slog.Logger

	kept  terms
	by    command.Promised // kept, ready for use
	day   string           // of the last look at all, in the clinic's zone; "": there was none
	again time.Time        // not before: the last look failed
}

// retryAll is how long after a failure all are looked at again.
const retryAll = time.Minute

// terms are what of a directory decides when replies are due.
type terms struct {
	calendar  care.Calendar
	promise   time.Duration
	providers map[care.OfficeID]care.PersonID
}

func (p *Promises) terms() terms {
	practice := p.Desk.Directory().Practice()
	t := terms{practice.Calendar, practice.Policy.Promise(), map[care.OfficeID]care.PersonID{}}
	for _, o := range p.Desk.Directory().OfficesOf(p.Desk.Me.ID) {
		t.providers[o.ID] = o.Provider
	}
	return t
}

// Begin notes by what was promised until now: what this computer knew of the clinic when the program began.
func (p *Promises) Begin() {
	if p.Desk.Directory().Version() > 0 { // else nothing has come from the clinic yet
		p.kept, p.by = p.terms(), p.Desk.Promised()
	}
}

// Run looks when there is something to look for, until the context ends or changes is closed.
func (p *Promises) Run(ctx context.Context, changes <-chan command.Change) error {
	minute := time.NewTicker(time.Minute) // a timer to midnight would sleep with the computer
	defer minute.Stop()
	for {
		if err := p.Look(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.Log.Error("cannot move due times", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, open := <-changes:
			if !open {
				return nil
			}
		case <-minute.C:
		}
	}
}

// Look moves what is to be moved, if anything can have moved since the last time. After a failure it waits a minute.
func (p *Promises) Look(ctx context.Context) error {
	now := p.Desk.Now()
	if p.Desk.Directory().Practice().Agent != p.Desk.Me.ID || p.InStep != nil && !p.InStep() {
		return nil
	}
	if wait := p.again.Sub(now); wait > 0 && wait <= retryAll { // more: the clock was put back
		return nil
	}
	terms, by := p.terms(), p.Desk.Promised()
	today := now.In(by.Clock.Location()).Format(time.DateOnly)
	if !by.Clock.Promises() || p.day == today && reflect.DeepEqual(p.kept, terms) {
		return nil
	}
	moved, looked, err := p.all(ctx)
	if moved > 0 {
		p.Log.Info("due times moved", "messages", moved, "conversations", looked, "directory", p.Desk.Directory().Version())
	}
	if err != nil {
		p.again = now.Add(retryAll)
		return err
	}
	p.kept, p.by, p.day = terms, by, today
	return nil
}

// all looks at every thread that awaits a reply, each in a transaction of its own.
func (p *Promises) all(ctx context.Context) (moved, looked int, err error) {
	threads, err := p.Desk.Awaiting(ctx)
	for _, t := range threads {
		if err != nil {
			break
		}
		var n int
		if n, err = p.Desk.Postpone(ctx, t, p.by); refused(err) { // the next look tries again
			p.Log.Warn("may not move a due time", "thread", t, "err", err)
			err = nil
		}
		moved, looked = moved+n, looked+1
	}
	return moved, looked, err
}
