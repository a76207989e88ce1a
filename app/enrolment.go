package app

import (
	"context"
	"errors"
	"os"

	"postern/backend"
	"postern/backend/care"
	"postern/frontend/seat"
)

func (h home) OpenInvitation(file []byte, code string) (seat.Invitation, error) {
	i, err := h.b.OpenInvitation(file, code)
	if err != nil {
		return seat.Invitation{}, err
	}
	return seat.Invitation{Clinic: i.Clinic, FrontDesk: i.FrontDesk, Name: i.Name, Record: i.Record, Role: i.Role,
		AsksBorn: i.Born != "", Expires: i.Expires}, nil
}

func (h home) CheckBorn(file []byte, code, born string) error {
	i, err := h.b.OpenInvitation(file, code)
	if err != nil {
		return err
	}
	return i.CheckBorn(born)
}

func (h home) Enrol(e seat.Enrolment) (string, error) { return h.b.Enrol(backend.Enrolment(e)) }

func (h home) Enrolling(profile string) (seat.Enrolling, error) {
	now, err := h.b.Enrolling(profile)
	return seat.Enrolling{Step: seat.EnrolStep(now.Step), Problem: now.Problem, Over: now.Over}, err
}

func (h home) EnrolmentSheet(profile string) (string, error) { return h.b.EnrolmentSheet(profile) }

func (h home) Enter(ctx context.Context, profile string) (seat.Signed, error) {
	p, err := h.b.Enter(ctx, profile)
	if err != nil {
		return nil, err
	}
	return h.enters(p), nil
}

func (h home) TryMail(ctx context.Context, m seat.MailChoice) ([]seat.MailStep, error) {
	return steps(h.b.TryMail(ctx, backend.MailChoice(m)))
}

func steps(all []backend.MailStep, err error) ([]seat.MailStep, error) {
	out := make([]seat.MailStep, 0, len(all))
	for _, s := range all {
		out = append(out, seat.MailStep(s))
	}
	return out, err
}

func (h home) Found(ctx context.Context, f seat.Founding) (seat.Founded, error) {
	made, err := h.b.Found(ctx, backend.Founding{Practice: f.Practice, Mail: backend.MailChoice(f.Mail), RootPassphrase: f.RootPassphrase,
		Name: f.Name, Label: f.Label, Passphrase: f.Passphrase})
	return seat.Founded{Profile: made.Profile, RootCode: made.RootCode}, err
}

func (h home) RootFile(profile string) ([]byte, error) {
	path, err := h.b.RootFile(profile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, care.Because(care.NotFound, err, "The root key is not on this computer any more.")
	case err != nil:
		return nil, care.Because(care.Internal, err, "The file with the root key cannot be read.")
	}
	return text, nil
}

func (h home) RootTaken(profile string) error {
	path, err := h.b.RootFile(profile)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return care.Because(care.Internal, err, "The file with the root key cannot be removed from this computer.")
	}
	return nil
}
