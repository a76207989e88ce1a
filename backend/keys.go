package backend

import (
	"context"
	"path/filepath"

	"postern/backend/care"
	"postern/backend/trust/audit"
	"postern/backend/trust/strength"
	"postern/backend/trust/vault"
)

// Tries says how often a wrong passphrase may still be given for a profile, and what comes then.
func (b *Backend) Tries(id string) (vault.Tries, error) {
	dir, err := b.profileDir(id)
	if err != nil {
		return vault.Tries{}, err
	}
	return vault.Standing(dir, b.now())
}

// Judge says how strong a passphrase would be for a profile; "" is any. A new one is held to the same.
func (b *Backend) Judge(id, text string) strength.Verdict {
	return strength.Judge(text, b.labelOf(id))
}

// SuggestPassphrase gives a strong passphrase that nobody else has.
func SuggestPassphrase() (string, error) { return strength.Suggest() }

// labelOf is the name that the person chose, which others would try first; "" where it cannot be known.
func (b *Backend) labelOf(id string) string {
	label, err := vault.Label(filepath.Join(ProfilesDir(b.data), filepath.Base(id)))
	if err != nil {
		return ""
	}
	return label
}

// Recovers says whose profile a recovery code opens. A code says itself which: nobody has to be asked, and who has none
// learns nothing of who is here. One that opens none is care.Invalid, however often it is tried: nobody guesses a code.
func (b *Backend) Recovers(typed string) (Label, error) {
	label, v, err := b.byCode(typed)
	if err == nil {
		v.Close()
	}
	return label, err
}

func (b *Backend) byCode(typed string) (Label, *vault.Vault, error) {
	code, err := vault.ParseCode(typed)
	if err != nil {
		return Label{}, nil, err
	}
	all, err := b.Profiles()
	if err != nil {
		return Label{}, nil, err
	}
	for _, l := range all {
		v, err := vault.OpenByCode(filepath.Join(ProfilesDir(b.data), l.ID), code)
		switch {
		case err == nil:
			return l, v, nil
		case care.KindOf(err) != care.Invalid: // another profile's trouble is no reason to keep this person out
			b.log.Warn("a profile's vault cannot be read", "profile", l.ID, "err", err)
		}
	}
	return Label{}, nil, vault.WrongCode()
}

// Recover signs in with a recovery code, also during a pause, and gives the profile another passphrase: from then on the
// old one, the code and a keychain open nothing. Where it cannot be signed in to, both stay good. Else it is as SignIn.
func (b *Backend) Recover(ctx context.Context, typed, next string) (*Profile, Label, error) {
	label, v, err := b.byCode(typed)
	if err != nil {
		return nil, Label{}, err
	}
	defer v.Close()
	if err := strength.Check(next, label.Label); err != nil {
		return nil, Label{}, err
	}
	p, err := b.enter(ctx, label.ID, filepath.Join(ProfilesDir(b.data), label.ID), v, true)
	if err != nil {
		return nil, Label{}, err
	}
	kept, err := vault.InKeychain(p.dir)
	if err == nil {
		err = v.Recover(next)
	}
	if err != nil {
		b.Leave(p)
		return nil, Label{}, err
	}
	p.trail.note(ctx, p.trail.entry(audit.Recovered))
	b.tidyKeychain(ctx, p.ID, kept)
	return p, label, nil
}

// unlock opens the vault with the passphrase of now, tried as at sign-in. What was tried in vain before it is recorded.
func (p *Profile) unlock(now string) (*vault.Vault, error) {
	v, err := vault.Try(p.dir, now, p.now())
	if err == nil {
		p.trail.note(context.Background(), p.trail.refused(v.Wrong())...)
	}
	return v, err
}

// ChangePassphrase gives the profile another passphrase. The one of now is asked for, and tried as at sign-in: an unlocked
// screen is not enough to take a profile over. A keychain does not open the profile from then on.
func (p *Profile) ChangePassphrase(now, next string) error {
	label, err := vault.Label(p.dir)
	if err != nil {
		return err
	}
	if err := strength.Check(next, label); err != nil {
		return err
	}
	v, err := p.unlock(now)
	if err != nil {
		return err
	}
	defer v.Close()
	kept, err := vault.InKeychain(p.dir)
	if err != nil {
		return err
	}
	if err := v.SetPassphrase(next); err != nil {
		return err
	}
	p.trail.note(context.Background(), p.trail.entry(audit.PassphraseChanged))
	p.b.tidyKeychain(context.Background(), p.ID, kept)
	return nil
}

// NewCode makes a recovery code and ends the one before. It is shown once and kept nowhere. The passphrase is asked for as
// in ChangePassphrase.
func (p *Profile) NewCode(now string) (string, error) {
	v, err := p.unlock(now)
	if err != nil {
		return "", err
	}
	defer v.Close()
	code, err := v.NewCode()
	if err != nil {
		return "", err
	}
	p.trail.note(context.Background(), p.trail.entry(audit.SheetMade))
	return code.Text(), nil
}

// HasCode reports whether a recovery code is in force.
func (p *Profile) HasCode() (bool, error) { return vault.HasCode(p.dir) }
