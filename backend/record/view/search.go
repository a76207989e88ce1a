package view

import (
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/record/store"
)

// hit is a conversation and the number of the item by which it was found.
type hit struct {
	part care.EventID
	no   int64
}

// found lists the viewer's conversations in which an item holds all words of a search, newest such item first, at most
// MaxFound. A member never finds by what a note says.
func (a *asked) found(search string) ([]Row, error) {
	match, err := store.Query(a.ctx, a.tx, search)
	if err != nil || match == "" {
		return nil, err
	}
	hits, parts, err := a.hits(match)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	if len(hits) == 0 {
		return nil, nil
	}
	texts, err := a.textsOf(hits)
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	rows := make([]Row, 0, len(hits))
	words := strings.Fields(store.Words(search))
	for _, h := range hits {
		r := a.row(parts[h.part])
		r.Snippet = care.Text(around(texts[h.no], words))
		rows = append(rows, r)
	}
	return rows, nil
}

// hits walks the index backwards in time, a page after the other, until there are enough conversations: of a common word
// only the newest items are looked at.
func (a *asked) hits(match string) (hits []hit, parts map[care.EventID]part, err error) {
	parts = map[care.EventID]part{}
	met := map[care.EventID]bool{}
	below := int64(math.MaxInt64)
	for page := 250; ; page = min(2*page, 4000) {
		matched := 0
		var fresh []hit
		err := a.each("SELECT s.rowid, coalesce(i.part, x''), coalesce(i.kind, '') FROM (SELECT rowid FROM search WHERE search MATCH ? AND rowid < ? "+
			"ORDER BY rowid DESC LIMIT ?) s LEFT JOIN item i ON i.no = s.rowid ORDER BY s.rowid DESC", []any{match, below, page},
			func(rows *sql.Rows) error {
				var kind string
				var h hit
				if err := rows.Scan(&h.no, store.ID(&h.part), &kind); err != nil {
					return err
				}
				matched, below = matched+1, h.no
				if met[h.part] || a.viewer.Member && kind == "note" {
					return nil
				}
				met[h.part] = true
				fresh = append(fresh, h)
				return nil
			})
		if err != nil {
			return nil, nil, err
		}
		if hits, err = a.visible(hits, fresh, parts); err != nil {
			return nil, nil, err
		}
		if matched < page || len(hits) == MaxFound {
			return hits, parts, nil
		}
	}
}

// visible adds those of the fresh hits whose conversation is the viewer's.
func (a *asked) visible(hits, fresh []hit, parts map[care.EventID]part) ([]hit, error) {
	if len(fresh) == 0 {
		return hits, nil
	}
	ids := make([]care.EventID, len(fresh))
	for i, h := range fresh {
		ids[i] = h.part
	}
	in, args := store.In(ids)
	scope, own := a.scope()
	found, err := a.parts("WHERE p.id IN "+in+" AND "+scope+" "+ownFirst, append(args, own...)...)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if _, known := parts[p.id]; !known {
			parts[p.id] = p
		}
	}
	for _, h := range fresh {
		if _, ok := parts[h.part]; ok && len(hits) < MaxFound {
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// textsOf are the texts of the items that were found, by number.
func (a *asked) textsOf(hits []hit) (map[int64]string, error) {
	numbers, texts := make([]any, len(hits)), make(map[int64]string, len(hits))
	for i, h := range hits {
		numbers[i] = h.no
	}
	err := a.each("SELECT no, text FROM item WHERE no IN (?"+strings.Repeat(", ?", len(numbers)-1)+")", numbers, func(rows *sql.Rows) error {
		var no int64
		var text string
		err := rows.Scan(&no, &text)
		texts[no] = text
		return err
	})
	return texts, err
}

// holds reports whether a row and its text hold all words of a search, the last one as the beginning of a word: the rule
// of the index, for texts that are not in it.
func holds(search string, r Row, text care.Text) bool {
	words := strings.Fields(store.Words(search))
	all := strings.Fields(store.Words(strings.Join([]string{string(r.Subject), r.Office.Name, r.Patient.Name, r.Patient.MRN, string(text)}, "\n")))
	for i, w := range words {
		if !slices.ContainsFunc(all, func(have string) bool { return have == w || i == len(words)-1 && strings.HasPrefix(have, w) }) {
			return false
		}
	}
	return true
}

// snippetRunes is how much of a text a row shows.
const snippetRunes = 140

// brief is the beginning of a text on one line.
func brief(text care.Text) care.Text { return care.Text(cut(string(text))) }

func cut(text string) string {
	if most := 5 * snippetRunes; len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	line := strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(line) <= snippetRunes {
		return line
	}
	return strings.TrimRight(string([]rune(line)[:snippetRunes]), " ") + "…"
}

// around is the part of a text with the first word that a search looks for, on one line, or else its beginning.
func around(text string, words []string) string {
	const before = 6 // words
	var starts []int
	for at := 0; at < len(text); {
		from := strings.IndexFunc(text[at:], func(r rune) bool { return !unicode.IsSpace(r) })
		if from < 0 {
			break
		}
		from += at
		end := strings.IndexFunc(text[from:], unicode.IsSpace)
		if end < 0 {
			end = len(text) - from
		}
		if holdsOne(text[from:from+end], words) {
			if len(starts) <= before {
				break
			}
			return "…" + cut(text[starts[len(starts)-before]:])
		}
		starts = append(starts, from)
		at = from + end
	}
	return cut(text)
}

// holdsOne reports whether a piece of text holds one of the words, the last one as a beginning.
func holdsOne(piece string, words []string) bool {
	for _, have := range strings.Fields(store.Words(piece)) {
		for i, w := range words {
			if have == w || i == len(words)-1 && strings.HasPrefix(have, w) {
				return true
			}
		}
	}
	return false
}
