package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"sync"

	"github.com/wailsapp/wails/v2/pkg/options"
	shell "github.com/wailsapp/wails/v2/pkg/runtime"
)

// place is what a window remembers from start to start: where it was and how it looked. Nothing of what it showed.
type place struct {
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	X         int    `json:"x"`
	Y         int    `json:"y"`
	Placed    bool   `json:"placed"`
	Maximised bool   `json:"maximised"`
	Look      string `json:"look,omitempty"`
}

func (p place) state() options.WindowStartState {
	if p.Maximised {
		return options.Maximised
	}
	return options.Normal
}

// read takes in where the window is. Of a maximised one the size before is kept.
func (p *place) read(ctx context.Context) {
	p.Maximised = shell.WindowIsMaximised(ctx)
	if p.Maximised || shell.WindowIsMinimised(ctx) || shell.WindowIsFullscreen(ctx) {
		return
	}
	p.Width, p.Height = shell.WindowGetSize(ctx)
	p.X, p.Y = shell.WindowGetPosition(ctx)
	p.Placed = true
}

// sane brings what the file says within bounds: a file from a larger screen must not open a window that nobody can reach.
func (p place) sane() place {
	if p.Width < leastWidth || p.Width > 16384 || p.Height < leastHeight || p.Height > 16384 {
		p.Width, p.Height, p.Placed = firstWidth, firstHeight, false
	}
	if p.X < 0 || p.Y < 0 || p.X > 16384 || p.Y > 16384 { // positions count from the screen's own corner
		p.X, p.Y, p.Placed = 0, 0, false
	}
	return p
}

// keeper keeps a place in a file. A file that cannot be read is no place; one that cannot be written is logged.
type keeper struct {
	path string
	log  *slog.Logger
	mu   sync.Mutex
	now  place
}

func keep(path string, log *slog.Logger) *keeper {
	k := &keeper{path: path, log: log}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &k.now)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("the window's last place cannot be read", "err", err)
		k.now = place{}
	}
	k.now = k.now.sane()
	return k
}

func (k *keeper) place() place {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

func (k *keeper) save(change func(*place)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.now)
	text, err := json.Marshal(k.now)
	if err == nil {
		err = replaceFile(k.path, text)
	}
	if err != nil {
		k.log.Warn("the window's place cannot be kept", "err", err)
	}
}
