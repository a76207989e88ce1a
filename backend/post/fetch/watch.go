package fetch

import (
	"context"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"postern/backend/post/dial"
)

const (
	patience = dial.Patience    // with something awaited of the server
	storing  = 10 * time.Minute // with nothing awaited of it
	probe    = 5 * time.Second  // with an answer awaited of a connection that may be dead
)

// watch waits for new letters and fetches them, until something breaks.
func (s *session) watch(ctx context.Context) error {
	next := time.NewTimer(s.round())
	defer next.Stop()
	for {
		// INBOX is the open folder whenever the server is to call. What came in while another was open, the opening counts
		// and nobody tells of: it is looked for.
		if s.selected != inbox {
			if err := s.latest(ctx, inbox); err != nil {
				return err
			}
		}
		s.Sink.UpToDate(s.Now())
		s.gauge()
		everywhere, err := s.wait(ctx, next.C)
		if err != nil {
			return err
		}
		switch {
		case s.again.Load() || s.Now().Sub(s.checked) >= daily:
			err = s.full(ctx)
		case everywhere:
			err = s.around(ctx)
		default:
			err = s.latest(ctx, inbox)
		}
		if err != nil {
			return err
		}
		if everywhere {
			next.Reset(s.round())
		}
	}
}

func (s *session) round() time.Duration {
	if s.caps.Has(imap.CapIdle) {
		return s.Round
	}
	return s.Poll
}

// wait returns when INBOX may hold something new, or when it is time to look everywhere.
func (s *session) wait(ctx context.Context, round <-chan time.Time) (everywhere bool, err error) {
	select { // what happened since needs no waiting
	case <-s.changed:
		return false, nil
	case <-s.nudge:
		return true, nil
	default:
	}
	var idle *imapclient.IdleCommand
	if s.caps.Has(imap.CapIdle) {
		if idle, err = s.c.Idle(); err != nil {
			return false, fmt.Errorf("wait for new letters: %w", err)
		}
	}
	s.conn.SetPatience(s.round() + patience)
	select {
	case <-s.changed:
	case <-s.nudge:
		everywhere = true
	case <-round:
		everywhere = true
	case <-s.c.Closed():
		err = fmt.Errorf("wait for new letters: the connection ended")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if doubted := s.doubted.Swap(false); doubted && err == nil {
		s.conn.SetPatience(probe)
		defer s.conn.SetPatience(patience)
		if idle == nil { // else the end of the waiting is the question
			if err := s.c.Noop().Wait(); err != nil {
				return everywhere, fmt.Errorf("ask whether the connection is alive: %w", err)
			}
		}
	} else {
		s.conn.SetPatience(patience)
	}
	if idle == nil || err != nil {
		if idle != nil {
			_ = idle.Close() // the connection is ending
		}
		return everywhere, err
	}
	if err := idle.Close(); err != nil {
		return everywhere, fmt.Errorf("stop waiting: %w", err)
	}
	if err := idle.Wait(); err != nil {
		return everywhere, fmt.Errorf("stop waiting: %w", err)
	}
	return everywhere, nil
}

// around looks at the newest letters of INBOX and at every other folder that is not as it was.
func (s *session) around(ctx context.Context) error {
	if err := s.latest(ctx, inbox); err != nil {
		return err
	}
	names, err := s.list()
	if err != nil {
		return err
	}
	var asked []*imapclient.StatusCommand
	names = names[1:] // INBOX is open, and the status of an open folder is not for asking
	for _, name := range names {
		asked = append(asked, s.c.Status(name, &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true}))
	}
	var changed []string
	for i, cmd := range asked {
		data, err := cmd.Wait()
		if err != nil || data.NumMessages == nil {
			continue // a folder that cannot be read, or a connection that breaks below
		}
		now := state{validity: data.UIDValidity, next: uint32(data.UIDNext), messages: *data.NumMessages}
		if was := s.folders[names[i]]; was == nil || *was != now {
			changed = append(changed, names[i])
		}
	}
	for _, name := range changed {
		if err := s.latest(ctx, name); err != nil {
			return err
		}
	}
	return s.quota(ctx)
}
