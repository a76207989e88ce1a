package care

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFileName is how many characters the name of a file has at most.
const MaxFileName = 120

// fileEndings are the kinds of files that Postern takes in, and in what their names may end, the usual ending first.
var fileEndings = map[string][]string{
	"application/pdf": {".pdf"},
	"image/gif":       {".gif"},
	"image/heic":      {".heic", ".heif"},
	"image/jpeg":      {".jpg", ".jpeg"},
	"image/png":       {".png"},
	"image/webp":      {".webp"},
	"text/plain":      {".txt", ".csv", ".md"},
}

// FileKind says what a file is by its bytes, whatever it is called and whoever says what it is: one of the kinds that Postern takes in,
// "" for any other. They are what a patient sends to a clinic and what runs nothing by itself where it is opened: pictures, PDF, plain text.
func FileKind(content []byte) string {
	has := func(at int, mark string) bool {
		return len(content) >= at+len(mark) && string(content[at:at+len(mark)]) == mark
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return "image/jpeg"
	case has(0, "\x89PNG\r\n\x1a\n"):
		return "image/png"
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return "image/gif"
	case has(0, "RIFF") && has(8, "WEBP"):
		return "image/webp"
	case has(0, "%PDF-"):
		return "application/pdf"
	case has(4, "ftypheic"), has(4, "ftypheix"), has(4, "ftypheim"), has(4, "ftypheis"), has(4, "ftypmif1"):
		return "image/heic"
	case plainText(content):
		return "text/plain"
	}
	return ""
}

// plainText reports whether a file is text to be read, and no markup, which something might carry out.
func plainText(content []byte) bool {
	text := bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\ufeff")))
	if len(text) == 0 || !utf8.Valid(text) || text[0] == '<' || bytes.HasPrefix(text, []byte(`{\rtf`)) {
		return false
	}
	return !bytes.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f", r) })
}

// FileName makes of what anybody calls a file a name that can be shown and written down: no path, nothing that cannot be seen, nothing
// that a system keeps for itself. It is "" where nothing is left.
func FileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	if device := strings.ToUpper(strings.SplitN(name, ".", 2)[0]); reserved.MatchString(device) {
		name = "_" + name // a name that Windows keeps for itself
	}
	return LimitFileName(name, "")
}

var reserved = regexp.MustCompile(`^(CON|PRN|AUX|NUL|COM\d|LPT\d)$`)

// LimitFileName cuts the middle of a name so that its ending stays; with something before it to tell it apart.
func LimitFileName(name, mark string) string {
	stem, ending := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 12 {
		stem, ending = name[:i], name[i:]
	}
	if runes, most := []rune(stem), MaxFileName-utf8.RuneCountInString(ending)-utf8.RuneCountInString(mark); len(runes) > most {
		stem = string(runes[:most])
	}
	return stem + mark + ending
}

// FileNamed is a file's name with an ending of its kind, so that it is opened as what it is: "x.exe" that is a picture is "x.exe.jpg".
func FileNamed(name, kind string) string {
	endings := fileEndings[kind]
	if name = FileName(name); name == "" {
		name = "file"
	}
	if len(endings) == 0 {
		return name + ".bin"
	}
	if slices.ContainsFunc(endings, func(e string) bool { return len(name) > len(e) && strings.EqualFold(name[len(name)-len(e):], e) }) {
		return name
	}
	return LimitFileName(name+endings[0], "")
}
