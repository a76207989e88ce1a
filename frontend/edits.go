package frontend

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/seat"
)

// A page numbers what is typed on it, and says in each request up to which number its words go: "PAGE.NUMBER", PAGE being a name
// that it made up when it was loaded. A browser that gives up a save does not call it back; it can arrive after a newer one,
// and even after the text was reviewed.
const editHeader, editParam = "Postern-Edit", "edit"

type edit struct {
	page   string
	number int
}

type editKey struct{}

// withEdit notes how far the words of a request go; a request that does not say so is as new as any.
func withEdit(ctx context.Context, r *http.Request) context.Context {
	page, number, _ := strings.Cut(cmp.Or(r.Header.Get(editHeader), r.URL.Query().Get(editParam)), ".")
	n, err := strconv.Atoi(number)
	if err != nil || page == "" {
		return ctx
	}
	return context.WithValue(ctx, editKey{}, edit{page, n})
}

// typist is somebody signed in whose drafts keep the order in which their pages were typed on, whatever the order in which the
// saves arrive.
type typist struct {
	seat.Signed
	edits *edits
}

func (t typist) Desk() seat.Desk { return inOrder{t.Signed.Desk(), t.edits} }

func (t typist) For(p care.PatientID) seat.Signed { return typist{t.Signed.For(p), t.edits} }

// edits are the newest that each page has saved of each draft, for one sign-in.
type edits struct {
	mu     sync.Mutex
	newest map[[2]string]int
}

func newEdits() *edits { return &edits{newest: map[[2]string]int{}} }

// inOrder saves and deletes drafts one after the other, and leaves out what is older than what it has.
type inOrder struct {
	seat.Desk
	edits *edits
}

func (d inOrder) SaveDraft(ctx context.Context, t view.Draft) (saved view.Draft, err error) {
	saved = t
	err = d.edits.inOrder(ctx, t.ID, func() error {
		saved, err = d.Desk.SaveDraft(ctx, t)
		return err
	})
	return saved, err
}

func (d inOrder) DeleteDraft(ctx context.Context, id string) error {
	return d.edits.inOrder(ctx, id, func() error { return d.Desk.DeleteDraft(ctx, id) })
}

func (e *edits) inOrder(ctx context.Context, draft string, do func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	this, said := ctx.Value(editKey{}).(edit)
	key := [2]string{draft, this.page}
	if said && this.number < e.newest[key] {
		return nil
	}
	err := do()
	if err == nil && said && draft != "" {
		e.newest[key] = this.number
	}
	return err
}
