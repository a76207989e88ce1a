package replica

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"postern/backend/care"
	"postern/backend/post/fetch"
)

// Archive moves letters of a mailbox that came before a time, by the mail system's date, into its archive: the oldest first, at most
// so many. Only what is stored here is moved, so that nothing of it could be lost on the way, and it is noted as stored where it lies
// then: it is neither fetched again nor missed. An end between the two costs a look through the mailbox. care.Forbidden: it may not.
func (r *Replica) Archive(ctx context.Context, mailbox care.MailboxID, before time.Time, most int) (moved int, err error) {
	r.init()
	var login *care.MailLogin
	for _, f := range r.reading() {
		if f.Login.Mailbox == mailbox {
			login = &f.Login
		}
	}
	if login == nil || r.Offline() {
		return 0, nil
	}
	source := sourceName(*login)
	f := &fetch.Fetcher{Login: *login, Now: r.Now, Log: r.Log, Places: r.places}
	all, err := f.Archive(ctx, before, most, func(validity uint32) (has func(uint32) bool, err error) {
		err = r.DB.Read(ctx, func(tx *sql.Tx) error {
			set, err := r.Journal.Stored(ctx, tx, source, "INBOX", validity)
			has = set.Has
			return err
		})
		return has, err
	})
	noted := r.DB.Write(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
		for _, m := range all {
			moved += len(m.UIDs)
			if err := r.Journal.Unmark(ctx, tx, source, "INBOX", m.Validity, m.UIDs); err != nil {
				return err
			}
			if err := r.Journal.MarkFetched(ctx, tx, source, m.To.Folder, m.To.Validity, m.To.UIDs); err != nil {
				return err
			}
		}
		return nil
	})
	return moved, errors.Join(err, noted)
}
