// Package app is the shell: the commands, their flags and folders, and the wiring of backend and screens.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"postern/backend/care"
)

// Main runs the command line and ends the process: 0 when all is well, and with a sentence on standard error 78 where what was given
// has to be changed first, so that a service does not try it again and again (EX_CONFIG of sysexits.h), 1 for all else.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "postern:", sentence(err))
		os.Exit(ending(err))
	}
}

// ending is the number with which the process ends.
func ending(err error) int {
	var refusal *care.Error
	if errors.As(err, &refusal) && (refusal.Kind == care.Invalid || refusal.Kind == care.Forbidden) {
		return 78
	}
	return 1
}

// sentence is what the person at the terminal reads; a refusal's cause follows where it has one.
func sentence(err error) string {
	var refusal *care.Error
	if errors.As(err, &refusal) && refusal.Cause != nil {
		return fmt.Sprintf("%s (%v)", refusal.Sentence, refusal.Cause)
	}
	return err.Error()
}

// flags are common to all commands.
type flags struct {
	data   string
	listen string
	log    string
}

func newRoot() *cobra.Command {
	var f flags
	var newWindow bool
	root := &cobra.Command{
		Use:           "postern [INVITATION]",
		Short:         "A secure message center between a clinic and its members",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := invited(args)
			if err != nil {
				return err
			}
			return runWindow(cmd, f, newWindow || file != nil, file)
		},
	}
	root.Flags().BoolVar(&newWindow, "new-window", false, "open a further window, though one is open on this data folder")
	root.PersistentFlags().StringVar(&f.data, "data", defaultData(), "folder with the profiles of this computer")
	root.PersistentFlags().StringVar(&f.listen, "listen", "127.0.0.1:0", "address for the browser, loopback only; port 0 takes a free one")
	root.PersistentFlags().StringVar(&f.log, "log", "text", "log on standard error: text, or json for one object a line")
	root.AddCommand(newServe(&f), newDemo(&f), newAgent(&f), newPractice(&f), newGateway(&f), newAudit(&f), newEnrol(&f), newBackup(&f), newRestore(&f))
	return root
}

// defaultData is where a person's profiles live by the platform's custom.
func defaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "postern")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "postern-data"
	}
	return filepath.Join(home, ".local", "share", "postern")
}

// logger writes to standard error. It is handed down; nothing logs on its own.
func logger(f flags, to io.Writer) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch f.log {
	case "text":
		return slog.New(slog.NewTextHandler(to, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(to, opts)), nil
	}
	return nil, care.Refusef(care.Invalid, "--log takes text or json, not %q", f.log)
}
