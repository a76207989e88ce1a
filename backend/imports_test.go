package backend_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "postern"

// may is the arrow table of docs/architecture.md: which rooms a room may import. A name ending in … stands for the
// room and all below it. A room that has no row fails the test.
// Arrows point down only; to change one is to change this table, in a diff that is read.
var may = map[string][]string{
	".": {"app"},
	"app": {"backend", "backend/backup", "backend/demo", "backend/care", "backend/command", "backend/post/gateway", "backend/record/draft", "backend/record/view",
		"backend/trust/audit", "backend/trust/enrol", "frontend", "frontend/seat"},

	"backend/care":         {},
	"backend/care/event":   {"backend/care"},
	"backend/care/fold":    {"backend/care", "backend/care/event"},
	"backend/care/promise": {"backend/care"},

	"backend/trust/seal":      {"backend/care"},
	"backend/trust/vault":     {"backend/care", "backend/trust/seal"},
	"backend/trust/strength":  {"backend/care"},
	"backend/trust/directory": {"backend/care…", "backend/trust/seal"},
	"backend/trust/audit":     {"backend/care", "backend/trust/seal"},
	"backend/trust/enrol":     {"backend/care…", "backend/trust/seal", "backend/trust/vault", "backend/trust/directory"},

	"backend/record/store/atrest": {},

	"backend/record/store":      {"backend/care", "backend/record/store/atrest"},
	"backend/record/journal":    {"backend/care", "backend/care/event", "backend/care/fold", "backend/record/store"},
	"backend/record/outbox":     {"backend/care", "backend/record/store"},
	"backend/record/projection": {"backend/care", "backend/care/event", "backend/care/fold", "backend/record/store"},
	"backend/record/draft":      {"backend/care", "backend/record/store"},
	"backend/record/seen":       {"backend/care", "backend/record/store"},
	"backend/record/ordinary":   {"backend/care", "backend/record/store"},
	"backend/record/documents":  {"backend/care", "backend/record/store"},
	"backend/record/digests":    {"backend/care", "backend/care/event", "backend/record/store"},
	"backend/record/view": {"backend/care…", "backend/record/store", "backend/record/draft",
		"backend/record/outbox", "backend/record/seen"},

	"backend/post/letter":   {"backend/care"},
	"backend/post/bounce":   {},
	"backend/post/notice":   {"backend/care"},
	"backend/post/dial":     {"backend/care"},
	"backend/post/submit":   {"backend/care", "backend/post/dial"},
	"backend/post/fetch":    {"backend/care", "backend/post/dial"},
	"backend/post/answer":   {"backend/care"},
	"backend/post/trial":    {"backend/care", "backend/post/dial", "backend/post/submit", "backend/post/fetch", "backend/post/letter"},
	"backend/post/accounts": {"backend/care"},
	"backend/post/gateway":  {"backend/care", "backend/record/store"},
	"backend/post/recipe":   {"backend/care", "build/gateways"},
	"build/gateways":        {},

	"backend/replica": {"backend/care…", "backend/trust…", "backend/record…", "backend/post…"},
	"backend/command": {"backend/care…", "backend/trust/directory", "backend/record…"},
	"backend/agent":   {"backend/care…", "backend/trust…", "backend/record…", "backend/post…", "backend/command"},
	"backend":         {"backend…"},
	"backend/demo":    {"backend…"},
	"backend/backup":  {"backend…"},

	"frontend":         {"backend/care", "backend/record/view", "frontend…"},
	"frontend/static":  {},
	"frontend/say":     {},
	"frontend/link":    {"backend/care"},
	"frontend/seat":    {"backend/care", "backend/record/view"},
	"frontend/parts":   {"backend/care…", "backend/record/view", "frontend/link", "frontend/say", "frontend/static"},
	"frontend/respond": {"backend/care", "frontend/link", "frontend/parts"},
}

// screens are the rooms of frontend that show one screen each; they never import each other.
var screens = []string{"signin", "passphrase", "center", "compose", "thread", "transcript", "inbox", "desk", "enrol", "setup", "admin", "audit", "notices"}

// support are the rooms that exist for tests. They may import anything of ours, and only tests may import them.
var support = []string{"backend/post/posttest", "backend/record/recordtest", "backend/stories", "frontend/picturetest"}

// owners names, for each library from elsewhere and for the parts of the standard library that are a wing's mark, the
// rooms that may import it. A library without a row fails the test: its owner is decided before its first use.
var owners = map[string][]string{
	"filippo.io/age":                   {"backend/trust/seal"},
	"golang.org/x/crypto":              {"backend/trust/seal", "backend/trust/vault", "backend/record/store/atrest"},
	"golang.org/x/sync":                {"backend/replica", "backend/post/fetch"},
	"golang.org/x/term":                {"app"},
	"golang.org/x/text":                {"backend/trust/seal", "backend/trust/vault", "backend/record/store", "backend/post/answer", "frontend/admin"},
	"golang.org/x/net/html":            {"backend/post/answer"},
	"golang.org/x/net/publicsuffix":    {"backend/post/answer"},
	"github.com/sethvargo/go-diceware": {"backend/trust/strength"},
	"github.com/trustelem/zxcvbn":      {"backend/trust/strength"},
	"github.com/rickar/cal/v2":         {"backend/care/promise"},
	"github.com/mattn/go-sqlite3":      {"backend/record/store…"},
	"github.com/emersion/go-imap":      {"backend/post/fetch", "backend/post/gateway"},
	"github.com/emersion/go-smtp":      {"backend/post/submit", "backend/post/gateway"},
	"github.com/emersion/go-sasl":      {"backend/post/submit", "backend/post/fetch", "backend/post/gateway"},
	"github.com/emersion/go-message":   {"backend/post/letter", "backend/post/gateway", "backend/post/answer", "backend/post/bounce", "backend/post/notice"},
	"github.com/emersion/go-msgauth":   {"backend/post/answer"},
	"github.com/a-h/templ":             {"frontend…"},
	"rsc.io/qr":                        {"frontend/admin"},
	"github.com/wailsapp/wails/v2":     {"app"},
	"github.com/godbus/dbus/v5":        {"app"},
	"github.com/zalando/go-keyring":    {"app"},
	"github.com/spf13/cobra":           {"app"},

	"github.com/prometheus/client_golang": {"app"},
	"golang.org/x/sys/windows":            {"backend", "app"},

	"database/sql": {"backend/record…", "backend/post/gateway", "backend/command", "backend/replica", "backend/agent", "backend"},
	"net/http":     {"frontend…", "app"},
	"net/smtp":     {},
	"net":          {"backend/post…", "backend/demo", "frontend", "app"},
	"os":           {"backend/trust/vault", "backend/trust/enrol", "backend/record/store…", "backend/post/gateway", "backend/post/recipe", "backend/demo", "backend/backup", "backend", "app"},
	"os/exec":      {"backend/post/recipe", "app"},
}

// TestArrows reads every import of ours and fails naming the arrow that points the wrong way.
func TestArrows(t *testing.T) {
	used := map[string]bool{}
	for _, f := range sources(t) {
		used[f.room] = true
		for _, to := range f.imports {
			if wrong := judge(f.room, f.test, to); wrong != "" {
				t.Errorf("%s: %s", f.path, wrong)
			}
		}
	}
	if len(used) == 0 {
		t.Fatal("no source file was found")
	}
	for room := range may {
		if !used[room] {
			t.Logf("%s has a row and no file yet", room)
		}
	}
}

// TestArrowsAreJudged keeps the judge honest: it must be able to refuse.
func TestArrowsAreJudged(t *testing.T) {
	for _, c := range []struct {
		from string
		test bool
		to   string
		fits bool
	}{
		{"backend/care", false, "time", true},
		{"backend/care", false, "postern/backend/record/store", false},
		{"backend/care/fold", false, "postern/backend/care/event", true},
		{"backend/care/fold", false, "os", false},
		{"backend/care/fold", true, "os", true},
		{"backend/care/event", false, "postern/backend/care/fold", false},
		{"backend/command", false, "postern/backend/trust/directory", true},
		{"backend/command", false, "postern/backend/trust/vault", false},
		{"backend/command", false, "postern/backend/post/submit", false},
		{"backend/replica", false, "postern/backend/command", false},
		{"backend/replica", false, "postern/backend/post/posttest", false},
		{"backend/replica", true, "postern/backend/post/posttest", true},
		{"backend/stories", false, "postern/backend/post/posttest", true},
		{"frontend/center", false, "postern/frontend/parts", true},
		{"frontend/center", false, "postern/frontend/thread", false},
		{"frontend/center", false, "postern/backend/record/store", false},
		{"frontend/nowhere", false, "postern/backend/care", false},
		{"frontend", false, "postern/frontend/center", true},
		{"backend/agent", false, "postern/app", false},
		{".", false, "postern/backend", false},
		{"backend/record/view", false, "github.com/mattn/go-sqlite3", false},
		{"backend/post/fetch", false, "github.com/emersion/go-imap/v2/imapclient", true},
		{"backend/post/submit", false, "github.com/emersion/go-imap/v2", false},
		{"backend/record/view", false, "net/http", false},
		{"backend/record/view", false, "net/mail", true},
		{"app", false, "github.com/wailsapp/wails/v2/pkg/runtime", true},
		{"frontend", false, "github.com/wailsapp/wails/v2/pkg/runtime", false},
		{"frontend", false, "example.org/unknown", false},
	} {
		if wrong := judge(c.from, c.test, c.to); (wrong == "") != c.fits {
			t.Errorf("%s -> %s (test %v): fits should be %v, the judge says %q", c.from, c.to, c.test, c.fits, wrong)
		}
	}
}

// TestMeaningReadsNoClock holds care pure: what an event means cannot depend on when or where it is asked.
func TestMeaningReadsNoClock(t *testing.T) {
	clocks := []string{"Now", "Since", "Until", "After", "Tick", "NewTimer", "NewTicker", "Sleep", "Local"}
	for _, f := range sources(t) {
		if f.test || !within(f.room, "backend/care…") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if p, ok := s.X.(*ast.Ident); ok && p.Name == "time" && p.Obj == nil && slices.Contains(clocks, s.Sel.Name) {
				t.Errorf("%s: time.%s: care is pure and reads no clock", f.path, s.Sel.Name)
			}
			return true
		})
	}
}

// judge says what is wrong with an import, in words, or nothing. Tests may import what they need; the rest is held to
// the tables above.
func judge(room string, test bool, to string) string {
	if test || slices.Contains(support, room) {
		return ""
	}
	inner, ours := strings.CutPrefix(to, module+"/")
	if !ours {
		return judgeLibrary(room, to)
	}
	if slices.Contains(support, inner) {
		return fmt.Sprintf("%s -> %s: only tests may import it", room, inner)
	}
	allowed, known := may[room]
	if name, ok := strings.CutPrefix(room, "frontend/"); ok && slices.Contains(screens, name) {
		allowed, known = []string{"backend/care…", "backend/record/view",
			"frontend/parts", "frontend/respond", "frontend/link", "frontend/say", "frontend/seat"}, true
	}
	if !known {
		return fmt.Sprintf("%s has no row in the arrow table of imports_test.go", room)
	}
	for _, rule := range allowed {
		if within(inner, rule) {
			return ""
		}
	}
	return fmt.Sprintf("%s -> %s points the wrong way: %s may import %s", room, inner, room, orNothing(allowed))
}

// judgeLibrary holds what comes from elsewhere to its owners. The longest path that has a row counts.
func judgeLibrary(room, path string) string {
	row := path
	for {
		if rooms, ok := owners[row]; ok {
			for _, rule := range rooms {
				if within(room, rule) {
					return ""
				}
			}
			return fmt.Sprintf("%s -> %s: its owners are %s", room, path, orNothing(rooms))
		}
		cut := strings.LastIndexByte(row, '/')
		if cut < 0 || standard(path) {
			break
		}
		row = row[:cut]
	}
	if standard(path) {
		return ""
	}
	return fmt.Sprintf("%s -> %s: this library has no owner in the table of imports_test.go", room, path)
}

// standard reports whether a package is of the standard library: its first element has no dot. A row for one of them
// means that package alone: net is not net/mail.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within reports whether a room is the one that the rule names or, where the rule ends in …, one below it.
func within(room, rule string) bool {
	if top, ok := strings.CutSuffix(rule, "…"); ok {
		return room == top || strings.HasPrefix(room, top+"/")
	}
	return room == rule
}

func orNothing(rooms []string) string {
	if len(rooms) == 0 {
		return "nothing of ours"
	}
	return strings.Join(rooms, ", ")
}

type source struct {
	path, room string
	test       bool
	imports    []string
	syntax     *ast.File
}

// sources parses every Go file of ours.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	root := ".."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || path == filepath.Join(root, "build", "cache")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f := source{
			path:   filepath.ToSlash(inside),
			room:   filepath.ToSlash(filepath.Dir(inside)),
			test:   strings.HasSuffix(name, "_test.go"),
			syntax: syntax,
		}
		for _, spec := range syntax.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, to)
		}
		found = append(found, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
