package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Bounds of a search.
const (
	maxWords   = 16  // more narrow nothing down, and each costs a lookup
	maxEndings = 256 // words that begin alike
	oneLetter  = 1   // bytes
)

// Query is what the search table is to MATCH for items that hold all words of a text; the last word may be the beginning
// of one, unless it is a single letter with which very many begin. It is empty where the text has no words. No text is
// an error.
//
// The index finds whole words at once but gathers all of a beginning's hits before the first; so the words that begin
// alike are looked up here and asked for by name.
func Query(ctx context.Context, tx *sql.Tx, text string) (match string, err error) {
	words := strings.Fields(Words(text))
	if len(words) == 0 {
		return "", nil
	}
	words = words[:min(len(words), maxWords)]
	for i, w := range words {
		words[i] = `"` + w + `"`
	}
	last := words[len(words)-1]
	word := strings.Trim(last, `"`)
	endings, all, err := beginningWith(ctx, tx, word)
	switch {
	case err != nil:
		return "", fmt.Errorf("look up words: %w", err)
	case !all && len(word) > oneLetter:
		words[len(words)-1] = last + "*" // too many to name: slower, and complete all the same
	case all && len(endings) > 0:
		words[len(words)-1] = `("` + strings.Join(endings, `" OR "`) + `")`
	}
	return strings.Join(words, " AND "), nil
}

// beginningWith gives the words of the index that begin with a prefix, and whether that is all of them. It goes from each
// word straight to the next, past everything that is known of it.
func beginningWith(ctx context.Context, tx *sql.Tx, prefix string) (words []string, all bool, err error) {
	next, err := tx.PrepareContext(ctx, "SELECT term FROM search_words WHERE term >= ? LIMIT 1")
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, next.Close()) }()
	for from := prefix; len(words) < maxEndings; {
		var word string
		err := next.QueryRowContext(ctx, from).Scan(&word)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !strings.HasPrefix(word, prefix) {
			return words, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		words = append(words, word)
		from = word + "\x01"
	}
	return nil, false, nil
}
