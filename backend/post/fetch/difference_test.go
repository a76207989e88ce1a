package fetch

import (
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"
)

func TestLacking(t *testing.T) {
	even := func(uid uint32) bool { return uid%2 == 0 }
	none := func(uint32) bool { return false }
	for name, c := range map[string]struct {
		set  imap.NumSet
		has  func(uint32) bool
		want []uint32
		bad  bool
	}{
		"the server found nothing":  {nil, none, nil, false},
		"an empty set":              {imap.UIDSet{}, none, nil, false},
		"newest first":              {imap.UIDSet{{Start: 1, Stop: 3}, {Start: 7, Stop: 7}}, none, []uint32{7, 3, 2, 1}, false},
		"known ones are left out":   {imap.UIDSet{{Start: 1, Stop: 6}}, even, []uint32{5, 3, 1}, false},
		"the highest UID":           {imap.UIDSet{{Start: 1<<32 - 2, Stop: 1<<32 - 1}}, none, []uint32{1<<32 - 1, 1<<32 - 2}, false},
		"more than there can be":    {imap.UIDSet{{Start: 1, Stop: 1<<32 - 1}}, none, nil, true},
		"without an end":            {imap.UIDSet{{Start: 5, Stop: 0}}, none, nil, true},
		"sequence numbers, not UID": {imap.SeqSet{{Start: 1, Stop: 3}}, none, nil, false},
	} {
		got, err := lacking(c.set, c.has)
		if !slices.Equal(got, c.want) || (err != nil) != c.bad {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWantedFolders(t *testing.T) {
	for _, c := range []struct {
		name  string
		delim rune
		attrs []imap.MailboxAttr
		want  bool
	}{
		{"Junk", '/', nil, true},
		{"Archive/2024", '/', nil, true},
		{"Trash", '/', nil, false},
		{"trash", '/', nil, false},
		{"INBOX.Trash", '.', nil, false},
		{"INBOX/Deleted Items", '/', nil, false},
		{"Drafts", '/', nil, false},
		{"Entwürfe", '/', []imap.MailboxAttr{imap.MailboxAttrDrafts}, false},
		{"Papierkorb", '/', []imap.MailboxAttr{imap.MailboxAttrTrash}, false},
		{"Bin", '/', []imap.MailboxAttr{imap.MailboxAttrArchive}, true},
		{"[Gmail]", '/', []imap.MailboxAttr{imap.MailboxAttrNoSelect}, false},
		{"gone", '/', []imap.MailboxAttr{imap.MailboxAttrNonExistent}, false},
		{"Trashcan stories", '/', nil, true},
		{"Trash/Keep", '/', nil, true},
		{"a/b", 0, nil, true},
	} {
		if got := wanted(&imap.ListData{Mailbox: c.name, Delim: c.delim, Attrs: c.attrs}); got != c.want {
			t.Errorf("%s %v: %v", c.name, c.attrs, got)
		}
	}
}

// What broke off before goes last and alone; what never comes is left aside.
func TestBatches(t *testing.T) {
	f := &Fetcher{}
	f.init()
	s := &session{Fetcher: f}
	m := missing{folder: "INBOX", validity: 1}
	for uid := uint32(1100); uid > 0; uid-- {
		m.uids = append(m.uids, uid)
	}
	f.trouble[place{"INBOX", 1, 1000}] = alone - 1
	f.trouble[place{"INBOX", 1, 900}] = alone
	f.trouble[place{"INBOX", 1, 800}] = aside - 1
	f.trouble[place{"INBOX", 1, 700}] = aside
	f.trouble[place{"INBOX", 2, 600}] = aside // of another life of the folder
	f.trouble[place{"Junk", 1, 500}] = aside
	got := s.batches(m)
	if len(got) != 5 || len(got[0]) != 500 || len(got[1]) != 500 || len(got[2]) != 97 ||
		!slices.Equal(got[3], []uint32{900}) || !slices.Equal(got[4], []uint32{800}) {
		t.Errorf("%d commands: %v", len(got), got[3:])
	}
	if got[0][0] != 1100 || got[2][96] != 1 || slices.Contains(got[0], 700) || slices.Contains(got[1], 700) {
		t.Error("the order is wrong, or what was to be left aside is asked for")
	}
}
