package answer

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // the sizes of pictures are read, never the pictures
	_ "image/jpeg"
	_ "image/png"
	"strconv"
	"strings"

	"postern/backend/care"
)

// File is something that came with a reply. Where LeftOut says why, its content is not here.
type File struct {
	Name    string // without path, at most 120 characters, no two alike
	Type    string // as the sender says
	Size    int    // of the content, also of one left out
	Content []byte
	LeftOut string // a sentence for a person
	Why     Why    // and in a word
}

// Why is why a file is left out.
type Why string

// Why a file is left out.
const (
	WhyQuoted Why = "quoted" // it stands only in what was quoted, or in a signature
	WhyLarge  Why = "large"
	WhyMany   Why = "many"
	WhyCut    Why = "cut" // it is no file, but what of the e-mail was not read any more
)

const maxName = care.MaxFileName

// attached gives the files: what was attached and the pictures in the text, but not those that cannot be seen.
func (w *walker) attached(quotedPictures map[string]bool) []File {
	var files []File
	taken := map[string]bool{}
	kept := 0
	for _, f := range w.files {
		if f.inline && pixel(f) {
			continue
		}
		file := File{Name: unique(fileName(f.name, f.kind), taken), Type: fileType(f.kind), Size: len(f.content)}
		switch {
		case f.id != "" && quotedPictures[f.id]:
			file.LeftOut, file.Why = "It stands only in what was quoted or in a signature.", WhyQuoted
		case len(f.content) > MaxFile:
			file.LeftOut, file.Why = fmt.Sprintf("It is larger than %d MB.", MaxFile>>20), WhyLarge
		case kept == MaxFiles:
			file.LeftOut, file.Why = fmt.Sprintf("More than %d files came with this reply.", MaxFiles), WhyMany
		default:
			kept++
			file.Content = f.content
		}
		files = append(files, file)
	}
	if w.long {
		files = append(files, File{Name: unique("more text", taken), Type: "text/plain", LeftOut: "The text of this reply is longer than is read here; its end was left out.", Why: WhyCut})
	}
	if w.overflow {
		files = append(files, File{Name: unique("more", taken), Type: "application/octet-stream", LeftOut: fmt.Sprintf("This reply has more than %d parts.", MaxParts), Why: WhyCut})
	}
	return files
}

// pixel reports whether a picture is there to be fetched and not to be seen.
func pixel(f found) bool {
	if !strings.HasPrefix(f.kind, "image/") {
		return false
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(f.content))
	return err == nil && size.Width <= 2 && size.Height <= 2 || len(f.content) == 0
}

// fileName makes of what a stranger calls a file a name that can be shown and written down.
func fileName(name, kind string) string {
	if name = care.FileName(oneLine(name)); name != "" {
		return name
	}
	name = "file"
	if strings.HasPrefix(kind, "image/") {
		name = "picture"
	}
	return name + endings[kind]
}

func unique(name string, taken map[string]bool) string {
	one := name
	for n := 2; taken[strings.ToLower(one)]; n++ {
		one = care.LimitFileName(name, " "+strconv.Itoa(n))
	}
	taken[strings.ToLower(one)] = true
	return one
}

func fileType(kind string) string {
	if !slashed.MatchString(kind) || len(kind) > 100 {
		return "application/octet-stream"
	}
	return kind
}

var endings = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/heic": ".heic", "image/webp": ".webp", "application/pdf": ".pdf",
	"text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/vcard": ".vcf", "text/x-vcard": ".vcf", "message/rfc822": ".eml",
	"video/mp4": ".mp4", "audio/mpeg": ".mp3",
}
