package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"postern/backend"
	"postern/backend/care"
	"postern/frontend"
)

func newServe(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Shows Postern in a browser on this computer",
		Long: "Serves Postern to a browser on this computer and prints one line, open: URL. The link is good while the\n" +
			"program runs; open it in several browsers to sign in as several people.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), *f, nil, cmd.OutOrStdout()) },
	}
}

// serve shows the profiles of a data folder until the context ends.
func serve(ctx context.Context, f flags, invitation []byte, out io.Writer) error {
	log, err := logger(f, os.Stderr)
	if err != nil {
		return err
	}
	l, err := listen(ctx, "--listen", f.listen)
	if err != nil {
		return err
	}
	b := backend.New(f.data, log, nil).Using(keychain{}, true)
	defer b.Close()
	return show(ctx, l, b, f.data, log, invitation, out)
}

// show serves the screens until the context ends, then ends cleanly.
func show(ctx context.Context, l net.Listener, b *backend.Backend, data string, log *slog.Logger, invitation []byte, out io.Writer) error {
	token, err := newToken()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if _, err := fmt.Fprintf(out, "open: http://%s/open?token=%s\n", l.Addr(), token); err != nil {
		return errors.Join(err, l.Close())
	}
	return serveUntil(ctx, l, frontend.New(home{b}, frontend.Options{Token: token, Mark: mark(data), Log: log, Invitation: invitation, Ending: ctx.Done()}), log)
}

// serveUntil answers until the context ends. What is under way then is still answered: the context ends no request, or
// a text that is just being saved would be lost. Only the event streams, which have no end of their own, hear of it.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	if err := srv.Shutdown(grace); err != nil {
		log.Warn("some requests were cut off", "err", err)
		_ = srv.Close()
	}
	return nil
}

// listen opens the loopback address that a flag names; anything else would show patients' messages to the network, or how the
// clinic's agent stands.
func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, care.Because(care.Invalid, err, flag+" takes an address and a port, such as 127.0.0.1:8421.")
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, care.Refusef(care.Invalid, "%s takes a loopback address only (127.0.0.1, ::1 or localhost), not %s", flag, host)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, care.Because(care.Unavailable, err, "The address "+addr+" cannot be used. Name another with "+flag+", or port 0 for a free one.")
	}
	return l, nil
}

func newToken() (string, error) {
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
