package gateway

import (
	"bytes"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// mostKeys is how many keys a SEARCH may have: each is asked of each letter.
const mostKeys = 200

// Search finds letters of the open folder. What of them is in memory is asked first: numbers and flags. For dates and
// sizes their rows are read, and only for what stands in them their bytes.
func (s *session) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, o *imap.SearchOptions) (*imap.SearchData, error) {
	keys := 0
	uids := s.open.Load().now()
	q := s.question(uids, criteria, &keys)
	if keys > mostKeys {
		return nil, errAsked
	}
	found, err := s.find(uids, q)
	if err != nil {
		return nil, s.told(err)
	}
	data := &imap.SearchData{Count: uint32(len(found))}
	numbers := make([]uint32, len(found))
	for i, p := range found {
		numbers[i] = uint32(p) + 1
		if kind == imapserver.NumKindUID {
			numbers[i] = uids[p]
		}
	}
	if len(numbers) > 0 {
		data.Min, data.Max = numbers[0], numbers[len(numbers)-1]
	}
	set := uidSet(numbers)
	data.All = set
	if kind == imapserver.NumKindSeq {
		seqs := make(imap.SeqSet, len(set))
		for i, r := range set {
			seqs[i] = imap.SeqRange{Start: uint32(r.Start), Stop: uint32(r.Stop)}
		}
		data.All = seqs
	}
	if o.ReturnSave {
		s.saved = make([]uint32, len(found))
		for i, p := range found {
			s.saved[i] = uids[p]
		}
		s.saved = savedOf(s.saved, o)
	}
	return data, nil
}

// savedOf is what "$" stands for after a search (RFC 5182, 2.1): all, unless the smallest or greatest alone was asked for.
func savedOf(found []uint32, o *imap.SearchOptions) []uint32 {
	if len(found) == 0 || o.ReturnAll || o.ReturnCount {
		return found
	}
	var out []uint32
	if o.ReturnMin {
		out = append(out, found[0])
	}
	if last := found[len(found)-1]; o.ReturnMax && !slices.Contains(out, last) {
		out = append(out, last)
	}
	return out
}

// question is what a search asks, with its numbers as places in the view.
type question struct {
	*imap.SearchCriteria
	within [][]span
	on     uint8 // flags that are set
	off    uint8 // and that are not
	never  bool  // a flag that no letter has
	rows   bool  // it asks for a date or a size
	bytes  bool  // or for what stands in the letter
	not    []*question
	or     [][2]*question
}

func (s *session) question(uids []uint32, c *imap.SearchCriteria, keys *int) *question {
	q := &question{SearchCriteria: c}
	*keys += 1 + len(c.Header) + len(c.Body) + len(c.Text) + len(c.SeqNum) + len(c.UID)
	if *keys > mostKeys {
		return q
	}
	for _, set := range c.SeqNum {
		q.within = append(q.within, s.spans(uids, set))
	}
	for _, set := range c.UID {
		q.within = append(q.within, s.spans(uids, set))
	}
	for _, f := range c.Flag {
		bit := flagBits([]imap.Flag{f})
		q.on |= bit
		q.never = q.never || bit == 0
	}
	q.off = flagBits(c.NotFlag)
	q.bytes = len(c.Header) > 0 || len(c.Body) > 0 || len(c.Text) > 0 || !c.SentSince.IsZero() || !c.SentBefore.IsZero()
	q.rows = !c.Since.IsZero() || !c.Before.IsZero() || c.Larger > 0 || c.Smaller > 0
	sub := func(c *imap.SearchCriteria) *question {
		inner := s.question(uids, c, keys)
		q.rows, q.bytes = q.rows || inner.rows, q.bytes || inner.bytes
		return inner
	}
	for i := range c.Not {
		q.not = append(q.not, sub(&c.Not[i]))
	}
	for i := range c.Or {
		q.or = append(q.or, [2]*question{sub(&c.Or[i][0]), sub(&c.Or[i][1])})
	}
	return q
}

// find gives the places of what is found, upwards.
func (s *session) find(uids []uint32, q *question) ([]int, error) {
	candidates := []span{{0, len(uids)}}
	for _, w := range q.within {
		candidates = common(candidates, w)
	}
	wanted := places(candidates)
	if q.never {
		return nil, nil
	}
	flags := s.open.Load().flagsOf(pick(uids, wanted))
	if !q.rows && !q.bytes {
		found := wanted[:0]
		for i, p := range wanted {
			if q.asks(p, flags[i], nil, nil) {
				found = append(found, p)
			}
		}
		return found, nil
	}
	byPlace := make(map[int]uint8, len(wanted))
	for i, p := range wanted {
		byPlace[p] = flags[i]
	}
	var found []int
	for len(wanted) > 0 {
		letters, rest, err := s.step(uids, wanted, q.bytes)
		if err != nil {
			return nil, err
		}
		wanted = rest
		for i := range letters {
			l := &letters[i]
			if !s.r.memory.take(s.a.name, l.size) {
				return nil, no(imap.ResponseCodeLimit, "The gateway searches too much at once. Try again later")
			}
			var b []byte
			if q.bytes {
				b, err = s.whole(l)
			}
			fits := err == nil && q.asks(l.place, byPlace[l.place], l, b)
			s.r.memory.give(s.a.name, l.size)
			if err != nil {
				return nil, err
			}
			if fits {
				found = append(found, l.place)
			}
		}
	}
	return found, nil
}

func pick(uids []uint32, places []int) []uint32 {
	out := make([]uint32, len(places))
	for i, p := range places {
		out[i] = uids[p]
	}
	return out
}

// common gives what is in both.
func common(a, b []span) (out []span) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if from, to := max(a[i].from, b[j].from), min(a[i].to, b[j].to); from < to {
			out = append(out, span{from, to})
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return out
}

func in(spans []span, place int) bool {
	i, ok := slices.BinarySearchFunc(spans, place, func(s span, p int) int { return s.from - p })
	return ok || i > 0 && place < spans[i-1].to
}

// asks reports whether a letter is what is searched for.
func (q *question) asks(place int, flags uint8, l *read, b []byte) bool {
	if q.never || flags&q.on != q.on || flags&q.off != 0 {
		return false
	}
	for _, w := range q.within {
		if !in(w, place) {
			return false
		}
	}
	if l != nil && !q.row(l) {
		return false
	}
	if q.bytes && !q.text(b) {
		return false
	}
	for _, n := range q.not {
		if n.asks(place, flags, l, b) {
			return false
		}
	}
	for _, o := range q.or {
		if !o[0].asks(place, flags, l, b) && !o[1].asks(place, flags, l, b) {
			return false
		}
	}
	return true
}

func (q *question) row(l *read) bool {
	return between(l.arrived, q.Since, q.Before) && (q.Larger == 0 || l.size > q.Larger) && (q.Smaller == 0 || l.size < q.Smaller)
}

// between compares dates alone, as RFC 3501 asks.
func between(t, since, before time.Time) bool {
	t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !t.Before(since)) && (before.IsZero() || t.Before(before))
}

// text asks for what stands in a letter, byte by byte: letters are sealed, so there is nothing in them to decode.
func (q *question) text(b []byte) bool {
	head := b[:headerEnd(b)]
	for _, h := range q.Header {
		found := fields(head, []string{h.Key}, nil)
		if len(found) <= len("\r\n") || h.Value != "" && !holds(found, h.Value) {
			return false
		}
	}
	for _, t := range q.Body {
		if !holds(b[len(head):], t) {
			return false
		}
	}
	for _, t := range q.Text {
		if !holds(b, t) {
			return false
		}
	}
	if q.SentSince.IsZero() && q.SentBefore.IsZero() {
		return true
	}
	_, value, _ := strings.Cut(string(fields(head, []string{"Date"}, nil)), ":")
	sent, err := time.Parse(time.RFC1123Z, textproto.TrimString(value))
	return err == nil && between(sent, q.SentSince, q.SentBefore)
}

func holds(b []byte, text string) bool {
	return bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(text)))
}
