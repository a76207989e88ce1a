package view

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

// files are files as the screens name them.
func (a *asked) files(files []event.File) []File {
	var all []File
	for _, f := range files {
		shown := File{Name: care.FileNamed(f.Name, f.Type), Kind: f.Type, Size: f.Size, Here: true}
		for _, piece := range f.IDs() {
			shown.Here = shown.Here && a.pieces[piece]
		}
		all = append(all, shown)
	}
	return all
}

// piecesOf are the pieces of files that are here of a thread.
func (a *asked) piecesOf(thread care.ThreadID) (map[care.EventID]bool, error) {
	here := map[care.EventID]bool{}
	err := a.each("SELECT p.hash FROM event e JOIN named n ON n.event = e.no JOIN piece p ON p.hash = n.piece WHERE e.thread = ?", []any{thread[:]}, func(rows *sql.Rows) error {
		var id care.EventID
		err := rows.Scan(store.ID(&id))
		here[id] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the files of thread %s: %w", thread, err)
	}
	return here, nil
}

// Content is a file, whole.
type Content struct {
	File
	Bytes []byte
}

// File gives a file of an item that the viewer sees: the nth, from 0. What it is, its bytes say: Kind is "" where they are of no kind that
// Postern takes in. care.NotFound where there is none; care.Unavailable where not all of it has arrived.
func (v *Views) File(ctx context.Context, part, item care.EventID, n int) (content Content, err error) {
	err = v.ask(ctx, func(a *asked) error {
		_, _, p, err := a.whole(part)
		if err != nil {
			return err
		}
		files := filesOf(p, item, v.viewer.Member)
		if n < 0 || n >= len(files) {
			return care.Refusef(care.NotFound, "There is no such file in this conversation.")
		}
		content, err = a.content(files[n])
		return err
	})
	return content, err
}

// filesOf are the files of an item; a member has those of messages alone.
func filesOf(p *fold.Part, item care.EventID, member bool) []event.File {
	for i := range p.Messages {
		if p.Messages[i].ID == item {
			return p.Messages[i].Files
		}
	}
	for i := range p.Bridged {
		if p.Bridged[i].ID == item && !member {
			return p.Bridged[i].Files
		}
	}
	return nil
}

// content puts a file together. Half of one is none.
func (a *asked) content(f event.File) (Content, error) {
	ids := f.IDs()
	if len(ids) > event.MaxFile/event.PieceSize {
		return Content{}, care.Refusef(care.NotFound, "This file is larger than Postern takes in.")
	}
	var pieces [][]byte
	for _, id := range ids {
		var piece []byte
		err := a.tx.QueryRowContext(a.ctx, "SELECT bytes FROM piece WHERE hash = ?", id[:]).Scan(&piece)
		if errors.Is(err, sql.ErrNoRows) {
			return Content{}, care.Refusef(care.Unavailable, "Not all of this file has arrived on this computer yet.")
		}
		if err != nil {
			return Content{}, fmt.Errorf("read a piece of a file: %w", err)
		}
		pieces = append(pieces, piece)
	}
	whole, ok := f.Whole(pieces)
	if !ok {
		return Content{}, care.Because(care.Corrupt, fmt.Errorf("file %s is not what its pieces are", f.SHA256), "This file is not what its sender said that it is. It is not opened.")
	}
	kind := care.FileKind(whole)
	return Content{File: File{Name: care.FileNamed(f.Name, kind), Kind: kind, Size: f.Size, Here: true}, Bytes: whole}, nil
}
