// Package letter turns sealed bytes into a mail message and back. What it writes says nothing but two random addresses
// and a time; what it reads may have been rewrapped, recoded and added to on the way, as mail systems do. It knows
// nothing of seals: four bytes tell a letter from other mail.
package letter

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"

	"postern/backend/care"
)

// Max is the largest message that Read takes apart. A letter of a piece of a file is below 3 MiB.
const Max = 8 << 20

// magic begins every letter.
var magic = []byte("PSTN")

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Header is what stands outside the seal.
type Header struct {
	From   string    // the login's own address
	To     string    // the one mailbox
	Date   time.Time // written in UTC
	Domain string    // of the Message-ID; the practice's own
}

// Write gives the mail message, with CRLF line ends, that carries payload. The same header and payload give the same
// bytes. It refuses, as a defect of the caller, a payload that is no letter and a header that would break the message.
func Write(h Header, payload []byte) ([]byte, error) {
	if !bytes.HasPrefix(payload, magic) {
		return nil, care.Refusef(care.Internal, "what is to be mailed is not a letter")
	}
	for _, field := range []string{h.From, h.To, h.Domain} {
		if !plain(field) {
			return nil, care.Refusef(care.Internal, "a letter cannot be addressed with %q", field)
		}
	}
	var header message.Header
	for _, f := range slices.Backward([][2]string{ // a header grows from below
		{"From", "<" + h.From + ">"},
		{"To", "<" + h.To + ">"},
		{"Date", h.Date.UTC().Format(time.RFC1123Z)},
		{"Message-ID", "<" + Envelope(payload) + "@" + h.Domain + ">"},
		{"Subject", "Postern"},
		{"MIME-Version", "1.0"},
		{"Auto-Submitted", "auto-generated"},
		{"Content-Type", "application/octet-stream"},
		{"Content-Transfer-Encoding", "base64"},
	}) {
		header.Set(f[0], f[1])
	}
	var out bytes.Buffer
	out.Grow(len(payload)*11/8 + 1024)
	w, err := message.CreateWriter(&out, header)
	if err != nil {
		return nil, care.Because(care.Internal, err, "a letter could not be written")
	}
	if _, err := w.Write(payload); err != nil {
		return nil, care.Because(care.Internal, err, "a letter could not be written")
	}
	if err := w.Close(); err != nil {
		return nil, care.Because(care.Internal, err, "a letter could not be written")
	}
	out.WriteString("\r\n")
	return out.Bytes(), nil
}

// Domain is what follows the @ of an address.
func Domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Envelope names a letter to the mail system: in its Message-ID, and in the notices that come back about its delivery.
// It follows from the letter's bytes and says nothing of what is in them.
func Envelope(payload []byte) string {
	hash := sha256.Sum256(payload)
	return alphabet.EncodeToString(hash[:20])
}

// plain reports whether s can stand in a header without quoting.
func plain(s string) bool {
	return s != "" && len(s) <= 320 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>,;:()"\`, r) }) < 0
}
