package stories

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/backend/agent"
	"postern/backend/care"
	"postern/backend/post/posttest"
	"postern/backend/trust/vault"
)

// TestArchive: the agent archives what is older than a year. Nobody misses anything or sends anything again; the agent fetches nothing
// for it, and who else reads the mailbox each letter once more, but does not read all of it for what was moved. A new computer
// has everything, and what the archive loses is put back.
func TestArchive(t *testing.T) { posttest.Each(t, testArchive) }

func testArchive(t *testing.T, sys *posttest.System) {
	w := newTown(t, sys)
	marisol, rosa, clinic := w.at("marisol"), w.off("rosa", ""), w.off("agent", "")
	heard := map[string]*posttest.Proxy{}
	lee := w.local(w.offices["Lee"].Mailbox)
	for _, p := range []*person{rosa, clinic} {
		p.secrets(func(s *vault.Secrets) {
			for i, l := range s.Logins {
				if l.Mailbox == w.offices["Lee"].Mailbox {
					clear := w.mail.Clear(l).IMAP
					heard[p.name] = posttest.NewProxy(t, clear)
					s.Logins[i].IMAP = heard[p.name].Endpoint(care.TLSNone)
				}
			}
		})
		p.on(false)
	}
	for range 3 {
		exchange(w, marisol, rosa, clinic)
	}
	before := map[string]string{"marisol": marisol.dump(), "rosa": rosa.dump(), "agent": clinic.dump()}
	// A year and more goes by; what is younger stays.
	old := w.clock.now().AddDate(-1, 0, -5)
	history := w.mail.Messages(t, lee, "INBOX")
	had := len(history)
	w.mail.Expunge(t, lee, "INBOX")
	for _, m := range history {
		w.mail.Append(t, lee, "INBOX", old, m.Raw)
	}
	w.mail.Append(t, lee, "INBOX", w.clock.now().AddDate(0, -2, 0), history[0].Raw)
	for _, p := range []*person{marisol, rosa, clinic} {
		p.putsBack()
	}
	w.clock.move(25 * time.Hour)
	fetched := map[string]int{"rosa": bodies(heard["rosa"]), "agent": bodies(heard["agent"])}
	h := &agent.Housekeeping{Mailboxes: clinic.p.Replica(), Now: w.clock.now, Log: slog.New(slog.DiscardHandler)}
	all := 0
	for {
		moved, err := h.Once(t.Context())
		must(t, err)
		if all += moved; moved == 0 {
			break
		}
	}
	folder := fmt.Sprint("Archive/", old.UTC().Year())
	equal(t, "letters left in the office's INBOX", w.mail.Count(t, lee, "INBOX"), 1)
	equal(t, "letters in "+folder, w.mail.Count(t, lee, folder), had)

	for _, p := range []*person{clinic, rosa, marisol} {
		p.pulls()
		must(t, p.p.Replica().PutBack(t.Context()))
		equal(t, "letters that "+p.name+" sends again", len(left(t, p)), 0)
		equal(t, p.name+" has what they had", p.dump(), before[p.name])
	}
	equal(t, "letters that the agent fetches for it", bodies(heard["agent"])-fetched["agent"], 0)
	equal(t, "letters that rosa fetches for it", bodies(heard["rosa"])-fetched["rosa"], had)
	bytes := 0
	for _, m := range w.mail.Messages(t, lee, folder) {
		bytes += len(m.Raw)
	}
	t.Logf("%d letters archived in all; rosa fetches %d of them once more, %d bytes", all, had, bytes)

	fresh := w.second("rosa", "-new")
	fresh.pulls()
	equal(t, "a new computer", fresh.dump(), before["rosa"])

	w.mail.Expunge(t, lee, folder)
	w.clock.move(25 * time.Hour)
	clinic.pulls()
	must(t, clinic.p.Replica().PutBack(t.Context()))
	if len(left(t, clinic)) == 0 {
		t.Error("the archive lost letters, and nothing is put back")
	}
}

var asksBodies = regexp.MustCompile(`UID FETCH ([0-9:,]+) \([^)]*BODY\.PEEK\[\]`)

// bodies is how many letters were asked for.
func bodies(p *posttest.Proxy) (n int) {
	for _, m := range asksBodies.FindAllStringSubmatch(p.Said(), -1) {
		for part := range strings.SplitSeq(m[1], ",") {
			first, last, isRange := strings.Cut(part, ":")
			if n++; isRange {
				a, _ := strconv.Atoi(first) // digits
				b, _ := strconv.Atoi(last)
				n += b - a
			}
		}
	}
	return n
}
