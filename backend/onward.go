package backend

import (
	"context"
	"log/slog"
	"time"

	"postern/backend/command"
	"postern/backend/record/store"
	"postern/backend/replica"
)

// onward hands over the letters of a profile that is closed. It holds the folder of the profile as long as it does, and
// none of its keys.
type onward struct {
	send *replica.Onward
	stop context.CancelFunc
	done chan struct{}
}

// goOnward begins. It takes over the spool and the lock, and gives them up at its end.
func goOnward(send *replica.Onward, to *spool, lock *store.FileLock, log *slog.Logger) *onward {
	ctx, cancel := context.WithCancel(context.Background())
	o := &onward{send: send, stop: cancel, done: make(chan struct{})}
	send.Keep = to.keep
	log.Info("letters go on while the profile is locked", "letters", send.Left())
	go func() {
		defer close(o.done)
		send.Run(ctx)
		to.wipe()
		if err := lock.Close(); err != nil {
			log.Error("release the profile", "err", err)
		}
	}()
	return o
}

// part tries once more, for at most this long, and notes which letters have gone.
func (o *onward) part(limit time.Duration, unsent command.Unsent) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = o.send.Submit(ctx) // Run says why it breaks off; here what counts is what is left
	for _, l := range o.send.Over(ctx) {
		unsent.Went(l.Event, l.Mailbox)
	}
}

// endOnward ends what goes on here and waits until nobody holds the profile any more. The caller holds the place.
func (at *place) endOnward() {
	if at.onward != nil {
		at.onward.stop()
		<-at.onward.done
		at.onward = nil
	}
}

// takeIn takes in what became of the letters that went on while the profile was closed. Where it cannot, they are sent
// again, which does no harm.
func (p *Profile) takeIn(ctx context.Context) {
	outcomes, err := p.spool.read()
	if err != nil {
		p.log.Warn("what became of letters while this profile was locked cannot be read: they are sent again", "err", err)
	}
	if len(outcomes) > 0 {
		if err := p.replica.TakeIn(ctx, outcomes); err != nil {
			p.log.Error("what became of letters while this profile was locked cannot be taken in yet", "err", err)
			return
		}
	}
	if err := p.spool.remove(); err != nil {
		p.log.Error("what became of letters while this profile was locked stays on the disk", "err", err)
	}
}
