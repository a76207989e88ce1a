package replica

import (
	"context"
	"database/sql"
	"fmt"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/record/outbox"
	"postern/backend/trust/seal"
)

// Files travel in pieces, each a letter of its own. A piece has no author: what counts is that an event names it by its hash, and nothing
// else of it is believed. It is kept once it is named, or while there is room for what is not named yet; what finds no room stays in its mailbox
// and is fetched again when an event names it.

// keepPieces keeps the pieces among letters, in whose transaction the events among them are there already. It gives the threads whose files
// have come further, and reports whether a letter of ours was seen again.
func (s *source) keepPieces(ctx context.Context, tx *sql.Tx, arrived []arrival) (further []care.ThreadID, texts bool, err error) {
	for i := range arrived {
		a := &arrived[i]
		for _, t := range a.taken {
			if t.piece == nil {
				continue
			}
			kept, news, err := s.r.Journal.KeepPiece(ctx, tx, t.piece)
			if err != nil {
				return nil, false, err
			}
			if !kept {
				a.lacks = lacks(lacksNaming, event.PieceID(t.piece).String())
				continue
			}
			did, err := s.r.Outbox.Confirmed(ctx, tx, event.PieceID(t.piece), s.login.Mailbox)
			if err != nil {
				return nil, false, err
			}
			further, texts = append(further, news...), texts || did
		}
	}
	return further, texts, nil
}

// lackPieces reports whether an event among letters that counts names a piece that is not here.
func (s *source) lackPieces(ctx context.Context, tx *sql.Tx, arrived []arrival) (lack bool, err error) {
	for i := range arrived {
		for _, t := range arrived[i].taken {
			if t.entry == nil || t.entry.Event == nil || t.entry.Verdict != fold.Accepted {
				continue
			}
			for _, piece := range t.entry.Event.Pieces() {
				if lack, err = s.r.Journal.Wanted(ctx, tx, piece); lack || err != nil {
					return lack, err
				}
			}
		}
	}
	return false, nil
}

// content is what a letter of the outbox carries: the event of that name, or the piece of a file.
func (r *Replica) content(ctx context.Context, tx *sql.Tx, l *outbox.Letter) (seal.Content, error) {
	e, ok, err := r.Journal.Event(ctx, tx, l.Event)
	if err != nil {
		return seal.Content{}, err
	}
	if ok {
		return seal.Content{Type: seal.TypeEvent, Bytes: e.Raw, Signature: e.Sig}, nil
	}
	piece, ok, err := r.Journal.Piece(ctx, tx, l.Event)
	if err != nil {
		return seal.Content{}, err
	}
	if !ok {
		return seal.Content{}, care.Because(care.Corrupt, fmt.Errorf("what letter %s of the outbox carries is not in the journal", l.Event),
			"A letter on this computer has lost its text. Nothing else is affected.")
	}
	return seal.Content{Type: seal.TypeBlob, Bytes: piece}, nil
}

// about are the events of which it is to be said that a letter did not reach its mailbox: the one that it carries or, of a piece of a file, those
// that name it and went there.
func (r *Replica) about(ctx context.Context, tx *sql.Tx, l outbox.Letter) (all []*event.Event, err error) {
	e, ok, err := r.Journal.Event(ctx, tx, l.Event)
	if err != nil || ok {
		return []*event.Event{e.Event}, err
	}
	naming, err := r.Journal.Naming(ctx, tx, l.Event)
	if err != nil {
		return nil, err
	}
	for _, p := range naming {
		e, ok, err := r.Journal.Event(ctx, tx, p.Event)
		if err != nil {
			return nil, err
		}
		if ok && p.Thread == l.Thread && e.Event != nil && contains(e.Event.To, l.Mailbox) {
			all = append(all, e.Event)
		}
	}
	return all, nil
}
