package care_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"postern/backend/care"
)

// What a file is, its bytes say, and nothing else; what could run or draw a page is none that is taken.
func TestFileKind(t *testing.T) {
	for content, want := range map[string]string{
		"\xff\xd8\xff\xe0\x00\x10JFIF":             "image/jpeg",
		"\x89PNG\r\n\x1a\n\x00\x00":                "image/png",
		"GIF89a\x01\x00":                           "image/gif",
		"RIFF\x00\x00\x00\x00WEBPVP8 ":             "image/webp",
		"RIFF\x00\x00\x00\x00WAVEfmt ":             "",
		"%PDF-1.7\n":                               "application/pdf",
		"\x00\x00\x00\x18ftypheic\x00":             "image/heic",
		"\x00\x00\x00\x18ftypisom\x00":             "",
		"Blood pressure\tmorning\r\n120/80\n":      "text/plain",
		"\ufeffTensión: 120/80":                    "text/plain",
		"MZ\x90\x00\x03":                           "",
		"PK\x03\x04":                               "",
		"\x7fELF":                                  "",
		"  <html><script>alert(1)</script>":        "",
		"\ufeff<svg xmlns='x' onload='alert(1)'/>": "",
		`{\rtf1 x}`:                                "",
		"caf\xe9":                                  "",
		"":                                         "",
		" \n":                                      "",
		"\x00text":                                 "",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old Word": "",
		"#!/bin/sh\nrm -rf /\n":                     "text/plain", // and is called so
		"x%PDF-1.7":                                 "text/plain",
	} {
		if got := care.FileKind([]byte(content)); got != want {
			t.Errorf("%.20q is %q, want %q", content, got, want)
		}
	}
}

// A name leads nowhere, hides nothing, and ends in what the file is.
func TestFileNamed(t *testing.T) {
	for _, c := range []struct{ name, kind, want string }{
		{"rash.jpg", "image/jpeg", "rash.jpg"},
		{"RASH.JPEG", "image/jpeg", "RASH.JPEG"},
		{"rash.jpg.exe", "image/jpeg", "rash.jpg.exe.jpg"},
		{"invoice.html", "text/plain", "invoice.html.txt"},
		{"run.sh", "text/plain", "run.sh.txt"},
		{"values.csv", "text/plain", "values.csv"},
		{"../../etc/passwd", "text/plain", "passwd.txt"},
		{`C:\Users\maria\letter.pdf`, "application/pdf", "letter.pdf"},
		{"gpj.\u202eexe.pdf", "application/pdf", "gpj.exe.pdf"},
		{"a<b>:c?.png", "image/png", "a_b__c_.png"},
		{"con.pdf", "application/pdf", "_con.pdf"},
		{".pdf", "application/pdf", "pdf.pdf"},
		{"...", "image/png", "file.png"},
		{"\x00\n", "image/png", "file.png"},
		{"x", "application/zip", "x.bin"},
	} {
		if got := care.FileNamed(c.name, c.kind); got != c.want {
			t.Errorf("%q of %s is %q, want %q", c.name, c.kind, got, c.want)
		}
	}
	for _, name := range []string{strings.Repeat("é", 300), strings.Repeat("é", 300) + ".png", strings.Repeat("x", 118) + ".p"} {
		if got := care.FileNamed(name, "image/png"); utf8.RuneCountInString(got) > care.MaxFileName || !strings.HasSuffix(got, ".png") {
			t.Errorf("%.20q… is %d characters, and ends in %q", name, utf8.RuneCountInString(got), got[len(got)-6:])
		}
	}
}

func FuzzFileNamed(f *testing.F) {
	f.Add("../a\x00.exe", []byte("%PDF-"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		got := care.FileNamed(name, care.FileKind(content))
		if got == "" || utf8.RuneCountInString(got) > care.MaxFileName+4 || strings.ContainsAny(got, "/\\\x00\n\"<>") || !utf8.ValidString(got) {
			t.Errorf("%q", got)
		}
	})
}
