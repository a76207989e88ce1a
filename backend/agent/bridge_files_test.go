package agent

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"postern/backend/care/event"
	"postern/backend/post/fetch"
	"postern/backend/record/recordtest"
)

// withFiles is a mail with files: each is its name, the type that its sender says, and its content.
func withFiles(from, to, text string, files ...[3]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\nFrom: Maria <%s>\nTo: <%s>\nSubject: Re: Something new\nDate: Mon, 23 Nov 2026 10:00:00 -0600\nMessage-ID: <files-%d@example.org>\n", from, from, to, len(files))
	b.WriteString("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"--part\"\n\n----part\nContent-Type: text/plain; charset=utf-8\n\n" + text + "\n")
	for _, f := range files {
		fmt.Fprintf(&b, "----part\nContent-Type: %s; name=%q\nContent-Disposition: attachment; filename=%q\nContent-Transfer-Encoding: base64\n\n", f[1], f[0], f[0])
		for raw := base64.StdEncoding.EncodeToString([]byte(f[2])); raw != ""; raw = raw[min(len(raw), 76):] {
			b.WriteString(raw[:min(len(raw), 76)] + "\n")
		}
	}
	return b.String() + "----part--\n"
}

// content is a file of a reply as it is kept here.
func (p *post) content(f event.File) string {
	p.t.Helper()
	var pieces [][]byte
	p.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range f.IDs() {
			piece, here, err := p.r.Journal.Piece(ctx, tx, id)
			if err != nil || !here {
				p.t.Errorf("a piece of %s is not here: %v", f.Name, err)
			}
			pieces = append(pieces, piece)
		}
		return nil
	})
	whole, ok := f.Whole(pieces)
	if !ok {
		p.t.Errorf("%s is not whole", f.Name)
	}
	return string(whole)
}

// What came with an answer comes with it, as what its bytes say that it is; what is not taken in is named, with why.
func TestBridgeBringsFiles(t *testing.T) {
	photo := "\xff\xd8\xff\xe0" + strings.Repeat("a rash ", 600_000) // in three pieces
	p := notified(t, true)
	mail := withFiles("maria@example.org", p.to(), "This is how it looks.",
		[3]string{"IMG_2041.JPG", "image/jpeg", photo},
		[3]string{"../../referral.pdf", "application/octet-stream", "%PDF-1.7 x"},
		[3]string{"invoice.pdf", "application/pdf", "MZ\x90\x00 not a PDF"},
		[3]string{"page.html", "text/html", "<html><script>alert(1)</script></html>"},
		[3]string{"rash.exe", "application/x-msdownload", "\x89PNG\r\n\x1a\n, by its bytes a picture"},
		[3]string{"empty.txt", "text/plain", ""})
	if became := p.brings(mail); became != becameReply {
		t.Fatalf("it became %q", became)
	}
	p.brings(mail)
	b := p.part().Bridged
	if len(b) != 1 || b[0].Text != "This is how it looks." || len(b[0].Files) != 3 {
		t.Fatalf("%+v", b)
	}
	for i, want := range []struct{ name, kind, content string }{{"IMG_2041.JPG", "image/jpeg", photo}, {"referral.pdf", "application/pdf", "%PDF-1.7 x"},
		{"rash.exe.png", "image/png", "\x89PNG\r\n\x1a\n, by its bytes a picture"}} {
		if f := b[0].Files[i]; f.Name != want.name || f.Type != want.kind || p.content(f) != want.content {
			t.Errorf("file %d is %s, %s, %d bytes", i, f.Name, f.Type, f.Size)
		}
	}
	if left := fmt.Sprint(b[0].Left); left != "[{invoice.pdf kind} {page.html kind} {empty.txt empty}]" {
		t.Errorf("left behind: %s", left)
	}
	p.r.Read(func(ctx context.Context, tx *sql.Tx) error {
		letters, err := p.r.Outbox.Open(ctx, tx)
		if len(letters) != 6 || letters[0].Event != b[0].ID { // the event, and its pieces behind it
			t.Errorf("%d letters go out", len(letters))
		}
		for _, l := range letters {
			if l.Mailbox != recordtest.LeeBox {
				t.Errorf("a letter goes to %s", l.Mailbox)
			}
		}
		return err
	})
}

// A photo alone is an answer.
func TestBridgeBringsAPhotoAlone(t *testing.T) {
	p := notified(t, true)
	if became := p.brings(withFiles("maria@example.org", p.to(), "", [3]string{"a.jpg", "image/jpeg", "\xff\xd8\xff a"})); became != becameReply {
		t.Fatalf("it became %q", became)
	}
	if b := p.part().Bridged; len(b) != 1 || b[0].Text != "" || len(b[0].Files) != 1 {
		t.Errorf("%+v", b)
	}
}

// Of hundreds of files some come in, and the others are named or counted; the event holds what it may.
func TestBridgeBringsNotTooManyFiles(t *testing.T) {
	p := notified(t, true)
	var files [][3]string
	for i := range 90 {
		files = append(files, [3]string{fmt.Sprintf("%s%d.jpg", strings.Repeat("漢", 100), i), "image/jpeg", fmt.Sprint("\xff\xd8\xff", i)})
	}
	if became := p.brings(withFiles("maria@example.org", p.to(), strings.Repeat("\U0001F600", 12000), files...)); became != becameReply {
		t.Fatalf("it became %q", became)
	}
	b := p.part().Bridged[0]
	if len(b.Files) != event.MaxFiles || len(b.Left) != event.MaxLeft || b.Left[event.MaxLeft-1].Name != "39 more files" || b.Left[0].Why != event.LeftMany {
		t.Errorf("%d files, %d left, the last is %+v", len(b.Files), len(b.Left), b.Left[len(b.Left)-1])
	}
}

// An e-mail that is too large to be fetched does not vanish: its header says what it answers, and it stands there without its words. One that
// answers nothing is told where to write, with the care that is taken of any other.
func TestBridgeTooLarge(t *testing.T) {
	p := notified(t, true)
	mail := withFiles("maria@example.org", p.to(), "x")
	for i, want := range []string{becameReply, becameAgain} {
		if became := p.bringsHuge(mail); became != want {
			t.Errorf("time %d it became %q", i, became)
		}
	}
	b := p.part().Bridged
	if len(b) != 1 || b[0].Large != 9<<20 || b[0].Text != "" || !b[0].Known || b[0].From != "maria@example.org" || len(b[0].Files)+len(b[0].Left) != 0 {
		t.Errorf("%+v", b)
	}
	if out := p.goesOut(); len(out) != 0 {
		t.Errorf("%d mails go out", len(out))
	}

	for name, c := range map[string]struct {
		replies  bool
		from, to string
		more     string
		want     string
	}{
		"no answers taken": {false, "maria@example.org", "", "", becameAnswer},
		"a stranger":       {true, "thief@example.net", "care@clinic.example", "", becameLarge},
		"a program":        {true, "maria@example.org", "", "Auto-Submitted: auto-replied\n", becameNothing},
		"a subject":        {true, "maria@example.org", "", "X-Was-Subject: x\n", becameReply},
	} {
		p := notified(t, c.replies)
		to := c.to
		if to == "" {
			to = p.to()
		}
		mail := c.more + withFiles(c.from, to, "x")
		if name == "a subject" { // what it says nobody knows: one word above it ends nothing
			mail = strings.Replace(mail, "Subject: Re: Something new", "Subject: STOP", 1)
		}
		if became := p.bringsHuge(mail); became != c.want {
			t.Errorf("%s: it became %q", name, became)
		}
		if out := p.goesOut(); (len(out) == 1) != (c.want == becameAnswer) {
			t.Errorf("%s: %d mails go out", name, len(out))
		}
	}
	p = notified(t, true)
	p.uid++
	if became := p.takes(fetch.Letter{Size: 9 << 20}); became != becameLarge {
		t.Errorf("without its header it became %q", became)
	}
}
