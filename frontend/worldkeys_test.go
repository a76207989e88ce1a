package frontend_test

import (
	"context"
	"strings"
	"time"

	"postern/backend/care"
	"postern/frontend/seat"
)

// keys is what opens the profiles of the world: one passphrase and one code for all.
type keys struct {
	changed string // the passphrase, once it is not "demo" any more
	code    string // "": there is none
	wrong   int
	until   time.Time
	fail    error // what recovering answers, if set
}

const (
	onSheet = "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZZ29"
	newOne  = "copper lantern river tuesday"
)

// try opens with a passphrase, or counts.
func (w *world) try(passphrase string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := &w.keys
	if w.now.Before(k.until) {
		return care.Refusef(care.Paused, "There is a pause now, after 5 wrong tries. Your messages are safe.")
	}
	right := "demo"
	if k.changed != "" {
		right = k.changed
	}
	if passphrase == right {
		k.wrong = 0
		return nil
	}
	if k.wrong++; k.wrong%5 == 0 {
		k.until = w.now.Add(5 * time.Minute)
	}
	return care.Refusef(care.Invalid, "That passphrase does not open this profile. Check Caps Lock and try again.").In("passphrase")
}

func (w *world) Tries(context.Context, string) (seat.Tries, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now.Before(w.keys.until) {
		return seat.Tries{Pause: 5 * time.Minute, Until: w.keys.until}, nil
	}
	return seat.Tries{Left: 5 - w.keys.wrong%5, Pause: 5 * time.Minute}, nil
}

func (w *world) Recovers(_ context.Context, code string) (seat.Profile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys.code == "" || !strings.EqualFold(code, w.keys.code) {
		return seat.Profile{}, care.Refusef(care.Invalid, "That code opens no profile on this computer. Each new sheet ends the one before: take the newest.").In("code")
	}
	return w.profile[0], nil
}

func (w *world) Recover(ctx context.Context, code, passphrase string) (seat.Signed, seat.Profile, error) {
	p, err := w.Recovers(ctx, code)
	if err == nil {
		err = weak(passphrase)
	}
	if err == nil {
		err = w.keys.fail
	}
	if err != nil {
		return nil, seat.Profile{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys = keys{changed: passphrase}
	return signed{w, marisol, ""}, p, nil
}

func weak(passphrase string) error {
	if s := (&world{}).Judge("", passphrase); !s.Enough {
		return care.Refusef(care.Invalid, "%s %s", s.Word, s.Advice).In("new")
	}
	return nil
}

func (w *world) Judge(_, passphrase string) seat.Strength {
	switch n := min(len(strings.Fields(passphrase)), 4); {
	case n == 0:
		return seat.Strength{Advice: "Four or more words that you can remember and others cannot guess."}
	case n < 3:
		return seat.Strength{Bars: n, Word: "Too easy to guess.", Advice: "Add another uncommon word or two."}
	default:
		return seat.Strength{Bars: n, Enough: true, Word: "Strong."}
	}
}

func (w *world) Suggest() (string, error) { return newOne, nil }

func (s signed) ChangePassphrase(now, next string) error {
	if err := weak(next); err != nil {
		return err
	}
	if err := s.try(now); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.changed = next
	return nil
}

func (s signed) NewCode(now string) (string, error) {
	if err := s.try(now); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.code = onSheet
	return onSheet, nil
}

func (s signed) HasCode() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.code != "", nil
}
