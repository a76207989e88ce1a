package app

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/menu"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	"github.com/wailsapp/wails/v2/pkg/options/mac"
	shell "github.com/wailsapp/wails/v2/pkg/runtime"

	"postern/backend"
	"postern/frontend"
)

// The smallest window that the screens are made for, and the one that a first start opens.
const (
	leastWidth, leastHeight = 1024, 700
	firstWidth, firstHeight = 1280, 800
)

//go:embed icon.png
var icon []byte

// runWindow opens the window on the profiles of a data folder: the one that is open already comes to the front. With no
// display it serves a browser instead.
func runWindow(cmd *cobra.Command, f flags, further bool, invitation []byte) error {
	ctx := cmd.Context()
	if !display() {
		noDisplay(cmd)
		return serve(ctx, f, invitation, cmd.OutOrStdout())
	}
	log, err := logger(f, os.Stderr)
	if err != nil {
		return err
	}
	// Also where an invitation opens it on a computer that has no profile yet: the text size chosen there is kept in it.
	if err := makeFolder(f.data); err != nil {
		return err
	}
	var raised <-chan struct{}
	if !further {
		hold, bell, err := first(cmd, f.data)
		if err != nil || hold == nil {
			return err
		}
		defer func() { _ = hold.Close() }() // the process ends
		raised = bell
	}
	b := backend.New(f.data, log, nil).Using(keychain{}, !further)
	defer b.Close()
	return openWindow(ctx, b, f.data, log, raised, invitation)
}

func noDisplay(cmd *cobra.Command) {
	fmt.Fprintln(cmd.ErrOrStderr(), "postern: there is no display here, so it is shown in a browser instead.")
}

// window is the desktop window: one browser session without a browser.
type window struct {
	data string
	b    *backend.Backend
	log  *slog.Logger
	end  context.Context // ended from outside: nobody is asked then

	ctx     atomic.Pointer[context.Context] // the toolkit's, once it runs
	kept    *keeper
	once    sync.Once   // it is put in its place at the first page alone
	asking  sync.Mutex  // while a dialog of the platform's is open
	closing atomic.Bool // it is being closed: the toolkit, too, hears a signal, and to end it twice is to crash it
}

// openWindow shows the screens in a window of their own until it is closed, or the context ends, and the invitation with which
// it was opened, if any. It must run on the main thread.
func openWindow(ctx context.Context, b *backend.Backend, data string, log *slog.Logger, raised <-chan struct{}, invitation []byte) error {
	w := &window{data: data, b: b, log: log, end: ctx, kept: keep(filepath.Join(data, "window.json"), log)}
	place := w.kept.place()
	hears, deaf := context.WithCancel(ctx)
	defer deaf()
	err := wails.Run(&options.App{
		Title: "Postern", Width: place.Width, Height: place.Height, MinWidth: leastWidth, MinHeight: leastHeight,
		WindowStartState:         place.state(),
		BackgroundColour:         options.NewRGB(0xf6, 0xf5, 0xf2), // the ground of the light theme, before the first paint
		EnableDefaultContextMenu: true,                             // copy and paste
		AssetServer: &assetserver.Options{
			Handler: frontend.New(home{b}, frontend.Options{Mark: mark(data), Log: log, Window: w, Invitation: invitation, Lock: lockings(hears, log)}),
		},
		Logger:             quiet{log},
		LogLevelProduction: 5, // what the toolkit says below an error tells of pages, and pages tell of patients
		Menu:               w.menu(),
		OnStartup: func(ctx context.Context) {
			w.ctx.Store(&ctx)
			go w.serve(ctx, raised)
		},
		OnDomReady:    func(ctx context.Context) { w.restore(ctx, place) },
		OnBeforeClose: w.mayClose,
		Linux:         &linux.Options{Icon: icon, ProgramName: "postern", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
		Mac:           &mac.Options{About: &mac.AboutInfo{Title: "Postern", Message: "A secure message center", Icon: icon}},
	})
	if err != nil {
		return fmt.Errorf("open the window: %w", err)
	}
	return nil
}

// serve raises the window when a second start asks for it, and closes it when the program is told to end.
func (w *window) serve(ctx context.Context, raised <-chan struct{}) {
	for {
		select {
		case <-raised:
			shell.WindowUnminimise(ctx)
			shell.Show(ctx)
			shell.WindowShow(ctx)
		case <-w.end.Done():
			shell.Quit(ctx)
			dismissDialogs() // the question at closing
			return
		}
	}
}

// restore puts the window where it was. A place on a screen that is gone is not taken.
func (w *window) restore(ctx context.Context, place place) {
	w.once.Do(func() {
		if place.Placed && place.state() == options.Normal {
			shell.WindowSetPosition(ctx, place.X, place.Y)
		}
	})
}

// mayClose ends what is still held, waits up to ten seconds for it to be sent, and where it cannot be sent says so and
// asks. True keeps the window open.
func (w *window) mayClose(ctx context.Context) (keep bool) {
	if !w.closing.CompareAndSwap(false, true) {
		return true
	}
	defer func() { w.closing.Store(!keep) }()
	w.kept.save(func(p *place) { p.read(ctx) })
	if w.end.Err() != nil { // the program was told to end, and hands over as it closes
		return false
	}
	waiting := w.b.Part(10 * time.Second)
	if waiting == 0 {
		return false
	}
	what := "1 thing that you wrote or did is NOT sent yet, or not to everybody. It is kept on this computer."
	if waiting > 1 {
		what = fmt.Sprintf("%d things that you wrote or did are NOT sent yet, or not to everybody. They are kept on this computer.", waiting)
	}
	answer, err := shell.MessageDialog(ctx, shell.MessageDialogOptions{
		Type: shell.QuestionDialog, Title: "Postern", DefaultButton: "No",
		Message: what + "\n\nWhat waits for the mail system goes out when you sign in again. A text that is more than a day old then, or to " +
			"which something came in, is shown to you first.\n\nClose Postern anyway?",
	})
	if err != nil {
		w.log.Error("ask before closing", "err", err)
		return false
	}
	return answer == "No"
}

// menu is the menu bar where the platform has one of its own; elsewhere the page's keys do the same.
func (w *window) menu() *menu.Menu {
	if !menuBar {
		return nil
	}
	m := menu.NewMenu()
	m.Append(menu.AppMenu())
	m.Append(menu.EditMenu())
	m.Append(menu.WindowMenu())
	return m
}

// Tell wakes the page. It does nothing before the window is there.
func (w *window) Tell(event, data string) {
	if ctx := w.ctx.Load(); ctx != nil {
		shell.EventsEmit(*ctx, event, data)
	}
}

// Look and SetLook keep theme and text size between starts: a window has no cookies.
func (w *window) Look() string { return w.kept.place().Look }

func (w *window) SetLook(look string) { w.kept.save(func(p *place) { p.Look = look }) }

// Print is not the page's own print(): macOS has none.
func (w *window) Print() {
	if ctx := w.ctx.Load(); ctx != nil {
		shell.WindowPrint(*ctx)
	}
}

// Another opens a further window for another person, as a program of its own.
func (w *window) Another() error { return anotherWindow(w.data) }
