package answer

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/record/recordtest"
)

const top = "From: Maria Soto <maria.soto@mail.example>\r\nTo: reply+k7m2qx4t@clinic.example\r\nSubject: Re: A message\r\nMIME-Version: 1.0\r\n"

func letter(kind, body string) []byte {
	return []byte(top + "Content-Type: " + kind + "\r\n\r\n" + body)
}

func mustRead(t *testing.T, raw []byte, known Known) Reply {
	t.Helper()
	r, err := read(raw, known)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, r)
	return r
}

// TestNothingTypedIsLost puts a sentence wherever a person may type in a message that quotes, and looks for it.
func TestNothingTypedIsLost(t *testing.T) {
	const said = "The third tooth hurts when I drink."
	intro := "On Mon, Nov 23, 2026 at 9:12 AM Dr. Lee's office <reply+k7m2qx4t@clinic.example> wrote:\n"
	block := "From: Dr. Lee's office <reply+k7m2qx4t@clinic.example>\nSent: Monday, November 23, 2026 9:12 AM\nTo: Maria Soto\nSubject: A message\n\n"
	for name, body := range map[string]string{
		"below a marked quote":             intro + "> Hello,\n> There is news.\n\n" + said,
		"directly below it":                intro + "> Hello,\n> There is news.\n" + said,
		"between quoted lines":             intro + "> Hello,\n" + said + "\n> There is news.\n",
		"below with words above":           "Hi\n\n" + intro + "> Hello,\n> There is news.\n\n" + said,
		"below a quote without marks":      block + "Hello,\n\nThere is news.\n\n" + said,
		"below the known notice":           "Hi\n\n" + block + strings.Join(ours, "\n\n") + "\n\n" + said,
		"between the known notice's lines": "Hi\n\n" + block + ours[0] + "\n\n" + said + "\n\n" + strings.Join(ours[1:], "\n\n"),
		"announced, below a block":         "My answers are below in blue.\n\n" + block + "Hello,\n\nThere is news.\n\n" + said,
		"announced in Spanish":             "Le respondo abajo.\n\n" + block + "Hello,\n\n" + said,
		"above a signature":                said + "\n\n-- \nMaria\n\n" + intro + "> Hello,\n",
		"below a signature and a quote":    "Hi\n\n-- \nMaria\n\n" + intro + "> Hello,\n\n" + said,
		"in what looks like a signature":   "-- \n" + said + "\n\n" + intro + "> Hello,\n",
		"under two dashes, at length":      "Hi\n\n--\n" + strings.Repeat("A line of my long story.\n", 20) + said,
		"beside a device's line":           said + "\nSent from my iPhone",
		"that begins as a device's line":   "Sent from my pharmacy, two boxes came.\n" + said,
		"that begins as an attribution":    "On Monday I was at the dentist.\nOn Tuesday, too.\n" + said + "\n\n" + intro + "> Hello,\n",
		"after somebody else's words":      "On 11/20/2026 at 9:30 she wrote:\n" + said,
		"after a list with keys":           "From: my house\nTo: the hospital\nSubject to traffic it takes an hour.\n" + said,
		"with marks":                       "> " + said,
		"about confidentiality":            "This e-mail is hard for me to write.\n" + said,
		"in a forwarded message":           "See this.\n\n---------- Forwarded message ---------\nFrom: A <a@b.example>\nDate: Mon, Nov 23, 2026\nSubject: X\nTo: me\n\n" + said,
		"where only a quote would be left": intro + "> " + said,
		"typed into marked lines":          intro + "> " + strings.Join(ours[:2], "\n>\n> ") + "\n> " + said + "\n> " + strings.Join(ours[2:5], "\n>\n> "),
		"typed into them, words above":     "Hi\n\n" + intro + "> " + strings.Join(ours[:5], "\n>\n> ") + "\n> " + said,
		"a postscript below a signature":   "Hi\n\n-- \nMaria\nP.S. " + said + "\n\n" + intro + "> Hello,\n",
		"below dashes drawn by hand":       "Hi\n--\n" + said + "\n--\nMaria",
		"below a block, under a signature": "-- \nMaria\n\n" + block + "Hello,\n\n" + said,
		"after her words, and more above":  "Hi\n\nOn 11/20/2026 at 9:30 she wrote:\n" + said,
		"a list with marks":                "> one\n> two\n> three\n> " + said,
		"about secrets":                    "Hi\n\nThis e-mail is confidential: please do not disclose it to my son, and delete the attachments that I sent in error. " + said,
		"where an attribution was left":    "Hi\n\n" + intro + "\n" + said + "\n\n> Hello,\n",
		"a short word beside the notice":   "911\n\n" + said + "\n\n" + ours[1] + "\n\n" + ours[2],
		"mangled by an mbox":               intro + "> Hello,\n\n>From Monday on: " + said,
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, letter("text/plain; charset=utf-8", strings.ReplaceAll(body, "\n", "\r\n")), Known{Ours: ours})
			if !strings.Contains(string(r.Text), said) {
				t.Errorf("read only:\n%s\n\nof:\n%s", r.Text, r.Whole)
			}
		})
	}
}

// TestNothingTypedIsLostInHTML does so in the markup of clients.
func TestNothingTypedIsLostInHTML(t *testing.T) {
	const said = "The third tooth hurts when I drink."
	for name, body := range map[string]string{
		"below Gmail's quote":            `<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 23, 2026 X wrote:</div><blockquote class="gmail_quote">Hello</blockquote></div><div>` + said + `</div>`,
		"inside Gmail's container":       `<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 23, 2026 X wrote:</div><blockquote class="gmail_quote">Hello</blockquote><div>` + said + `</div></div>`,
		"below Yahoo's container":        `<div class="yahoo_quoted">On Mon X wrote: Hello</div><div>` + said + `</div>`,
		"in the signature's place":       `<div class="gmail_signature">` + said + `</div><div class="gmail_quote"><blockquote class="gmail_quote">Hello</blockquote></div>`,
		"in the signature, words above":  `<div>Hi</div><div id="Signature"><div>Maria Soto</div><div>` + said + `</div></div><div id="appendonsend"></div><div id="divRplyFwdMsg">From: a</div>`,
		"below an emptied quote":         `<div>Hi</div><div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 23, 2026 at 9:12 X &lt;x@y.example&gt; wrote:</div></div><div>` + said + `</div>`,
		"in an indentation":              `<blockquote style="margin:0 0 0 40px">` + said + `</blockquote>`,
		"with white letters":             `<p style="color:white">` + said + `</p>`,
		"with white letters on black":    `<div style="background-color:#000"><p>Hi</p><p style="color:#fff">` + said + `</p></div>`,
		"in a table":                     `<table><tr><td>Hi</td></tr><tr><td>` + said + `</td></tr></table>`,
		"in deep markup":                 strings.Repeat("<div>", 5000) + said,
		"after tags that close nothing":  strings.Repeat("</div></span>", 500) + `<p>` + said,
		"after an open hidden paragraph": `<p style="display:none">x<p>` + said,
		"after an open head":             `<head><title>x</title><body>` + said,
		"in an unclosed tag's shadow":    `<b<p>` + said + ` </p>`,
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRead(t, letter("text/html; charset=utf-8", body), Known{})
			if !strings.Contains(string(r.Text), said) {
				t.Errorf("read only:\n%s\n\nof:\n%s", r.Text, r.Whole)
			}
		})
	}
}

// TestStranger reads what no client makes. It ends soon, with what was legible or a refusal.
func TestStranger(t *testing.T) {
	nested := "Content-Type: text/plain\r\n\r\ndeep\r\n"
	for i := range 60 {
		nested = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n", i, i, nested, i)
	}
	many := "--x\r\n" + strings.Repeat("Content-Type: application/pdf; name=a.pdf\r\n\r\nx\r\n--x\r\n", 3000)
	for name, raw := range map[string][]byte{
		"nothing":                    nil,
		"no header":                  []byte("just words"),
		"nested":                     []byte(top + nested),
		"thousands of parts":         letter("multipart/mixed; boundary=x", many),
		"a boundary that is nowhere": letter("multipart/mixed; boundary=nowhere", "words\r\n"),
		"one long line":              letter("text/plain", strings.Repeat("x", 1<<20)),
		"empty lines":                letter("text/plain", strings.Repeat("\n", 1<<20)),
		"quoted empty lines":         letter("text/plain", strings.Repeat(">\n\n>>\n", 1<<18)),
		"rules":                      letter("text/plain", strings.Repeat("-----\na\n", 1<<18)),
		"signatures":                 letter("text/plain", strings.Repeat("-- \na\n", 1<<18)),
		"keys":                       letter("text/plain", strings.Repeat("From: a\n", 1<<18)),
		"attributions":               letter("text/plain", strings.Repeat("On 1 wrote\n", 1<<17)),
		"open tags":                  letter("text/html", strings.Repeat("<div><span>", 1<<17)),
		"open quotes":                letter("text/html", strings.Repeat("<blockquote type=cite><br>", 1<<16)+"x"),
		"closed tags":                letter("text/html", strings.Repeat("<div>", 1000)+strings.Repeat("</b>", 1<<18)),
		"one long tag":               letter("text/html", "<a "+strings.Repeat("a=b ", 1<<18)),
		"links":                      letter("text/html", strings.Repeat(`<a href="http://a.example/">b</a>`, 1<<18)),
		"a long header":              []byte("From: a@b.example\r\nX: " + strings.Repeat("\r\n y", 1<<18) + "\r\n\r\nwords"),
		"many fields":                []byte(strings.Repeat("To: a@b.example, c@d.example\r\n", 20000) + "\r\nwords"),
		"comments in addresses":      []byte("To: " + strings.Repeat("(", 1<<20) + "\r\n\r\nwords"),
		"signed a thousand times":    []byte(strings.Repeat("DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=; b=\r\n", 1000) + top + "\r\nwords"),
		"signs everything":           []byte("DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; bh=; b=; h=" + strings.Repeat("a:", 1<<20) + "from\r\n" + top + "\r\nwords"),
		"folded signature":           []byte("DKIM-Signature: v=1;" + strings.Repeat("\r\n ", 1<<18) + "\r\n" + top + "\r\nwords"),
		"results of everybody":       []byte("Authentication-Results: mx.clinic.example" + strings.Repeat("; spf=pass", 1<<18) + "\r\n" + top + "\r\nwords"),
		"letters that combine":       letter("text/plain; charset=utf-8", "a"+strings.Repeat("\u0301\u0323", 1<<20)),
		"flowed for ever":            letter("text/plain; format=flowed", strings.Repeat("a \n", 1<<18)),
		"rules in a style":           letter("text/html", `<p style="`+strings.Repeat("width:0;", 1<<19)+`">words`),
		"quotes after a wide line":   letter("text/html", strings.Repeat("\u00a0", 1<<19)+"x<br>"+strings.Repeat("<blockquote>", 1<<18)+"y"),
		"nearly devices":             letter("text/plain", strings.Repeat("Sent from my iPhone and my Galaxy Note pro plus by Verizon 4G wireless x\n", 1<<17/slow)),
		"nearly attributions":        letter("text/plain", strings.Repeat("On Mon, Nov 23, 2026 at 9:12 AM Maria Soto <maria.soto@mail.example> on her phone writes:\n", 1<<16/slow)),
		"nearly disclaimers":         letter("text/plain", strings.Repeat("Sent from my iPhone\nDisclaimer: this e-mail says things, and more things, and other things, and nothing\n", 1<<15/slow)),
		"disclaimers":                letter("text/plain", strings.Repeat("This e-mail is confidential and intended only for the addressee.\n", 1<<17/slow)),
		"parts of such":              letter("multipart/mixed; boundary=x", strings.Repeat("--x\r\nContent-Type: text/plain\r\n\r\n"+strings.Repeat("On Mon, Nov 23, 2026 at 9:12 AM Maria Soto <maria.soto@mail.example> on her phone writes:\n", 1<<6)+"\r\n", 300/slow)),
		"no addresses":               []byte(strings.Repeat("To: "+strings.Repeat("a", 30<<10)+"\r\n", 30) + "Cc: " + strings.Repeat("a b@c ", 5<<10) + "\r\n\r\nwords"),
	} {
		t.Run(name, func(t *testing.T) {
			began := recordtest.CPU()
			known := Known{Ours: ours, Trust: Trust{ID: "mx.clinic.example"}, LookupTXT: func(string) ([]string, error) { return []string{"v=DKIM1; p="}, nil }}
			r, err := read(raw, known)
			if err != nil && care.KindOf(err) != care.Invalid {
				t.Errorf("refused with %v", err)
			}
			if err == nil {
				holds(t, r)
			}
			if took := recordtest.CPU() - began; took > time.Minute { // also under the race detector, where a defect takes many
				t.Errorf("took %v", took)
			} else if took > time.Second {
				t.Logf("took %v", took)
			}
		})
	}
}

// TestRefused says in plain words why nothing was read.
func TestRefused(t *testing.T) {
	for want, raw := range map[string][]byte{
		"This reply is larger than 25 MB and was not read.": make([]byte, MaxMessage+1),
		"This reply has no text and no files.":              letter("text/plain", "\r\n \r\n"),
		"This reply is encrypted and cannot be read here.":  letter("multipart/encrypted; boundary=x; protocol=\"application/pgp-encrypted\"", "--x\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--x--\r\n"),
	} {
		if _, err := Read(raw, Known{}); care.SentenceOf(err) != want || care.KindOf(err) != care.Invalid {
			t.Errorf("said %v, not %q", err, want)
		}
	}
}

// TestLongWordsAreCut keeps to what a message of the clinic may have, and says that it is not all.
func TestLongWordsAreCut(t *testing.T) {
	r := mustRead(t, letter("text/plain; charset=utf-8", strings.Repeat("ñandú ", 5000)), Known{})
	if n := len([]rune(string(r.Text))); !r.Cut || n > care.MaxText || n < care.MaxText-10 {
		t.Errorf("%d characters, cut %v", n, r.Cut)
	}
	if n := len([]rune(string(r.Whole))); n < 29000 {
		t.Errorf("the whole has %d characters", n)
	}
}

// TestWhatCannotBeSeen is left out, and what two ways of writing have in common is written one way.
func TestWhatCannotBeSeen(t *testing.T) {
	r := mustRead(t, letter("text/plain; charset=utf-8", "a\x00b\x1b[31m \u202ecod.exe\u202c z\u200be\ufeffro e\u0301 \U0001F468\u200d\U0001F469\u200d\U0001F467 hid\U000E0041den"), Known{})
	if want := "ab[31m cod.exe zero é \U0001F468\u200d\U0001F469\u200d\U0001F467 hidden"; string(r.Text) != want {
		t.Errorf("%q, not %q", r.Text, want)
	}
}

// FuzzRead finds bytes that break it.
func FuzzRead(f *testing.F) {
	for _, raw := range corpus(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, known := range []Known{{}, {Ours: ours, Trust: Trust{ID: "mx.clinic.example", Below: true}, LookupTXT: func(string) ([]string, error) { return []string{"v=DKIM1; p="}, nil }}} {
			r, err := read(raw, known) // not Read: it would catch what is looked for
			if err != nil {
				if care.KindOf(err) != care.Invalid {
					t.Fatal(err)
				}
				return
			}
			holds(t, r)
			if strings.TrimSpace(string(r.Text)) == "" && strings.TrimSpace(string(r.Whole)) != "" {
				t.Errorf("all was cut of %q", r.Whole)
			}
			if !r.Cut && squeeze(string(r.Text)) != squeeze(string(r.Whole)) {
				t.Errorf("cut silently: %q of %q", r.Text, r.Whole)
			}
		}
	})
}

// TestFiles names what came, and what was left out.
func TestFiles(t *testing.T) {
	attach := func(head, content string) string {
		return "--x\r\n" + head + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n"
	}
	body := "--x\r\nContent-Type: text/plain\r\n\r\nsee files\r\n" +
		attach("Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"../../etc/Lab results.pdf\"", "one") +
		attach("Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"C:\\\\temp\\\\lab RESULTS.pdf\"", "two") +
		attach("Content-Type: image/jpeg", "three") +
		attach("Content-Type: text/plain; name=\"notes.txt\"", "four") +
		attach("Content-Type: application/x-evil\r\nContent-Disposition: attachment; filename*=utf-8''%E2%80%AEgpj.exe%00", "five") +
		attach("Content-Type: application/octet-stream; name="+strings.Repeat("n", 300)+".docx", "six") +
		attach("Content-Type: application/octet-stream; name=con.txt", "seven") +
		attach("Content-Type: application/zip; name=big.zip", strings.Repeat("x", MaxFile+1)) +
		"--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?Fotos_de_la_rodilla?=\r\n\r\nhi\r\n--x--\r\n"
	r := mustRead(t, letter("multipart/mixed; boundary=x", body), Known{})
	if r.Text != "see files" {
		t.Errorf("text %q", r.Text)
	}
	for i, want := range []struct{ name, content, out string }{
		{"Lab results.pdf", "one", ""}, {"lab RESULTS 2.pdf", "two", ""}, {"picture.jpg", "three", ""}, {"notes.txt", "four", ""}, {"gpj.exe", "five", ""},
		{strings.Repeat("n", 115) + ".docx", "six", ""}, {"_con.txt", "seven", ""}, {"big.zip", "", "It is larger than 10 MB."}, {"Fotos de la rodilla.eml", "", ""},
	} {
		f := r.Files[i]
		if f.Name != want.name || want.content != "" && string(f.Content) != want.content || f.LeftOut != want.out || (f.Content == nil) != (f.LeftOut != "") || (f.Why == "") != (f.LeftOut == "") {
			t.Errorf("file %d is %q %.20q %q", i, f.Name, f.Content, f.LeftOut)
		}
	}
	if r.Files[7].Size != MaxFile+1 {
		t.Errorf("the size of what was left out is %d", r.Files[7].Size)
	}

	many := "--x\r\n\r\nsee files\r\n" + strings.Repeat(attach("Content-Type: application/pdf; name=a.pdf", "x"), MaxFiles+3) + "--x--\r\n"
	r = mustRead(t, letter("multipart/mixed; boundary=x", many), Known{})
	kept := 0
	for _, f := range r.Files {
		if f.LeftOut == "" {
			kept++
		}
	}
	if kept != MaxFiles || len(r.Files) != MaxFiles+3 {
		t.Errorf("%d kept of %d named", kept, len(r.Files))
	}
}

// TestPictures keeps what a person put into the text, and names what stands only in the quote.
func TestPictures(t *testing.T) {
	r := mustRead(t, corpus(t)["gmail-picture-en"], Known{})
	var got []string
	for _, f := range r.Files {
		got = append(got, f.Name+"|"+f.LeftOut)
	}
	if want := "foot.png|;logo.png|It stands only in what was quoted or in a signature.;análisis.pdf|"; strings.Join(got, ";") != want {
		t.Errorf("%q", got)
	}
	if r := mustRead(t, corpus(t)["apple-ios-photo-en"], Known{}); len(r.Files) != 1 || r.Files[0].Name != "IMG_0412.png" || !bytes.HasPrefix(r.Files[0].Content, []byte("\x89PNG")) {
		t.Errorf("%+v", r.Files)
	}
	if r := mustRead(t, corpus(t)["thunderbird-pgp-en"], Known{}); len(r.Files) != 0 {
		t.Errorf("a signature is no file: %q", r.Files[0].Name)
	}
}

// TestWhereTheWordsAre takes the form in which there are any.
func TestWhereTheWordsAre(t *testing.T) {
	body := "--x\r\nContent-Type: text/plain\r\n\r\nOn Mon, Nov 23, 2026 at 9:12 AM X <x@clinic.example> wrote:\r\n> Hello,\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>I am here.</p><div class=\"gmail_quote\"><blockquote class=\"gmail_quote\">Hello,</blockquote></div>\r\n--x--\r\n"
	if r := mustRead(t, letter("multipart/alternative; boundary=x", body), Known{}); r.Text != "I am here." || !r.Cut {
		t.Errorf("%q", r.Text)
	}
}

// TestTypedAnywhere types a sentence into every gap of every message of the corpus, as plain text, and looks for it.
func TestTypedAnywhere(t *testing.T) {
	const said = "Is it normal that the third tooth hurts?"
	for name, raw := range corpus(t) {
		base := mustRead(t, raw, Known{Ours: ours})
		lines := strings.Split(string(base.Whole), "\n")
		for i := 0; i <= len(lines); i++ {
			if i < len(lines) && strings.Trim(lines[i], "> ") != "" {
				continue
			}
			body := strings.Join(lines[:i], "\n") + "\n\n" + said + "\n\n" + strings.Join(lines[i:], "\n")
			raw := bytes.Replace(letter("text/plain; charset=utf-8", body), []byte("Re: A message"), []byte(base.Subject), 1)
			r := mustRead(t, raw, Known{Ours: ours})
			if !strings.Contains(string(r.Text), said) {
				t.Errorf("%s, at line %d: lost of\n%s", name, i+1, body)
			}
		}
	}
}
