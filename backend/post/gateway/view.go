package gateway

import (
	"slices"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// view is a folder as one session has been told of it: message sequence number n is uids[n-1].
type view struct {
	ix *index

	mu     sync.Mutex // the library may ask while Idle still ends
	uids   []uint32   // never written to: others share the array
	epoch  int
	marked int // marks that are told
}

func newView(ix *index) *view {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	return &view{ix: ix, uids: ix.uids[:len(ix.uids):len(ix.uids)], epoch: ix.epoch, marked: ix.marked + len(ix.marks)}
}

// now is what the session has been told of: its client may speak while Idle still ends.
func (v *view) now() []uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.uids
}

// changes gives what is closed at the next change.
func (v *view) changes() <-chan struct{} {
	v.ix.mu.Lock()
	defer v.ix.mu.Unlock()
	return v.ix.changed
}

// news is what a session has not been told.
type news struct {
	gone   []uint32 // sequence numbers, the highest first
	exists uint32   // how many there are now; 0: as before, less what is gone
	flags  []flagged
}

type flagged struct {
	seq, uid uint32
	flags    uint8
}

// tell tells a session what is new, without letters that went where that is not allowed now.
func (v *view) tell(w *imapserver.UpdateWriter, allowExpunge bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.news(allowExpunge)
	for _, seq := range n.gone {
		if err := w.WriteExpunge(seq); err != nil {
			return err
		}
	}
	if n.exists > 0 {
		if err := w.WriteNumMessages(n.exists); err != nil {
			return err
		}
	}
	for _, f := range n.flags {
		if err := w.WriteMessageFlags(f.seq, imap.UID(f.uid), flagList(f.flags)); err != nil {
			return err
		}
	}
	return nil
}

// news brings the view up to date and says what that changes. v.mu is held.
func (v *view) news(allowExpunge bool) (n news) {
	ix := v.ix
	ix.mu.Lock()
	defer ix.mu.Unlock()
	switch {
	case v.epoch == ix.epoch:
		if len(ix.uids) > len(v.uids) {
			n.exists = uint32(len(ix.uids))
		}
		v.uids = ix.uids[:len(ix.uids):len(ix.uids)]
	case allowExpunge:
		stayed, j := 0, 0
		for i, uid := range v.uids {
			for j < len(ix.uids) && ix.uids[j] < uid {
				j++
			}
			if j < len(ix.uids) && ix.uids[j] == uid {
				stayed++
			} else {
				n.gone = append(n.gone, uint32(i)+1)
			}
		}
		slices.Reverse(n.gone)
		if len(ix.uids) > stayed {
			n.exists = uint32(len(ix.uids))
		}
		v.uids, v.epoch = ix.uids[:len(ix.uids):len(ix.uids)], ix.epoch
	}
	v.flags(&n)
	return n
}

// flags gathers what others marked. ix.mu is held.
func (v *view) flags(n *news) {
	ix := v.ix
	from := max(0, v.marked-ix.marked)
	v.marked = ix.marked + len(ix.marks)
	told := map[uint32]bool{}
	for _, m := range ix.marks[min(from, len(ix.marks)):] {
		if m.source == v || told[m.uid] {
			continue
		}
		told[m.uid] = true
		i, here := slices.BinarySearch(v.uids, m.uid)
		j, there := slices.BinarySearch(ix.uids, m.uid)
		if here && there {
			n.flags = append(n.flags, flagged{uint32(i) + 1, m.uid, ix.flags[j]})
		}
	}
}

// flagsOf gives the flags of letters; those that are gone have none.
func (v *view) flagsOf(uids []uint32) []uint8 {
	ix := v.ix
	ix.mu.Lock()
	defer ix.mu.Unlock()
	out := make([]uint8, len(uids))
	for i, uid := range uids {
		if j, ok := slices.BinarySearch(ix.uids, uid); ok {
			out[i] = ix.flags[j]
		}
	}
	return out
}

// span is a range of places in a view, the last not included.
type span struct{ from, to int }

// spans gives the places that a set of numbers means in the view, upwards and without overlap. "*" is the last letter
// there is, "$" what the last SEARCH saved, and what lies outside is passed over.
func (s *session) spans(uids []uint32, set imap.NumSet) []span {
	if imap.IsSearchRes(set) {
		return spansOf(uids, s.saved)
	}
	var out []span
	switch set := set.(type) {
	case imap.SeqSet:
		for _, r := range set {
			if lo, hi, ok := static(r.Start, r.Stop, uint32(len(uids))); ok {
				out = append(out, span{min(int(max(lo, 1))-1, len(uids)), min(int(hi), len(uids))})
			}
		}
	case imap.UIDSet:
		last := uint32(0)
		if len(uids) > 0 {
			last = uids[len(uids)-1]
		}
		for _, r := range set {
			if lo, hi, ok := static(uint32(r.Start), uint32(r.Stop), last); ok {
				from, _ := slices.BinarySearch(uids, lo)
				to, found := slices.BinarySearch(uids, hi)
				if found {
					to++
				}
				out = append(out, span{from, to})
			}
		}
	}
	return merged(out)
}

// static puts the last number in the place of "*" and the smaller number first.
func static(start, stop, last uint32) (lo, hi uint32, ok bool) {
	if last == 0 {
		return 0, 0, false
	}
	if start == 0 {
		start = last
	}
	if stop == 0 {
		stop = last
	}
	return min(start, stop), max(start, stop), true
}

func merged(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	out := all[:0]
	for _, s := range all {
		switch {
		case s.from >= s.to:
		case len(out) > 0 && s.from <= out[len(out)-1].to:
			out[len(out)-1].to = max(out[len(out)-1].to, s.to)
		default:
			out = append(out, s)
		}
	}
	return out
}

func spansOf(uids, some []uint32) []span {
	var out []span
	for _, uid := range some {
		if i, ok := slices.BinarySearch(uids, uid); ok {
			out = append(out, span{i, i + 1})
		}
	}
	return merged(out)
}

// places lists what spans mean.
func places(all []span) []int {
	n := 0
	for _, s := range all {
		n += s.to - s.from
	}
	out := make([]int, 0, n)
	for _, s := range all {
		for i := s.from; i < s.to; i++ {
			out = append(out, i)
		}
	}
	return out
}

// named gives the UIDs of a set of numbers.
func (s *session) named(set imap.NumSet) []uint32 {
	var out []uint32
	uids := s.open.Load().now()
	for _, p := range s.spans(uids, set) {
		out = append(out, uids[p.from:p.to]...)
	}
	return out
}
