package fetch

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"postern/backend/care"
)

// Check connects and signs in, and takes leave again. secured says that the connection stood, with a certificate that is
// trusted, when an error came.
func Check(ctx context.Context, login care.MailLogin) (secured bool, err error) {
	f := &Fetcher{Login: login}
	f.init()
	s, err := f.connect(ctx)
	if err != nil {
		return s != nil && s.secured, err
	}
	s.close()
	return true, nil
}

// Remove takes letters away from the server. Letters that are not there are no error; a login that may not is one.
func Remove(ctx context.Context, login care.MailLogin, letters ...Letter) error {
	f := &Fetcher{Login: login}
	f.init()
	return f.connected(ctx, func(s *session) error {
		for _, l := range letters {
			if err := s.remove(l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) remove(l Letter) error {
	opened, err := s.c.Select(l.Folder, nil).Wait()
	if err != nil {
		return fmt.Errorf("open folder %s: %w", l.Folder, err)
	}
	if opened.UIDValidity != l.Validity {
		return errChanged
	}
	set := imap.UIDSetNum(imap.UID(l.UID))
	if err := s.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		return fmt.Errorf("mark a letter as deleted: %w", err)
	}
	if !s.caps.Has(imap.CapUIDPlus) && !s.caps.Has(imap.CapIMAP4rev2) {
		return errors.New("the server cannot take a single letter away") // a plain EXPUNGE takes what others marked too
	}
	if err := s.c.UIDExpunge(set).Close(); err != nil {
		return fmt.Errorf("take a letter away: %w", err)
	}
	// Dovecot says OK to who may not.
	left, err := s.c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{set}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("look whether a letter is gone: %w", err)
	}
	if len(left.AllUIDs()) > 0 {
		return errors.New("the letter is still there")
	}
	return nil
}
