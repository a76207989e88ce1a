package parts

import (
	"fmt"

	"github.com/a-h/templ"

	"postern/backend/care"
	"postern/backend/record/view"
	"postern/frontend/link"
)

// FileModel is one file of a message as a conversation draws it.
type FileModel struct {
	ID   string // of the place for its picture
	Name string
	Size string
	Here bool   // else it has not arrived
	Save string // where it is handed over
	Show string // where its picture comes from; "" where it has none
}

// FilesOf are the files of an item in a conversation, which has the address at.
func FilesOf(at string, item care.EventID, files []view.File) []FileModel {
	var all []FileModel
	for n, f := range files {
		m := FileModel{ID: fmt.Sprintf("picture-%s-%d", item, n), Name: f.Name, Size: FileSize(f.Size), Here: f.Here, Save: link.File(at, item, n)}
		if f.Picture() {
			m.Show = link.Picture(at, item, n)
		}
		all = append(all, m)
	}
	return all
}

// FileSize is how much a file has, in the unit that a person would name.
func FileSize(bytes int64) string {
	switch {
	case bytes == 1:
		return "1 byte"
	case bytes < 1000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 1_000_000:
		return fmt.Sprintf("%d kB", (bytes+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1_000_000)
}

// SavesFile makes a button hand over a file. What became of it stands in the toast.
func SavesFile(url string) templ.Attributes {
	all := SavesCopy(url)
	delete(all, "data-key") // which is the conversation's
	return all
}

// shows makes a button draw a picture below its file.
func (m FileModel) shows() templ.Attributes {
	return templ.Attributes{"type": "button", "hx-post": m.Show, "hx-target": "#" + m.ID, "hx-swap": "innerHTML"}
}

// drawn is where a picture is, which is in the page itself.
func drawn(url string) templ.Attributes { return templ.Attributes{"src": url} }
