package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/store"
)

// maxLoose is how many bytes of pieces are kept that no event here names yet: the newest letters are read first, so pieces come before
// their event. Anybody who knows a mailbox's key can seal bytes to it, and whoever fills this room keeps nobody else's file out: a piece that
// finds none is put aside and fetched again when it is named.
const maxLoose = 32 << 20

// names notes which pieces an event that counts names.
func names(ctx context.Context, tx *sql.Tx, no int64, e *Entry) error {
	if e.Event == nil || e.Verdict != fold.Accepted {
		return nil
	}
	for _, id := range e.Event.Pieces() {
		if _, err := tx.ExecContext(ctx, "INSERT INTO named (piece, event) VALUES (?, ?) ON CONFLICT (piece, event) DO NOTHING", id[:], no); err != nil {
			return fmt.Errorf("note a piece of a file: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE piece SET loose = 0 WHERE hash = ? AND loose = 1", id[:]); err != nil {
			return fmt.Errorf("note a piece of a file: %w", err)
		}
	}
	return nil
}

// KeepPiece keeps a piece of a file, once. kept is false for one that no event here names and for which there is no room; news are the
// threads whose files have come further with it.
func (j *Journal) KeepPiece(ctx context.Context, tx *sql.Tx, bytes []byte) (kept bool, news []care.ThreadID, err error) {
	id := event.PieceID(bytes)
	here, err := j.HasPiece(ctx, tx, id)
	if err != nil || here {
		return here, nil, err
	}
	naming, err := j.Naming(ctx, tx, id)
	if err != nil {
		return false, nil, err
	}
	if len(naming) == 0 {
		var loose int64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(sum(size), 0) FROM piece WHERE loose = 1").Scan(&loose); err != nil {
			return false, nil, fmt.Errorf("measure pieces: %w", err)
		}
		if loose+int64(len(bytes)) > maxLoose {
			return false, nil, nil
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO piece (hash, size, loose, bytes) VALUES (?, ?, ?, ?)", id[:], len(bytes), len(naming) == 0, solid(bytes)); err != nil {
		return false, nil, fmt.Errorf("keep a piece of a file: %w", err)
	}
	for _, p := range naming {
		news = append(news, p.Thread)
	}
	return true, care.SortEventIDs(news), nil
}

// Piece gives a piece of a file; false if it is not here.
func (j *Journal) Piece(ctx context.Context, tx *sql.Tx, id care.EventID) (bytes []byte, here bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT bytes FROM piece WHERE hash = ?", id[:]).Scan(&bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read a piece of a file: %w", err)
	}
	return bytes, true, nil
}

// HasPiece reports whether a piece is here.
func (j *Journal) HasPiece(ctx context.Context, tx *sql.Tx, id care.EventID) (here bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM piece WHERE hash = ?)", id[:]).Scan(&here)
	if err != nil {
		return false, fmt.Errorf("look for a piece of a file: %w", err)
	}
	return here, nil
}

// Wanted reports whether an event names a piece that is not here.
func (j *Journal) Wanted(ctx context.Context, tx *sql.Tx, id care.EventID) (wanted bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM named WHERE piece = ?1) AND NOT EXISTS (SELECT 1 FROM piece WHERE hash = ?1)", id[:]).Scan(&wanted)
	if err != nil {
		return false, fmt.Errorf("look for a piece of a file: %w", err)
	}
	return wanted, nil
}

// Naming gives the events that name a piece, in the order in which they came here.
func (j *Journal) Naming(ctx context.Context, tx *sql.Tx, piece care.EventID) (all []Place, err error) {
	return places(ctx, tx, "SELECT e.id, e.thread FROM named n JOIN event e ON e.no = n.event WHERE n.piece = ? ORDER BY e.no", piece[:])
}

// PiecesIn gives the pieces that belong into a mailbox and are here: those of the events that were seen there. Place.Event is the piece.
func (j *Journal) PiecesIn(ctx context.Context, tx *sql.Tx, mailbox care.MailboxID) (all []Place, err error) {
	return places(ctx, tx, "SELECT n.piece, e.thread FROM named n JOIN event e ON e.no = n.event JOIN sighting s ON s.event = e.no AND s.mailbox = ? "+
		"WHERE EXISTS (SELECT 1 FROM piece WHERE hash = n.piece) GROUP BY n.piece ORDER BY min(e.no)", string(mailbox))
}

func places(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []Place, err error) {
	err = store.Each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var p Place
		err := rows.Scan(store.ID(&p.Event), store.ID(&p.Thread))
		all = append(all, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list pieces of files: %w", err)
	}
	return all, nil
}
