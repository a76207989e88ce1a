package event

import (
	"crypto/sha256"
	"slices"
	"unicode/utf8"

	"postern/backend/care"
)

// PieceSize is how large the pieces of a file are, in bytes; the last one is what is left.
const PieceSize = 2 << 20

// What the files of one event may be, so that a letter of one KiB cannot make its readers keep gigabytes.
const (
	MaxFiles     = 20
	MaxFile      = 10 << 20 // bytes of one
	MaxFileBytes = 25 << 20 // of all

	MaxLeft = 32 // files that a bridged reply names and does not bring
)

// File is one attachment: its bytes travel as blobs. Hashes are spelt as ids are, in 52 characters.
type File struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Pieces []string `json:"pieces"`
}

// NewFile says of a file what an event says of it, and gives its pieces. One without bytes has none, and no event names it.
func NewFile(name, kind string, content []byte) (File, [][]byte) {
	f := File{Name: name, Type: kind, Size: int64(len(content)), SHA256: hashOf(content).String()}
	pieces := slices.Collect(slices.Chunk(content, PieceSize))
	for _, p := range pieces {
		f.Pieces = append(f.Pieces, hashOf(p).String())
	}
	return f, pieces
}

// PieceID names a piece: it is the hash of its bytes.
func PieceID(piece []byte) care.EventID { return hashOf(piece) }

func hashOf(content []byte) care.EventID { return sha256.Sum256(content) }

// IDs are the names of a file's pieces, in their order.
func (f File) IDs() []care.EventID {
	ids := make([]care.EventID, 0, len(f.Pieces))
	for _, p := range f.Pieces {
		id, err := care.ParseEventID(p)
		if err != nil {
			return nil // none that was decoded
		}
		ids = append(ids, id)
	}
	return ids
}

// Whole puts a file together from its pieces, and reports whether it is the one that was meant.
func (f File) Whole(pieces [][]byte) ([]byte, bool) {
	content := slices.Concat(pieces...)
	return content, int64(len(content)) == f.Size && hashOf(content).String() == f.SHA256
}

// Files are those that an event carries. Of one that carries more than may be, or whose pieces cannot be what it says, they are only
// named: none of them is kept.
func (e *Event) Files() []File {
	switch b := e.Body.(type) {
	case SentBody:
		if checkAmount(b.Files) == nil {
			return b.Files
		}
	case BridgedBody:
		return b.Files
	case AcceptedBody:
		return b.Files
	}
	return nil
}

// Pieces names the pieces of the files that an event carries, each once.
func (e *Event) Pieces() (ids []care.EventID) {
	for _, f := range e.Files() {
		ids = append(ids, f.IDs()...)
	}
	return care.SortEventIDs(ids)
}

// checkFiles checks what is said of files.
func checkFiles(files []File) error {
	for _, f := range files {
		if f.Name == "" || f.Size < 0 || len(f.Pieces) == 0 {
			return refuse("has a file without name, size or pieces")
		}
		for _, hash := range append([]string{f.SHA256}, f.Pieces...) {
			if _, err := care.ParseEventID(hash); err != nil {
				return refuse("has a file whose hash is not 52 characters of base32")
			}
		}
	}
	return nil
}

// checkAmount checks how many files there are, and how large.
func checkAmount(files []File) error {
	if len(files) > MaxFiles {
		return refuse("has %d files", len(files))
	}
	all := int64(0)
	for _, f := range files {
		switch all += f.Size; {
		case f.Size < 1 || f.Size > MaxFile || all > MaxFileBytes:
			return refuse("has files that are too large, or one without bytes")
		case int64(len(f.Pieces)) != (f.Size+PieceSize-1)/PieceSize:
			return refuse("has a file of another size than its pieces")
		case utf8.RuneCountInString(f.Name) > maxName || len(f.Type) > maxName:
			return refuse("has a file whose name or type is too long")
		}
	}
	return nil
}

// checkCame checks the files of what came by ordinary e-mail.
func checkCame(files []File) error {
	if err := checkFiles(files); err != nil {
		return err
	}
	return checkAmount(files)
}
