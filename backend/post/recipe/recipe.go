// Package recipe is the Go side of build/gateways: it sets up a Dovecot and a Postfix in a folder of their own on this
// computer, starts and stops them, and makes mailboxes and logins there, for the demo and for tests. It is no part of
// a clinic's running Postern, and works where that script works: Linux, as root or with sudo.
package recipe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern/backend/care"
	"postern/build/gateways"
)

// System is one mail system in a folder. Its methods may run concurrently.
type System struct {
	dir    string
	values map[string]string // of gateway.env
	roots  string
}

// Options are what a new system is told.
type Options struct {
	BasePort int    // the first of four ports; 0: any that are free
	Domain   string // of the addresses; postern.test if empty
}

// Init sets a mail system up in dir, or opens the one that is there already, whose settings stay. It starts nothing.
// The error is the script's own words: what lacks, and how to get it.
func Init(ctx context.Context, dir string, o Options) (*System, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("mail system: %w", err)
	}
	if err := unpack(filepath.Join(dir, "recipe")); err != nil {
		return nil, fmt.Errorf("write the recipe of the mail system: %w", err)
	}
	s := &System{dir: dir}
	args := []string{}
	if o.BasePort != 0 {
		args = append(args, "--base-port", strconv.Itoa(o.BasePort))
	}
	if o.Domain != "" {
		args = append(args, "--domain", o.Domain)
	}
	if _, err := s.script(ctx, "init", args...); err != nil {
		return nil, err
	}
	return s, s.load()
}

// unpack writes the script and its templates, which the folder keeps: it can be started and stopped without Postern.
func unpack(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(gateways.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := gateways.Files.ReadFile(name)
		if err != nil {
			return err
		}
		// A script that runs is read as it goes: it is replaced as a whole, never written over.
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file+".new", content, 0o644); err != nil {
			return err
		}
		return os.Rename(file+".new", file)
	})
}

func (s *System) load() error {
	content, err := os.ReadFile(filepath.Join(s.dir, "gateway.env"))
	if err != nil {
		return fmt.Errorf("mail system: %w", err)
	}
	s.values = map[string]string{}
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			s.values[name] = value
		}
	}
	roots, err := os.ReadFile(s.values["CA"])
	if err != nil {
		return fmt.Errorf("mail system: %w", err)
	}
	s.roots = string(roots)
	return nil
}

// Dir is the folder.
func (s *System) Dir() string { return s.dir }

// Domain is what follows the @ of its addresses.
func (s *System) Domain() string { return s.values["DOMAIN"] }

// Start starts both servers and returns when they answer. It does nothing if they run.
func (s *System) Start(ctx context.Context) error {
	_, err := s.script(ctx, "start")
	return err
}

// Stop stops both servers and returns when they are gone. It does nothing if they do not run.
func (s *System) Stop(ctx context.Context) error {
	_, err := s.script(ctx, "stop")
	return err
}

// held keeps the pipes of Run from being collected, and so closed, while their systems run.
var held sync.Map

// Run starts both servers for as long as this process lives, however it ends. The function that it returns stops them
// earlier; remove says whether the folder goes too.
func (s *System) Run(remove bool) (stop func() error, err error) {
	args := []string{s.path(), "run", s.dir}
	if remove {
		args = append(args, "--remove")
	}
	cmd := exec.Command("bash", args...)
	in, err := cmd.StdinPipe() // it ends when we do: that is what the script waits for
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run the mail system: %w", err)
	}
	stop = sync.OnceValue(func() error {
		held.Delete(in)
		if err := in.Close(); err != nil {
			return err
		}
		return complain(cmd.Wait(), &said)
	})
	held.Store(in, nil)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		if stopped := stop(); stopped != nil {
			return nil, stopped
		}
		return nil, fmt.Errorf("the mail system did not get ready: %q, %w", line, err)
	}
	return stop, nil
}

func (s *System) path() string { return filepath.Join(s.dir, "recipe", gateways.DovecotPostfix) }

// script runs a command of the script and gives what it printed.
func (s *System) script(ctx context.Context, command string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", append([]string{s.path(), command, s.dir}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := complain(cmd.Run(), &said); err != nil {
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}

func complain(err error, said io.Reader) error {
	if err == nil {
		return nil
	}
	words, _ := io.ReadAll(said) // a buffer
	if text := strings.TrimSpace(string(words)); text != "" {
		return fmt.Errorf("mail system: %s (%w)", strings.TrimPrefix(text, gateways.DovecotPostfix+": "), err)
	}
	return fmt.Errorf("mail system: %w", err)
}

// Mailbox makes the mailbox with that local part, if there is none, and gives its address. The name is one of
// lower-case letters, digits, dots, hyphens and underscores.
func (s *System) Mailbox(ctx context.Context, local string) (string, error) {
	return s.script(ctx, "mailbox", local)
}

// Login makes a new login, under a random name and password, that reads the mailbox local and submits: as its owner,
// as one of its readers, who may change nothing in it, or else as the agent. Every call makes another; each has its
// own ten connections.
func (s *System) Login(ctx context.Context, local string, reader, owner bool) (care.MailLogin, error) {
	kind := "agent"
	switch {
	case owner:
		kind = "owner"
	case reader:
		kind = "staff"
	}
	_, name, _ := strings.Cut(care.NewID("lg"), "_")
	password, err := s.script(ctx, "login", name, local, kind)
	if err != nil {
		return care.MailLogin{}, err
	}
	return care.MailLogin{User: name, Password: password, Address: name + "@" + s.Domain(), Roots: s.roots,
		SMTP: s.Endpoint("SMTPS", care.TLSImplicit), IMAP: s.Endpoint("IMAPS", care.TLSImplicit)}, nil
}

// Without takes a login or mailbox away: within a second it is refused. What is in the mailbox stays.
func (s *System) Without(ctx context.Context, local string) error {
	_, err := s.script(ctx, "without", local)
	return err
}

// Endpoint is one of the four services: IMAPS and SMTPS, which speak TLS at once, and IMAP and SMTP, which offer
// STARTTLS and also do without, since they listen on this computer alone.
func (s *System) Endpoint(service string, mode care.TLSMode) care.Endpoint {
	port, _ := strconv.Atoi(s.values[service]) // the script wrote it
	return care.Endpoint{Host: s.values["HOST"], Port: port, TLS: mode}
}
