package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
)

// doorbell is how a second start finds the first: a port on the loopback address, and a word that only who may read the
// data folder knows.
type doorbell struct {
	Addr string `json:"addr"`
	Word string `json:"word"`
}

// makeFolder makes the data folder, if it is not there.
func makeFolder(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return care.Because(care.Internal, err, "The data folder cannot be made. Name another with --data.")
	}
	return nil
}

func bellFile(data string) string { return filepath.Join(data, "doorbell.json") }

// first makes this program the one window of a data folder until closing. raised gets a word whenever a second start asks
// for the window. Where another program is first, that one is asked to show itself, the person is told, and hold is nil;
// otherwise the error says what holds the folder.
func first(cmd *cobra.Command, data string) (hold io.Closer, raised <-chan struct{}, err error) {
	ctx := cmd.Context()
	if err := makeFolder(data); err != nil {
		return nil, nil, err
	}
	lock, err := backend.HoldFolder(data)
	if care.KindOf(err) == care.Conflict && ring(ctx, data) == nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "postern: it is open already; its window was brought to the front.")
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	bell, raised, err := hang(ctx, data)
	if err != nil { // a window that cannot be raised is still a window
		return lock, nil, nil
	}
	return closers{bell, lock}, raised, nil
}

// hang listens for second starts.
func hang(ctx context.Context, data string) (io.Closer, <-chan struct{}, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen for a second start: %w", err)
	}
	d := doorbell{Addr: l.Addr().String(), Word: rand.Text()}
	text, err := json.Marshal(d)
	if err == nil {
		err = os.WriteFile(bellFile(data), text, 0o600)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("tell where to ring: %w", err), l.Close())
	}
	raised := make(chan struct{}, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go answer(c, d.Word, raised)
		}
	}()
	return closers{l, removal(bellFile(data))}, raised, nil
}

// answer raises the window for who knows the word, and says so.
func answer(c net.Conn, word string, raised chan<- struct{}) {
	defer func() { _ = c.Close() }() // nothing is owed
	if c.SetDeadline(time.Now().Add(5*time.Second)) != nil {
		return
	}
	line, err := bufio.NewReader(io.LimitReader(c, 100)).ReadString('\n')
	if err != nil || subtle.ConstantTimeCompare([]byte(line), []byte(word+"\n")) != 1 {
		return
	}
	select {
	case raised <- struct{}{}:
	default: // it is being raised
	}
	_, _ = io.WriteString(c, "raised\n") // who rang and left needs no answer
}

// ring asks the first program of a data folder to show its window.
func ring(ctx context.Context, data string) error {
	text, err := os.ReadFile(bellFile(data))
	if err != nil {
		return fmt.Errorf("find the first window: %w", err)
	}
	var d doorbell
	if err := json.Unmarshal(text, &d); err != nil {
		return fmt.Errorf("find the first window: %w", err)
	}
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		return fmt.Errorf("reach the first window: %w", err)
	}
	defer func() { _ = c.Close() }() // it has said all
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, d.Word+"\n"); err != nil {
		return fmt.Errorf("reach the first window: %w", err)
	}
	if said, err := bufio.NewReader(c).ReadString('\n'); said != "raised\n" {
		return fmt.Errorf("the first window does not answer: %q, %w", said, err)
	}
	return nil
}

// closers close in order.
type closers []io.Closer

func (all closers) Close() error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// removal is a file that goes at closing.
type removal string

func (r removal) Close() error { return os.Remove(string(r)) }
