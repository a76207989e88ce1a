package gateway

import (
	"bufio"
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// What is asked of a letter may go so deep and be so much. The library's own functions know no bounds, and letters come
// from strangers.
const (
	deepestPart = 20
	mostParts   = 50 // multiparts and letters in letters
	mostAsked   = 50 // items in one FETCH
	mostFields  = 100
)

// asked is what a FETCH asks of one letter, ready to be written.
type asked struct {
	envelope    *imap.Envelope
	structure   imap.BodyStructure
	sections    [][]byte // nil: the letter itself
	sizes       []int64
	binaries    [][]byte
	binarySizes [][]byte
}

func checkFetch(o *imap.FetchOptions) error {
	n := len(o.BodySection) + len(o.BinarySection) + len(o.BinarySectionSize)
	for _, b := range o.BodySection {
		n += (len(b.HeaderFields) + len(b.HeaderFieldsNot)) / mostFields
		if p := b.Partial; p != nil && p.Offset >= 1<<32 {
			return errAsked // the answer could not say so
		}
	}
	if n > mostAsked {
		return errAsked
	}
	return nil
}

var errAsked = &imap.Error{Type: imap.StatusResponseTypeBad, Code: imap.ResponseCodeClientBug, Text: "Too much is asked at once"}

// needsWhole reports whether a letter is needed in memory as a whole.
func needsWhole(o *imap.FetchOptions) bool {
	return o.BodyStructure != nil || len(o.BinarySection) > 0 || len(o.BinarySectionSize) > 0 ||
		slices.ContainsFunc(o.BodySection, func(b *imap.FetchItemBodySection) bool {
			return len(b.Part) > 0 || b.Specifier == imap.PartSpecifierText
		})
}

// once remembers what a function gave the first time.
func once(f func() ([]byte, error)) func() ([]byte, error) {
	var b []byte
	var err error
	asked := false
	return func() ([]byte, error) {
		if !asked {
			b, err = f()
			asked = true
		}
		return b, err
	}
}

// ready gathers what is asked of a letter.
func (a *asked) ready(l *read, o *imap.FetchOptions, whole func() ([]byte, error)) error {
	if o.Envelope {
		head, err := header(l, whole)
		if err != nil {
			return err
		}
		h, _ := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(head))) // what cannot be read of it is not told
		a.envelope = imapserver.ExtractEnvelope(h)
	}
	if o.BodyStructure != nil {
		b, err := whole()
		if err != nil {
			return err
		}
		a.structure = structure(b)
	}
	for _, item := range o.BodySection {
		b, err := section(l, item, whole)
		if err != nil {
			return err
		}
		a.sections = append(a.sections, b)
		if b == nil {
			a.sizes = append(a.sizes, l.size)
		} else {
			a.sizes = append(a.sizes, int64(len(b)))
		}
	}
	for _, item := range o.BinarySection {
		b, err := binary(item.Part, whole)
		if err != nil {
			return err
		}
		a.binaries = append(a.binaries, b)
	}
	for _, item := range o.BinarySectionSize {
		b, err := binary(item.Part, whole)
		if err != nil {
			return err
		}
		a.binarySizes = append(a.binarySizes, b)
	}
	return nil
}

// section gives what is asked, or nil for the letter itself. What there is not is empty.
func section(l *read, item *imap.FetchItemBodySection, whole func() ([]byte, error)) ([]byte, error) {
	switch {
	case len(item.Part) == 0 && item.Specifier == imap.PartSpecifierNone:
		return nil, nil
	case len(item.Part) == 0 && item.Specifier == imap.PartSpecifierHeader:
		head, err := header(l, whole)
		if err != nil {
			return nil, err
		}
		return append([]byte{}, fields(head, item.HeaderFields, item.HeaderFieldsNot)...), nil
	case len(item.Part) == 0 && item.Specifier == imap.PartSpecifierText:
		b, err := whole()
		if err != nil {
			return nil, err
		}
		return append([]byte{}, b[headerEnd(b):]...), nil
	}
	b, err := whole()
	if err != nil || !moderate(b, item.Part) {
		return []byte{}, err
	}
	part := *item
	part.Partial = nil // the library reckons with numbers that overflow
	return append([]byte{}, imapserver.ExtractBodySection(bytes.NewReader(b), &part)...), nil
}

func binary(part []int, whole func() ([]byte, error)) ([]byte, error) {
	b, err := whole()
	if err != nil || !moderate(b, part) {
		return []byte{}, err
	}
	return append([]byte{}, imapserver.ExtractBinarySection(bytes.NewReader(b), &imap.FetchItemBinarySection{Part: part})...), nil
}

// header gives a letter's header with the empty line that ends it.
func header(l *read, whole func() ([]byte, error)) ([]byte, error) {
	b := l.first
	end := headerEnd(b)
	if end == len(b) && int64(len(b)) < l.size {
		var err error
		if b, err = whole(); err != nil {
			return nil, err
		}
		end = headerEnd(b)
	}
	return b[:end], nil
}

// headerEnd is where the body begins: after the first empty line, or at the end where there is none.
func headerEnd(b []byte) int {
	for at := 0; at < len(b); {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return len(b)
		}
		line := b[at : at+n]
		at += n + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return at
		}
	}
	return len(b)
}

// fields gives the fields of a header that are named, or those that are not, and an empty line. With no names it is the
// header itself.
func fields(head []byte, only, not []string) []byte {
	if len(only) == 0 && len(not) == 0 {
		return head
	}
	var out []byte
	keep := false
	for line := range bytes.Lines(head) {
		if bare := bytes.TrimRight(line, "\r\n"); len(bare) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			is := func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(string(name))) }
			if len(only) > 0 {
				keep = slices.ContainsFunc(only, is)
			} else {
				keep = !slices.ContainsFunc(not, is)
			}
		}
		if keep {
			out = append(out, line...)
		}
	}
	return append(out, "\r\n"...)
}

// moderate reports whether the library may take a letter apart: it is not too deep for it, nor is what is asked.
func moderate(b []byte, part []int) bool {
	if len(part) > deepestPart {
		return false
	}
	lower := bytes.ToLower(b)
	return bytes.Count(lower, []byte("multipart/"))+bytes.Count(lower, []byte("message/rfc822"))+bytes.Count(lower, []byte("message/global")) <= mostParts
}

// structure gives a letter's structure; one that goes too deep, or holds no part where it says so, is told as bytes.
func structure(b []byte) imap.BodyStructure {
	if moderate(b, nil) {
		if s := imapserver.ExtractBodyStructure(bytes.NewReader(b)); sound(s) {
			return s
		}
	}
	return &imap.BodyStructureSinglePart{Type: "application", Subtype: "octet-stream", Encoding: "8bit",
		Size: uint32(len(b) - headerEnd(b)), Extended: &imap.BodyStructureSinglePartExt{}}
}

// sound reports whether the library can write a structure: it ends the connection over a multipart without parts.
func sound(s imap.BodyStructure) bool {
	switch s := s.(type) {
	case *imap.BodyStructureMultiPart:
		return len(s.Children) > 0 && s.Extended != nil && !slices.ContainsFunc(s.Children, func(c imap.BodyStructure) bool { return !sound(c) })
	case *imap.BodyStructureSinglePart:
		return s.Extended != nil && (s.MessageRFC822 == nil || sound(s.MessageRFC822.BodyStructure))
	}
	return false
}
