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

	chain   seat.Keychain
	secret  bool  // is in the keychain
	noChain error // why the keychain cannot be reached, if it cannot
	inside  bool  // somebody was in since the start
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

// alone leaves Marisol's profile as the only one on this computer, whose keychain can be reached.
func (w *world) alone() *world {
	w.profile = w.profile[:1]
	w.keys.chain = seat.Keychain{Offered: true, Reached: true}
	return w
}

// restarts is a start of Postern.
func (w *world) restarts() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys.inside = false
}

func (w *world) OpenByKeychain(ctx context.Context, profile string) (seat.Signed, error) {
	all, err := w.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch k := &w.keys; {
	case len(all) != 1 || all[0].ID != profile || !all[0].Opens:
		return nil, care.Refusef(care.Forbidden, "The passphrase is asked for now. Type it.").In("passphrase")
	case k.noChain != nil:
		return nil, k.noChain
	case !k.secret:
		k.inside = true
		return nil, care.Refusef(care.NotFound, "This computer's keychain does not hold the key to this profile any more. Type your passphrase.").In("passphrase")
	default:
		k.inside = true
		return signed{w, marisol, ""}, nil
	}
}

func (s signed) Keychain(context.Context) (seat.Keychain, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.chain, nil
}

func (s signed) SetKeychain(_ context.Context, on bool, now string) error {
	if on {
		if err := s.try(now); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &s.keys
	if on && k.noChain != nil {
		return k.noChain
	}
	k.chain.On = on
	if k.noChain == nil {
		k.secret = on
	}
	return k.noChain
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
	s.keys.changed, s.keys.chain.On, s.keys.secret = next, false, false
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
