package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"postern/backend/care"
)

// How many wrong passphrases in a row a profile takes before a pause, and how long the first and the longest pause are.
const (
	triesAllowed = 5
	firstPause   = 5 * time.Minute
	longestPause = time.Hour
)

// tries is how often in a row a wrong passphrase was given, as it is stored. It is no secret. No pause stands in it: its
// length follows from the number, so that no file can make one longer than the longest.
type tries struct {
	Wrong int       `json:"wrong"`
	Last  time.Time `json:"last"`
}

// Tries is how a profile stands with wrong passphrases.
type Tries struct {
	Left  int           // tries before the next pause, none during one
	Pause time.Duration // how long the next pause is, or the one that is on
	Until time.Time     // when the pause that is on ends; zero: none is on
}

// pause is how long the pause is that the last try began; zero: it began none.
func (t tries) pause() time.Duration {
	if t.Wrong == 0 || t.Wrong%triesAllowed != 0 {
		return 0
	}
	return pauseNumber(t.Wrong / triesAllowed)
}

func pauseNumber(n int) time.Duration {
	d := firstPause
	for ; n > 1 && d < longestPause; n-- {
		d *= 2
	}
	return min(d, longestPause)
}

func (t tries) stand(now time.Time) Tries {
	if pause := t.pause(); pause > 0 && now.Before(t.Last.Add(pause)) {
		return Tries{Pause: pause, Until: t.Last.Add(pause)}
	}
	return Tries{Left: triesAllowed - t.Wrong%triesAllowed, Pause: pauseNumber(t.Wrong/triesAllowed + 1)}
}

// Try is Open for whoever sits at the screen: it counts. After five wrong passphrases in a row none is tried for a while,
// not even the right one (care.Paused): five minutes at first, then twice as long each time, an hour at most. A right one
// begins anew. Restarts, and other processes, count on; now is the computer's clock.
//
// A try is counted before it is made: one that is cut short was one, and of many at once no more are made than are left.
func Try(dir, passphrase string, now time.Time) (*Vault, error) {
	f, err := soundFile(path(dir)) // what is damaged was no try
	if err != nil {
		return nil, err
	}
	wrong, err := take(dir, now)
	if err != nil {
		return nil, err
	}
	box, err := openByPassphrase(path(dir), f, passphrase)
	if err != nil {
		return nil, err
	}
	forget(dir)
	v, err := unpack(box)
	if err == nil {
		v.wrong = wrong
	}
	return v, err
}

// Wrong is how many wrong passphrases came, in a row, before the right one that Try opened this vault with.
func (v *Vault) Wrong() int { return v.wrong }

// Standing says how a profile stands with wrong passphrases.
func Standing(dir string, now time.Time) (Tries, error) {
	t, err := readTries(dir)
	return t.asOf(now).stand(now), err
}

// take takes one of the tries that are left, on the disk before it returns, and says how many in a row were wrong before.
// Where that cannot be written, none is made.
func take(dir string, now time.Time) (wrong int, err error) {
	release, err := holdFolder(dir)
	if err != nil {
		return 0, err
	}
	defer release()
	kept, err := readTries(dir)
	if err != nil {
		return 0, err
	}
	t := kept.asOf(now)
	if t.stand(now).Until.IsZero() {
		return t.Wrong, writeTries(dir, tries{Wrong: t.Wrong + 1, Last: now})
	}
	if t != kept { // else it would begin anew with each look at it
		err = writeTries(dir, t)
	}
	return 0, errors.Join(care.Refusef(care.Paused, "There is a pause now, after %d wrong tries. Your messages are safe.", triesAllowed), err)
}

// asOf is the count as a clock sees it that may have been set back: the last try was now at the latest. A pause ends no
// sooner for that, and is never longer than its length.
func (t tries) asOf(now time.Time) tries {
	if t.Last.After(now) {
		t.Last = now
	}
	return t
}

// forget ends the count. Where it cannot, nobody is kept out who has the right passphrase: what is left of the count ends
// with the next use of it.
func forget(dir string) {
	if os.Remove(triesPath(dir)) == nil {
		_ = syncDir(dir)
	}
}

func triesPath(dir string) string { return filepath.Join(dir, "tries.json") }

func readTries(dir string) (tries, error) {
	raw, err := os.ReadFile(triesPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return tries{}, nil
	}
	if err != nil {
		return tries{}, fmt.Errorf("read wrong tries: %w", err)
	}
	return parseTries(raw), nil
}

// parseTries takes what makes no sense for five wrong tries just now: that is the safe side, and it ends by itself.
func parseTries(raw []byte) tries {
	var t tries
	if err := json.Unmarshal(raw, &t); err != nil || t.Wrong < 0 || t.Wrong > 1<<30 {
		return tries{Wrong: triesAllowed, Last: time.Unix(1<<40, 0)}
	}
	return t
}

func writeTries(dir string, t tries) error {
	raw, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("count a try: %w", err)
	}
	return replaceFile(triesPath(dir), append(raw, '\n'))
}
