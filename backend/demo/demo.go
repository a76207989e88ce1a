// Package demo makes a small invented practice to look at and to try things in.
//
// It is made by the same commands that a person uses, over the same mail system, only with the clock moved: nothing is
// written past the program. What it makes is kept; starting again finds everything as it was left. Who it is made of stands
// in clinic.go, what they write to each other in talks_….go; play.go says when, act.go does it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/promise"
	"postern/backend/trust/enrol"
	"postern/backend/trust/vault"
)

// Mark is what a screen says of a demo, so that nobody takes its people for patients. Whether it is one says Made.
const Mark = "Demo - invented people"

// Made reports whether a data folder holds a finished demo.
func Made(data string) bool { return there(filepath.Join(data, made)) }

// The files that mark a data folder as the demo's: the first from the moment at which it is begun, the second once it is
// whole. Nothing is ever removed from a folder that has neither.
const (
	begun = "demo-begun"
	made  = "demo-made"
)

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// AgentData is the data folder of the clinic's agent within the demo's.
func AgentData(data string) string { return filepath.Join(data, "agent") }

// AgentProfile is the agent's profile in AgentData.
const AgentProfile = "agent"

// Maker makes the demo practice.
type Maker struct {
	Data     string
	Accounts enrol.Accounts
	Now      func() time.Time // nil: time.Now
	Params   vault.Params     // of every vault; zero: vault.Default, and nothing but a test takes less
	Log      *slog.Logger
	Say      func(done, of int, what string)

	mu    sync.Mutex
	clock time.Time // what everybody's computer shows

	business *promise.Clock
	people   map[string]*backend.Profile
	offices  map[string]care.Office
	backs    []*backend.Backend
	parts    map[int]care.EventID // by talk: the conversation that it became
	sent     []sent
}

// Make makes the practice, its people and their conversations. It needs an empty folder: care.Conflict otherwise.
func (m *Maker) Make(ctx context.Context) (err error) {
	if Made(m.Data) {
		return care.Refusef(care.Conflict, "There is a demo in this folder already.")
	}
	if err := m.begin(); err != nil {
		return err
	}
	if m.Now == nil {
		m.Now = time.Now
	}
	if m.business, err = promise.New(practice.Calendar); err != nil {
		return err
	}
	m.people, m.offices, m.parts = map[string]*backend.Profile{}, map[string]care.Office{}, map[int]care.EventID{}
	defer func() {
		for _, b := range m.backs {
			b.Close()
		}
	}()
	if err := m.practice(ctx); err != nil {
		return fmt.Errorf("make the practice: %w", err)
	}
	if err := m.play(ctx); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Data, made), nil, 0o600)
}

// begin marks the folder as the demo's, and clears away a demo that was begun and never finished.
func (m *Maker) begin() error {
	for _, name := range []string{"profiles", "agent", "practice"} {
		if there(filepath.Join(m.Data, name)) && !there(filepath.Join(m.Data, begun)) {
			return care.Refusef(care.Conflict, "This folder holds a practice that is not the demo's. Name another folder with --data.")
		}
	}
	if err := StartOver(m.Data); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.Data, begun), nil, 0o600)
}

// at is the moved clock.
func (m *Maker) at() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}

func (m *Maker) move(to time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = to
}

// StartOver removes a demo from its data folder. What was written in it is gone for good. It touches nothing in a folder
// that is not the demo's.
func StartOver(data string) error {
	if !there(filepath.Join(data, begun)) {
		return nil
	}
	var errs []error
	for _, name := range []string{made, "profiles", "agent", "practice", begun} {
		errs = append(errs, os.RemoveAll(filepath.Join(data, name)))
	}
	return errors.Join(errs...)
}

// ThrowAway is StartOver with the embedded gateway, which must not run.
func ThrowAway(data string) error {
	if !there(filepath.Join(data, begun)) {
		return nil
	}
	return errors.Join(os.RemoveAll(backend.GatewayDir(data)), StartOver(data))
}
