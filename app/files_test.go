package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// attach chooses a file of this computer in a page's field for one.
func (s *screen) attach(field, path string) {
	s.t.Helper()
	s.until("choose a file in "+field, func(ctx context.Context, t *chromedp.Target) (bool, error) {
		var doc struct {
			Root struct {
				NodeID int64 `json:"nodeId"`
			} `json:"root"`
		}
		if err := t.Call(ctx, "DOM.getDocument", args{"depth": 0}, &doc); err != nil {
			return false, err
		}
		var found struct {
			NodeID int64 `json:"nodeId"`
		}
		if err := t.Call(ctx, "DOM.querySelector", args{"nodeId": doc.Root.NodeID, "selector": field}, &found); err != nil || found.NodeID == 0 {
			return false, err
		}
		return true, t.Call(ctx, "DOM.setFileInputFiles", args{"nodeId": found.NodeID, "files": []string{path}}, nil)
	})
}

// saves presses what saves a file, and gives what was saved.
func (s *screen) saves(role, name, ending string) []byte {
	s.t.Helper()
	dir := s.t.TempDir()
	s.do("say where files go", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return t.Call(ctx, "Page.setDownloadBehavior", args{"behavior": "allow", "downloadPath": dir}, nil)
	}))
	s.press(role, name)
	var content []byte
	s.until("get the file", func(context.Context, *chromedp.Target) (bool, error) {
		files, err := os.ReadDir(dir)
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ending) {
				content, err = os.ReadFile(filepath.Join(dir, f.Name()))
				return len(content) > 0, err
			}
		}
		return false, err
	})
	return content
}
