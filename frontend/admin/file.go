package admin

import (
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"postern/backend/care"
	"postern/frontend/respond"
)

// maxFile is the most bytes that a file may have whose text becomes that of a field: with more, the form could not be posted.
const maxFile = 1<<20 - 1

// importFile shows the text of a file in the field of the form to import members; accountsFile in that of mail accounts.
func (v visit) importFile() error { return v.textOf(importForm(), "csv", 8) }

func (v visit) accountsFile() error { return v.textOf(accountsEmpty(), "accounts", 4) }

// textOf answers with a field that has the text of the file which the page posts as its bytes. A refusal leaves the field as it
// is: somebody may have typed there.
func (v visit) textOf(f form, name string, rows int) error {
	content, err := io.ReadAll(io.LimitReader(v.r.Body, maxFile+1))
	switch {
	case err != nil:
		return respond.BadForm(err)
	case len(content) > maxFile:
		return care.Refusef(care.Invalid, "This file is too large to be taken in here.")
	case !utf8.Valid(content): // as older spreadsheets write
		if content, err = charmap.Windows1252.NewDecoder().Bytes(content); err != nil {
			return respond.BadForm(err)
		}
	}
	f.Values.Set(name, strings.TrimPrefix(string(content), "\ufeff"))
	respond.HTML(v.w, v.r, fileText(f, name, rows))
	return nil
}
