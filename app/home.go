package app

import (
	"context"
	"slices"
	"sync"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/command"
	"postern/backend/record/draft"
	"postern/backend/record/view"
	"postern/frontend/seat"
)

// home shows a backend's profiles to the screens. It translates between the two sides' words and adds nothing.
type home struct{ b *backend.Backend }

func (h home) Profiles(context.Context) ([]seat.Profile, error) {
	labels, err := h.b.Profiles()
	out := make([]seat.Profile, 0, len(labels))
	for _, l := range labels {
		out = append(out, seat.Profile(l))
	}
	return out, err
}

func (h home) SignIn(ctx context.Context, profile, passphrase string) (seat.Signed, error) {
	p, err := h.b.SignIn(ctx, profile, passphrase)
	if err != nil {
		return nil, err
	}
	return h.enters(p), nil
}

func (h home) OpenByKeychain(ctx context.Context, profile string) (seat.Signed, error) {
	p, err := h.b.OpenByKeychain(ctx, profile)
	if err != nil {
		return nil, err
	}
	return h.enters(p), nil
}

func (h home) Tries(_ context.Context, profile string) (seat.Tries, error) {
	t, err := h.b.Tries(profile)
	return seat.Tries(t), err
}

func (h home) Recovers(_ context.Context, code string) (seat.Profile, error) {
	l, err := h.b.Recovers(code)
	return seat.Profile(l), err
}

func (h home) Recover(ctx context.Context, code, passphrase string) (seat.Signed, seat.Profile, error) {
	p, label, err := h.b.Recover(ctx, code, passphrase)
	if err != nil {
		return nil, seat.Profile{}, err
	}
	return h.enters(p), seat.Profile(label), nil
}

// enters is a person who has just signed in, whichever way.
func (h home) enters(p *backend.Profile) *signed {
	return &signed{Profile: p, b: h.b, looks: p.Looks()}
}

func (h home) Judge(profile, passphrase string) seat.Strength {
	return seat.Strength(h.b.Judge(profile, passphrase))
}

func (home) Suggest() (string, error) { return backend.SuggestPassphrase() }

// signed is one person at one session.
type signed struct {
	*backend.Profile
	b     *backend.Backend
	looks *backend.Looks
	about care.PatientID // whose record is before a member; empty: their own
}

// For gives the same session another patient's record. It opens and closes nothing of its own.
func (s *signed) For(id care.PatientID) seat.Signed {
	for _, p := range s.WritesFor() {
		if p.ID == id && id != s.Own() {
			return &signed{Profile: s.Profile, b: s.b, looks: s.looks.For(id), about: id}
		}
	}
	if s.about == "" {
		return s
	}
	return &signed{Profile: s.Profile, b: s.b, looks: s.looks.For(s.Own())}
}

func (s *signed) Patient() care.Patient {
	for _, p := range s.WritesFor() {
		if p.ID == s.about {
			return p
		}
	}
	return s.Profile.Patient()
}

// Proxies leaves out who is signed in: they know that they read.
func (s *signed) Proxies() []care.Person {
	return slices.DeleteFunc(s.Profile.Proxies(s.Patient().ID), func(p care.Person) bool { return p.ID == s.Me().ID })
}

func (s *signed) Views() seat.Views {
	v := s.Profile.Views()
	if s.about != "" {
		v = v.For(s.about)
	}
	return views{v, s.looks}
}

func (s *signed) Desk() seat.Desk {
	d := s.Profile.Desk()
	if s.about != "" {
		d = d.For(s.about)
	}
	return desk{d, s.looks}
}

func (s *signed) Keychain(ctx context.Context) (seat.Keychain, error) {
	k, err := s.Profile.Keychain(ctx)
	return seat.Keychain(k), err
}

func (s *signed) Notices(ctx context.Context) (seat.Notices, error) {
	n, err := s.OwnNotices(ctx)
	return seat.Notices(n), err
}

func (s *signed) Audit() seat.Audit {
	if s.Me().Role != care.RoleAdministrator {
		return nil
	}
	return audits{s.Profile}
}

func (s *signed) Close() error {
	s.b.Leave(s.Profile)
	return nil
}

func (s *signed) Wake() (<-chan seat.Change, func()) {
	changes, cancel := s.Profile.Wake()
	out := make(chan seat.Change)
	done := make(chan struct{})
	go func() {
		defer close(out)
		for {
			select {
			case <-done:
				return
			case c, open := <-changes:
				if !open {
					return
				}
				select {
				case out <- seat.Change{Threads: c.Threads, Texts: c.Texts, Sync: c.Sync, Beaten: len(c.Beaten) > 0}:
				case <-done:
					return
				}
			}
		}
	}()
	return out, sync.OnceFunc(func() { cancel(); close(done) })
}

// views show conversations by way of the record of who looked at what: no screen has another way to one.
type views struct {
	*view.Views
	looks *backend.Looks
}

func (v views) Thread(ctx context.Context, part care.EventID) (view.Thread, error) {
	return v.looks.Thread(ctx, part, !seat.ByItself(ctx))
}

func (v views) Panel(ctx context.Context, patient care.PatientID) (view.Panel, error) {
	return v.looks.Panel(ctx, patient)
}

func (v views) File(ctx context.Context, part, item care.EventID, n int) (view.Content, error) {
	return v.looks.File(ctx, part, item, n)
}

// desk speaks the screens' words for drafts and texts on their way.
type desk struct {
	*command.Desk
	looks *backend.Looks
}

func (d desk) Copied(ctx context.Context, part care.EventID) error { return d.looks.Copied(ctx, part) }

func (d desk) SaveDraft(ctx context.Context, t view.Draft) (view.Draft, error) {
	saved, err := d.Desk.SaveDraft(ctx, draft.Draft{ID: t.ID, What: t.What, Thread: t.Thread, Part: t.Part,
		Patient: t.Patient, Private: t.Private, Office: t.Office,
		Topic: t.Topic, Subject: t.Subject, Text: t.Text})
	return shown(saved), err
}

func (d desk) TakeBack(ctx context.Context, id string) (view.Draft, error) {
	t, err := d.Desk.TakeBack(ctx, id)
	return shown(t), err
}

func (d desk) SendMessage(ctx context.Context, id string) (seat.Sending, error) {
	s, err := d.Desk.SendMessage(ctx, id)
	return seat.Sending(s), err
}

func (d desk) SendReply(ctx context.Context, id string) (seat.Sending, error) {
	s, err := d.Desk.SendReply(ctx, id)
	return seat.Sending(s), err
}

func (d desk) Complete(ctx context.Context, id string) (seat.Sending, error) {
	s, err := d.Desk.Complete(ctx, id)
	return seat.Sending(s), err
}

func (d desk) Became(ctx context.Context, id string) (seat.Sending, error) {
	s, err := d.Desk.Sending(ctx, id)
	return seat.Sending(s), err
}

func shown(t draft.Draft) view.Draft {
	return view.Draft{ID: t.ID, What: t.What, Thread: t.Thread, Part: t.Part, Patient: t.Patient, Private: t.Private,
		Office: t.Office, Topic: t.Topic, Subject: t.Subject, Text: t.Text, Saved: t.Saved}
}
