package fetch_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/backend/care"
	"postern/backend/post/posttest"
)

var (
	year24 = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	year25 = time.Date(2025, 5, 6, 7, 8, 9, 0, time.UTC)
	newer  = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	border = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func every(uint32) (func(uint32) bool, error) { return func(uint32) bool { return true }, nil }

// where says what lies in which folder, by what the letters say, and when they came.
func where(t *testing.T, sys *posttest.System, local string) map[string]time.Time {
	t.Helper()
	r := newReplica()
	once(t, fetcher(sys.AddLogin(t, local, posttest.Staff), r))
	out := map[string]time.Time{}
	for _, l := range r.stored {
		out[l.Folder+": "+r.byName[name{l.Folder, l.Validity, l.UID}]] = l.Internal.UTC()
	}
	return out
}

// TestArchive: the agent's login moves old letters to the archive by their years, the oldest first and so many at a time, of those
// that it may move, and hears what they are named there. Their dates stay, and each is there once.
func TestArchive(t *testing.T) { posttest.Each(t, testArchive) }

func testArchive(t *testing.T, sys *posttest.System) {
	local := sys.AddMailbox(t)
	sys.Append(t, local, "INBOX", year24, mails(t, 0, 3)...)
	sys.Append(t, local, "INBOX", year25, mails(t, 3, 2)...)
	sys.Append(t, local, "INBOX", newer, mails(t, 5, 2)...)
	f := fetcher(sys.AddLogin(t, local, posttest.Agent), newReplica())
	r := newReplica()
	reader := fetcher(f.Login, r)
	once(t, reader)
	but := func(uint32) (func(uint32) bool, error) { return func(uid uint32) bool { return uid != 2 }, nil }
	for _, want := range [][2]int{{3, 0}, {1, 0}, {0, 0}} {
		all, err := f.Archive(t.Context(), border, 3, but)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, m := range all {
			if n += len(m.UIDs); len(m.To.UIDs) != len(m.UIDs) {
				t.Errorf("it does not hear where the letters are: %+v", m)
			}
			r.mu.Lock()
			for i, uid := range m.UIDs { // as a replica notes it
				r.byName[name{m.To.Folder, m.To.Validity, m.To.UIDs[i]}] = r.byName[name{"INBOX", m.Validity, uid}]
			}
			r.mu.Unlock()
		}
		if n != want[0] {
			t.Errorf("%d were moved, want %d: %+v", n, want[0], all)
		}
	}
	got := where(t, sys, local)
	for n, at := range map[string]time.Time{"INBOX: 1": year24, "INBOX: 5": newer, "INBOX: 6": newer, "Archive/2024: 0": year24,
		"Archive/2024: 2": year24, "Archive/2025: 3": year25, "Archive/2025: 4": year25} {
		folder, number, _ := strings.Cut(n, ": ")
		key := folder + ": " + text(int(number[0]-'0'))
		if have, there := got[key]; !there || !have.Equal(at) {
			t.Errorf("%s: %v %v", key, there, have)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("too much is there: %v", got)
	}
	before := len(r.stored)
	once(t, reader) // who moved them has nothing to fetch
	if len(r.stored) != before {
		t.Errorf("%d letters are fetched again", len(r.stored)-before)
	}
	r.holds(t, 7)
}

// TestArchiveMayNot: a login that only reads moves nothing, and leaves nothing behind.
func TestArchiveMayNot(t *testing.T) { posttest.Each(t, testArchiveMayNot) }

func testArchiveMayNot(t *testing.T, sys *posttest.System) {
	for _, moves := range []bool{true, false} {
		local, login := box(t, sys)
		sys.Append(t, local, "INBOX", year24, mail(t, 3))
		if _, err := fetcher(sys.AddLogin(t, local, posttest.Agent), newReplica()).Archive(t.Context(), border, 10, every); err != nil {
			t.Fatal(err) // so that the folder is there
		}
		sys.Append(t, local, "INBOX", year24, mails(t, 0, 3)...)
		p := posttest.NewProxy(t, sys.Clear(login).IMAP)
		p.Rewrite(hiding(!moves))
		login.IMAP = p.Endpoint(care.TLSNone)
		if all, err := fetcher(login, newReplica()).Archive(t.Context(), border, 10, every); len(all) > 0 || care.KindOf(err) != care.Forbidden {
			t.Errorf("it moved %v: %v", all, err)
		}
		if n := sys.Count(t, local, "INBOX"); n != 3 {
			t.Errorf("%d letters are left", n)
		}
		if n := len(where(t, sys, local)); n != 4 {
			t.Errorf("there are %d letters", n)
		}
	}
}

// hiding hides that the server can move.
func hiding(it bool) func(string) string {
	return func(line string) string {
		if it && strings.Contains(line, "CAPABILITY ") {
			line = strings.NewReplacer(" MOVE", "", " IMAP4rev2", "").Replace(line)
		}
		return line
	}
}

// TestArchiveWithoutMove: a server that cannot move is asked to copy, and only what was copied is taken away. However the connection
// breaks, each letter is there, and the next try ends what was begun.
func TestArchiveWithoutMove(t *testing.T) { posttest.Each(t, testArchiveWithoutMove) }

func testArchiveWithoutMove(t *testing.T, sys *posttest.System) {
	for _, at := range []string{"COPYUID", "EXPUNGE", ""} {
		local := sys.AddMailbox(t)
		login := sys.AddLogin(t, local, posttest.Agent)
		sys.Append(t, local, "INBOX", year24, mails(t, 0, 3)...)
		p := posttest.NewProxy(t, sys.Clear(login).IMAP)
		p.Rewrite(hiding(true))
		if at != "" {
			p.Break(func(line string) bool { return strings.Contains(line, at) && !strings.Contains(line, "CAPABILITY") })
		}
		login.IMAP = p.Endpoint(care.TLSNone)
		f := fetcher(login, newReplica())
		if all, err := f.Archive(t.Context(), border, 10, every); at == "COPYUID" && err == nil {
			t.Errorf("the connection broke, and it moved %v", all)
		}
		got := where(t, sys, local)
		for i := range 3 {
			if _, a := got["INBOX: "+text(i)]; !a {
				if _, b := got["Archive/2024: "+text(i)]; !b {
					t.Errorf("broken at %q, letter %d is nowhere", at, i)
				}
			}
		}
		p.Break(nil)
		if _, err := f.Archive(t.Context(), border, 10, every); err != nil {
			t.Error(err)
		}
		if strings.Contains(p.Said(), " MOVE ") || !strings.Contains(p.Said(), " COPY ") {
			t.Error("it did not copy")
		}
		left := slices.Sorted(maps.Keys(where(t, sys, local)))
		if want := []string{"Archive/2024: " + text(0), "Archive/2024: " + text(1), "Archive/2024: " + text(2)}; !slices.Equal(left, want) {
			t.Errorf("broken at %q, in the end there are %q", at, left)
		}
	}
}
