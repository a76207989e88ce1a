package view

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"postern/backend/care"
	"postern/backend/record/store"
)

// page is how many hits are looked at in one step.
const page = 1000

// found lists the viewer's conversations in which an item holds all words of a query, newest such item first, at most
// MaxFound. A member never finds by what a note says.
func (a *asked) found(query, search string) ([]Row, error) {
	scope, scopeArgs := a.scope()
	if a.viewer.Member {
		scope += " AND i.kind <> 'note'"
	}
	type hit struct {
		part care.EventID
		no   int64
	}
	var hits []hit
	seen := map[care.EventID]bool{}
	for below := int64(1<<63 - 1); len(hits) < MaxFound; {
		// The index walks backwards in time; what it finds is looked up one by one, so only as many as are needed.
		matched := 0
		args := append(slices.Clone(scopeArgs), query, below, page)
		err := a.each("SELECT s.rowid, coalesce(i.part, x''), coalesce("+scope+", 0) FROM (SELECT rowid FROM search WHERE search MATCH ? AND rowid < ? "+
			"ORDER BY rowid DESC LIMIT ?) s LEFT JOIN item i ON i.no = s.rowid LEFT JOIN part p ON p.id = i.part ORDER BY s.rowid DESC",
			args, func(rows *sql.Rows) error {
				var h hit
				var visible bool
				if err := rows.Scan(&h.no, store.ID(&h.part), &visible); err != nil {
					return err
				}
				matched++
				below = h.no
				if visible && !seen[h.part] && len(hits) < MaxFound {
					seen[h.part] = true
					hits = append(hits, h)
				}
				return nil
			})
		if err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		if matched < page {
			break
		}
	}
	if len(hits) == 0 {
		return nil, nil
	}
	ids, numbers := make([]care.EventID, len(hits)), make([]any, len(hits))
	for i, h := range hits {
		ids[i], numbers[i] = h.part, h.no
	}
	in, args := store.In(ids)
	parts, err := a.parts("WHERE p.id IN "+in, args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[care.EventID]part, len(parts))
	for _, p := range parts {
		byID[p.id] = p
	}
	texts := map[int64]string{}
	err = a.each("SELECT no, text FROM item WHERE no IN (?"+strings.Repeat(", ?", len(numbers)-1)+")", numbers, func(rows *sql.Rows) error {
		var no int64
		var text string
		err := rows.Scan(&no, &text)
		texts[no] = text
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	rows := make([]Row, 0, len(hits))
	words := strings.Fields(store.Words(search))
	for _, h := range hits {
		r := a.row(byID[h.part])
		r.Snippet = care.Text(around(texts[h.no], words))
		rows = append(rows, r)
	}
	return rows, nil
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

// around is the part of a text with the first word that a search looks for, on one line.
func around(text string, words []string) string {
	fields := strings.Fields(text)
	for i, f := range fields {
		if !hit(f, words) {
			continue
		}
		from := max(0, i-6)
		if from == 0 {
			break
		}
		return "…" + cut(strings.Join(fields[from:], " "))
	}
	return cut(text)
}

// hit reports whether a piece of text holds one of the words, the last one as a beginning.
func hit(piece string, words []string) bool {
	for _, have := range strings.Fields(store.Words(piece)) {
		for i, w := range words {
			if have == w || i == len(words)-1 && strings.HasPrefix(have, w) {
				return true
			}
		}
	}
	return false
}
