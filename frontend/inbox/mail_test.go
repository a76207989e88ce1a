package inbox_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"postern/backend/record/view"
	"postern/frontend/link"
)

// pictures are the files of the e-mail in emailed, by their places.
var pictures = [][]byte{drawing(), []byte("%PDF-1.7\n<script>alert(1)</script>"), []byte("\xff\xd8\xff not whole")}

func drawing() []byte {
	m := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for x := range 320 {
		for y := range 200 {
			m.Set(x, y, color.RGBA{220, uint8(120 + y/4), uint8(120 + x/8), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TestByOrdinaryMail: what came by ordinary e-mail says that nobody has verified it, from where it came and what is not there; a person
// accepts it, or does not.
func TestByOrdinaryMail(t *testing.T) {
	c := newClinic(rosa)
	c.emailed(c.named("Marisol Vega"))
	c.notices = view.Notices{Sent: true, Off: true}
	b := open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	for _, words := range []string{"Not verified", "One more thing: my sister", "From marisol.vega@example.org, the address in the register, signed by its mail system",
		"What it quoted was left out", "Not taken over: IMG_2043.mov (not a picture, PDF or plain text), MRI.zip (too large), x", "Told by e-mail",
		"IMG_2041.png", "Überweisung an das Labor.pdf", "1.2 MB", "IMG_2042.jpg", "Has not arrived yet", "nobody's word yet", "Off: the member wants none"} {
		b.sees(words)
	}
	b.button("Show IMG_2041.png")
	b.until("the picture", `[...document.querySelectorAll(".picture img")].some(i => i.complete && i.naturalWidth === 320)`)
	b.accessible("by-mail")
	eval[bool](b, `HTMLAnchorElement.prototype.click = function () { window.saved = this.download; }; true`)
	b.button("Save… Überweisung an das Labor.pdf")
	b.until("the file is kept under its name", `window.saved === "Überweisung an das Labor.pdf"`)
	b.button("Decline")
	b.sees("Not taken as the member's word: Rosa Delgado, RN")
	b.until("nothing more to decline", `![...document.querySelectorAll(".msg.mail button")].some(x => x.textContent.trim() === "Decline")`)
	b.button("Accept as Marisol Vega's message after all")
	b.sees("Came by ordinary e-mail. Accepted by Rosa Delgado, RN")

	c = newClinic(rosa)
	c.emailed(c.named("Marisol Vega"))
	b = open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.button("Accept as Marisol Vega's message")
	b.sees("Came by ordinary e-mail. Accepted by Rosa Delgado, RN")
	b.until("no more buttons", `!document.querySelector(".msg.mail")`)
}

// TestDoubtfulEmail: words that may be another's are taken for the member's only by who was asked once more; who thinks better of it
// has done nothing.
func TestDoubtfulEmail(t *testing.T) {
	c := newClinic(rosa)
	th := c.named("Marisol Vega")
	c.emailed(th)
	mail := th.Items[len(th.Items)-1].Mail
	mail.Proven, mail.Refuted = false, true
	b := open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	b.button("Accept as Marisol Vega's message")
	b.sees("anybody may have written it. Call Marisol Vega first")
	b.accessible("doubtful-mail")
	b.button("Cancel")
	b.until("it is closed, and the e-mail is as it was", `!document.querySelector("[popover]:popover-open") && document.querySelector(".msg.mail").textContent.includes("Not verified")`)
	b.button("Accept as Marisol Vega's message")
	b.button("Accept it all the same")
	b.sees("Came by ordinary e-mail. Accepted by Rosa Delgado, RN")
}

// TestEmailTooLarge: what nobody could read says so, says whom to ask, and cannot be taken for the member's word.
func TestEmailTooLarge(t *testing.T) {
	c := newClinic(rosa)
	c.overlarge(c.named("Marisol Vega"))
	b := open(t, c)
	b.button("Dr. Lee 10")
	b.row("Marisol Vega")
	for _, words := range []string{"Not verified", "18.4 MB", "too large to be read here", "Call Marisol Vega", "Decline"} {
		b.sees(words)
	}
	b.until("nothing to accept", `![...document.querySelectorAll(".msg.mail button")].some(x => x.textContent.includes("Accept"))`)
	b.accessible("too-large")
}

// TestFilesOfAnEmail: a file is handed over as bytes under its name; what is no picture, or none that can be drawn, is not drawn; no link leads
// to one.
func TestFilesOfAnEmail(t *testing.T) {
	c := newClinic(rosa)
	th := c.named("Marisol Vega")
	c.emailed(th)
	v := visit(t, c)
	post := func(url string) (*http.Response, string) {
		return v.answer(http.MethodPost, url, "toast", "application/x-www-form-urlencoded", "")
	}
	at := link.Work(th.Part)
	got, body := post(link.File(at, id("mail"), 1))
	if h := got.Header; got.StatusCode != http.StatusOK || body != string(pictures[1]) || h.Get("Content-Type") != "application/octet-stream" ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Disposition") != "attachment; filename*=utf-8''%C3%9Cberweisung%20an%20das%20Labor.pdf" {
		t.Errorf("%d %v %q", got.StatusCode, h, body)
	}
	if got, body := post(link.Picture(at, id("mail"), 0)); got.StatusCode != http.StatusOK || !strings.Contains(body, `src="data:image/png;base64,`) {
		t.Errorf("the picture: %d %.200q", got.StatusCode, body)
	}
	for name, url := range map[string]string{"a PDF": link.Picture(at, id("mail"), 1), "half a picture": link.Picture(at, id("mail"), 2), "no file": link.Picture(at, id("mail"), 9),
		"of nothing": link.File(at, id("nothing"), 0), "of no number": at + "/files/" + id("mail").String() + "/x", "a member's address": link.File(link.Letters(th.Part), id("mail"), 0)} {
		if got, body := post(url); got.StatusCode < 400 || strings.Contains(body, "data:image") || strings.Contains(body, "PNG") {
			t.Errorf("%s: %d %.200q", name, got.StatusCode, body)
		}
	}
	if code, body := v.get(link.File(at, id("mail"), 0), ""); code == http.StatusOK || strings.Contains(body, "PNG") {
		t.Errorf("a link gives it: %d", code)
	}
}
