package static

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var literal = regexp.MustCompile(`"([a-z0-9]+(?:-[a-z0-9]+)*)"`)

// TestIconsAreUsedAndThere: each icon that is embedded is named by a screen, and drawing it works.
func TestIconsAreUsedAndThere(t *testing.T) {
	named := map[string]bool{}
	sources(t, func(path, text string) {
		if filepath.Base(filepath.Dir(path)) == "static" {
			return // it draws none
		}
		for _, m := range literal.FindAllStringSubmatch(text, -1) {
			named[m[1]] = true
		}
	})
	all, err := fs.Glob(icons, "icons/*.svg")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d icons: %v", len(all), err)
	}
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".svg")
		if inner, err := Icon(name); err != nil || !strings.HasPrefix(inner, "<") {
			t.Errorf("%s: %q, %v", name, inner, err)
		}
		if !named[name] {
			t.Errorf("%s is embedded and no screen draws it", name)
		}
	}
	if _, err := Icon("no-such-icon"); err == nil {
		t.Error("an icon that is not there was drawn")
	}
}

// TestStylesFetchOnlyOurs: the policy allows nothing else, and a refused fetch would show as a fault in every console.
func TestStylesFetchOnlyOurs(t *testing.T) {
	css, err := files.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`url\(\s*["']?([^)"']+)`).FindAllStringSubmatch(string(css), -1) {
		if _, err := files.ReadFile(strings.TrimPrefix(m[1], "./")); err != nil {
			t.Errorf("the styles fetch %s: %v", m[1], err)
		}
	}
}

// TestStylesWriteInOurs: what a computer has of its own differs from one to the next, and so would widths and pictures.
func TestStylesWriteInOurs(t *testing.T) {
	css, err := files.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	faces := map[string]bool{}
	text := regexp.MustCompile(`@font-face\{[^}]*\}`).ReplaceAllStringFunc(string(css), func(face string) string {
		m := regexp.MustCompile(`font-family:([^;]+)`).FindStringSubmatch(face)
		faces[strings.Trim(m[1], `"`)] = true
		return ""
	})
	named := 0
	for _, m := range regexp.MustCompile(`[;{](--[a-z-]*font(?:-sans|-mono|-family)|font-family|font):([^;}]+)`).FindAllStringSubmatch(text, -1) {
		first, _, _ := strings.Cut(m[2], ",")
		switch named++; {
		case m[2] == "inherit", strings.HasPrefix(first, "var(--font-"), strings.HasPrefix(first, "var(--default-"), faces[strings.Trim(first, `"`)]:
		default:
			t.Errorf("the styles write in %s first: %s", first, m[0])
		}
	}
	if named < 5 || len(faces) < 3 {
		t.Fatalf("%d fonts named, %d embedded: is this test blind?", named, len(faces))
	}
}

// TestScreensDrawOursAlone: a sign that no embedded font has is another one on each computer, or a box. What our fonts have is asked
// of fc-query; the sign of a key is an icon.
func TestScreensDrawOursAlone(t *testing.T) {
	const have = "…·–“”"
	n := 0
	sources(t, func(path, text string) {
		n++
		for _, r := range text {
			if r > 0x7e && !strings.ContainsRune(have, r) {
				t.Errorf("%s draws %q, which no embedded font is known to have", path, r)
			}
		}
	})
	if n < 50 {
		t.Fatalf("only %d files", n)
	}
}

// sources goes through the templates and the Go of the screens, without what is generated and the tests.
func sources(t *testing.T, each func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		source := strings.HasSuffix(path, ".templ") || strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_templ.go") && !strings.HasSuffix(path, "_test.go")
		if d.IsDir() || !source {
			return nil
		}
		b, err := os.ReadFile(path)
		each(path, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
