package backend

import (
	"context"
	"errors"
	"slices"

	"postern/backend/care"
	"postern/backend/trust/audit"
	"postern/backend/trust/vault"
)

// Keychain is the one of a person's account on this computer: it keeps one secret a profile, by the profile's id.
type Keychain interface {
	// Reach says why it cannot be reached; nil: it can. Nobody is asked anything.
	Reach(ctx context.Context) error
	// Keep puts a secret in the place of the one before. Keep and Find may ask the person to unlock the keychain, and wait.
	Keep(ctx context.Context, profile, secret string) error
	// Find gives the secret of a profile; care.NotFound: there is none.
	Find(ctx context.Context, profile string) (secret string, err error)
	// Forget removes it. Where there is none it does nothing.
	Forget(ctx context.Context, profile string) error
}

// Using lets members keep the key to their profile in this computer's keychain. opens is whether this program may open a
// profile with it: a further window of a Postern that runs may not, or it would be a way around the lock of the first.
func (b *Backend) Using(k Keychain, opens bool) *Backend {
	b.keychain, b.opens = k, opens
	return b
}

// KeychainState is how a profile stands with the keychain.
type KeychainState struct {
	Offered bool // it may be chosen: by a member, whose profile is the only one here
	On      bool // a secret in the keychain opens the profile
	Reached bool
}

// offersOpen reports whether a profile, the only one here, opens by the keychain: where its member chose so, and nobody was
// in it since this program began.
func (b *Backend) offersOpen(id string) bool {
	if b.keychain == nil || !b.opens || b.place(id).asks.Load() {
		return false
	}
	dir, err := b.profileDir(id)
	if err != nil {
		return false
	}
	in, err := vault.InKeychain(dir)
	return err == nil && in // a damaged vault is said at the passphrase
}

// OpenByKeychain signs in with what the keychain keeps, where Profiles says that it opens. Where it cannot, the passphrase is
// asked for: care.NotFound where the keychain has not the key any more, care.Unavailable where it cannot be reached,
// care.Forbidden where it may not. No try is counted. Else it is as SignIn.
func (b *Backend) OpenByKeychain(ctx context.Context, id string) (*Profile, error) {
	dir, err := b.profileDir(id)
	if err != nil {
		return nil, err
	}
	all, err := b.Profiles()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(all, func(l Label) bool { return l.ID == id && l.Opens }) {
		return nil, care.Refusef(care.Forbidden, "The passphrase is asked for now. Type it.").In("passphrase")
	}
	v, err := b.openVault(ctx, id, dir)
	if care.KindOf(err) == care.NotFound {
		b.place(id).asks.Store(true) // it is not offered in vain a second time
	}
	if err != nil {
		return nil, err
	}
	defer v.Close()
	s := v.Secrets()
	defer s.Wipe()
	if s.Person.Role != care.RoleMember {
		return nil, care.Refusef(care.Forbidden, "Only a member's profile opens without its passphrase. Type it.").In("passphrase")
	}
	return b.enter(ctx, id, dir, v, true)
}

func (b *Backend) openVault(ctx context.Context, id, dir string) (*vault.Vault, error) {
	text, err := b.keychain.Find(ctx, id)
	switch {
	case care.KindOf(err) == care.NotFound:
		return nil, vault.WrongKeychainSecret()
	case err != nil:
		b.log.Warn("the keychain cannot be reached", "profile", id, "err", err)
		return nil, care.Because(care.Unavailable, err, "This computer's keychain cannot be reached now. Type your passphrase.").In("passphrase")
	}
	secret, err := vault.ParseKeychainSecret(text)
	if err != nil {
		return nil, err
	}
	return vault.OpenByKeychain(dir, secret)
}

// Keychain says how this profile stands with the keychain.
func (p *Profile) Keychain(ctx context.Context) (s KeychainState, err error) {
	if s.On, err = vault.InKeychain(p.dir); err != nil || p.b.keychain == nil {
		return s, err
	}
	s.Offered, err = p.mayKeep()
	if s.Offered {
		s.Reached = p.b.keychain.Reach(ctx) == nil
	}
	return s, err
}

// mayKeep reports whether a keychain may open this profile: a member's, and the only one of this data folder. What others use
// as well is no place for it, and whoever reads other people's messages types a passphrase.
func (p *Profile) mayKeep() (bool, error) {
	if p.b.keychain == nil || p.me.Role != care.RoleMember {
		return false, nil
	}
	all, err := p.b.Profiles()
	return len(all) == 1 && all[0].ID == p.ID, err
}

// SetKeychain lets the keychain open this profile, or ends that. To let it takes the passphrase of now, tried as at sign-in; to
// end it takes nothing. care.Unavailable says that the keychain could not be reached, and what that means.
func (p *Profile) SetKeychain(ctx context.Context, on bool, now string) error {
	if !on {
		return p.endKeychain(ctx)
	}
	may, err := p.mayKeep()
	if err != nil {
		return err
	}
	if !may {
		return care.Refusef(care.Forbidden, "Only a member's profile that is alone on its computer can be opened without its passphrase.")
	}
	if err := p.b.keychain.Reach(ctx); err != nil {
		return noKeychain(err)
	}
	v, err := p.unlock(now)
	if err != nil {
		return err
	}
	defer v.Close()
	secret := vault.NewKeychainSecret()
	if err := p.putAway(ctx, secret); err != nil {
		return err
	}
	if err := v.KeepInKeychain(secret); err != nil {
		return errors.Join(err, p.b.keychain.Forget(ctx, p.ID))
	}
	p.trail.note(context.WithoutCancel(ctx), p.trail.entry(audit.KeychainOn))
	return nil
}

// putAway puts a secret into the keychain, and looks that it is there: not each keychain says that somebody declined.
func (p *Profile) putAway(ctx context.Context, secret vault.KeychainSecret) error {
	if err := p.b.keychain.Keep(ctx, p.ID, secret.Text()); err != nil {
		return noKeychain(err)
	}
	switch kept, err := p.b.keychain.Find(ctx, p.ID); {
	case err != nil:
		return noKeychain(err)
	case kept != secret.Text():
		return noKeychain(errors.New("the keychain gives something else back than was put there"))
	}
	return nil
}

func noKeychain(cause error) error {
	return care.Because(care.Unavailable, cause, "This computer's keychain cannot be reached, so nothing was changed. Postern goes on asking for your passphrase.")
}

// endKeychain ends it in the vault first: from then on what the keychain has opens nothing.
func (p *Profile) endKeychain(ctx context.Context) error {
	was, err := vault.InKeychain(p.dir)
	if err != nil || !was {
		return err
	}
	if err := vault.ForgetKeychain(p.dir); err != nil {
		return err
	}
	p.trail.note(context.WithoutCancel(ctx), p.trail.entry(audit.KeychainOff))
	if err := p.b.forgetSecret(ctx, p.ID); err != nil {
		return care.Because(care.Unavailable, err, "It is turned off. This computer's keychain could not be reached, so an entry of Postern's that opens nothing any more may stay in it.")
	}
	return nil
}

// forgetSecret removes what the keychain keeps for a profile; it opens nothing any more.
func (b *Backend) forgetSecret(ctx context.Context, id string) error {
	if b.keychain == nil {
		return errors.New("this Postern uses no keychain")
	}
	if err := b.keychain.Reach(ctx); err != nil {
		return err
	}
	return b.keychain.Forget(ctx, id)
}

// tidyKeychain is forgetSecret after another passphrase has ended it, which nothing can undo: a trouble is logged.
func (b *Backend) tidyKeychain(ctx context.Context, id string, was bool) {
	if !was {
		return
	}
	if err := b.forgetSecret(ctx, id); err != nil {
		b.log.Warn("an entry that opens nothing stays in the keychain", "profile", id, "err", err)
	}
}
