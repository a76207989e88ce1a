package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/post/gateway"
	"postern/backend/trust/seal"
)

const (
	own    = "lantern orchard velvet canyon"
	locked = "copper meadow sudden tuesday"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	work = 10 // a guess may be cheap here
	os.Exit(m.Run())
}

// quiet hears what is done and says nothing.
func quiet(string) {}

// folderOf makes a data folder with a practice: a gateway, and the profile of its administrator with the registrar.
func folderOf(t *testing.T) (data, profile string) {
	t.Helper()
	data = t.TempDir()
	b := backend.New(data, slog.New(slog.DiscardHandler), nil)
	defer b.Close()
	made, err := b.Found(t.Context(), backend.Founding{Practice: backend.ExamplePlan().Practice, RootPassphrase: "harbor violin maple sudden",
		Name: "Priya Nair", Label: "Priya", Passphrase: own})
	must(t, err)
	p, err := b.SignInStill(t.Context(), made.Profile, own) // its record is made
	must(t, err)
	b.Leave(p)
	return data, made.Profile
}

// kind fails unless an error is of this kind and says this.
func kind(t *testing.T, err error, want care.Kind, words string) {
	t.Helper()
	var told *care.Error
	if !errors.As(err, &told) || told.Kind != want || !strings.Contains(told.Sentence, words) {
		t.Errorf("got %v, want %v with %q", err, want, words)
	}
}

// TestBackup is a whole data folder into a file and back, and every refusal on the way.
func TestBackup(t *testing.T) {
	if os.Getenv("BACKUP_DIES") != "" {
		die(t)
		return
	}
	ctx, now := t.Context(), time.Now()
	data, profile := folderOf(t)
	dir := filepath.Join(backend.ProfilesDir(data), profile)
	file := filepath.Join(t.TempDir(), "postern.backup")

	// What is open is refused, or copied as it is at one moment, with the gateway running.
	b := backend.New(data, slog.New(slog.DiscardHandler), nil)
	p, err := b.SignIn(ctx, profile, own) // it also runs the gateway
	must(t, err)
	kind(t, Write(ctx, What{Data: data}, file, locked, now, quiet), care.Conflict, "is open in another Postern")
	kind(t, Write(ctx, What{Data: data, Profile: profile, Own: "wrong"}, file, locked, now, quiet), care.Invalid, "does not open this profile")
	must(t, Write(ctx, What{Data: data, Profile: profile, Own: own}, filepath.Join(t.TempDir(), "open"), locked, now, quiet))
	must(t, Write(ctx, What{Data: data, Gateway: true}, filepath.Join(t.TempDir(), "gateway"), locked, now, quiet))
	b.Leave(p)
	b.Close()

	kind(t, Write(ctx, What{Data: data}, file, "password", now, quiet), care.Invalid, "Too easy")
	kind(t, Write(ctx, What{Data: data, Profile: "pf_nobody"}, file, locked, now, quiet), care.NotFound, "no such profile")
	kind(t, Write(ctx, What{Data: t.TempDir()}, file, locked, now, quiet), care.NotFound, "nothing to back up")
	must(t, Write(ctx, What{Data: data}, file, locked, now, quiet))
	kind(t, Write(ctx, What{Data: data}, file, locked, now, quiet), care.Conflict, "never writes over one")
	alone(t, filepath.Dir(file), "postern.backup")
	if there(filepath.Join(data, ".backup")) {
		t.Error("a copy was left behind")
	}

	sealed, err := os.ReadFile(file)
	must(t, err)
	for name, c := range map[string]struct {
		bytes []byte
		pass  string
		kind  care.Kind
		words string
	}{
		"wrong passphrase": {sealed, "another " + locked, care.Invalid, "does not open this backup"},
		"cut at the end":   {sealed[:len(sealed)-50], locked, care.Corrupt, "cut short"},
		"cut in a piece":   {sealed[:len(sealed)/2], locked, care.Corrupt, "cut short"},
		"cut at a piece":   {sealed[:len(sealed)-(len(sealed)-200)%(64<<10)], locked, care.Corrupt, "cut short"},
		"cut in its head":  {sealed[:60], locked, care.Corrupt, "cut short"},
		"a bit":            {flipped(sealed, len(sealed)-100), locked, care.Corrupt, "damaged"},
		"empty":            {nil, locked, care.Invalid, "not a backup of Postern's"},
		"foreign":          {bytes.Repeat([]byte("PK\x03\x04"), 99), locked, care.Invalid, "not a backup of Postern's"},
		"another archive":  {archived(t, entry{"readme.txt", "hello"}), locked, care.Invalid, "not a backup of Postern's"},
		"newer":            {archived(t, entry{headName, `{"v": 2, "parts": {}}`}), locked, care.Conflict, "newer Postern"},
		"climbing": {archived(t, headOf(t, "pf_a"), entry{"profiles/pf_a/../../../x", "x"}),
			locked, care.Invalid, "not a backup of Postern's"},
		"hidden": {archived(t, headOf(t, "pf_a"), entry{"profiles/pf_a/.ssh", "x"}), locked, care.Invalid, "not a backup of Postern's"},
		"twice":  {archived(t, headOf(t, "pf_a"), entry{"profiles/pf_a/x", "x"}, entry{"profiles/pf_a/x", "y"}), locked, care.Invalid, "not a backup of Postern's"},
		"no keys": {archived(t, headOf(t, "pf_a"), entry{"profiles/pf_a/x", "x"}),
			locked, care.Corrupt, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := filepath.Join(t.TempDir(), "file"), t.TempDir()
			must(t, os.WriteFile(from, c.bytes, 0o600))
			_, err := Read(ctx, from, What{Data: to}, c.pass, now, quiet)
			kind(t, err, c.kind, c.words)
			if there(backend.ProfilesDir(to)) || there(backend.GatewayDir(to)) || there(filepath.Join(to, ".restore")) {
				t.Error("something was put back")
			}
		})
	}
	_, err = Read(ctx, file, What{Data: data}, locked, now, quiet)
	kind(t, err, care.Conflict, "There is a profile "+profile)

	back := t.TempDir()
	got, err := Read(ctx, file, What{Data: back}, locked, now, quiet)
	must(t, err)
	if len(got.Profiles) != 1 || got.Profiles[0] != profile || !got.Gateway {
		t.Errorf("put back: %+v", got)
	}
	same(t, dir, filepath.Join(backend.ProfilesDir(back), profile))
	same(t, filepath.Join(backend.GatewayDir(data), "tls"), filepath.Join(backend.GatewayDir(back), "tls"))
	must(t, gateway.CheckCopy(ctx, backend.GatewayDir(back)))
	opens(t, back, profile)
	crashes(t, file, profile)
}

// same compares what a profile's folder was made of with what came back.
func same(t *testing.T, was, is string) {
	t.Helper()
	names, err := os.ReadDir(was)
	must(t, err)
	for _, e := range names {
		name := e.Name()
		if name == "lock" || name == "vault.lock" || strings.HasPrefix(name, record+"-") || strings.HasPrefix(name, "server.") || name == "making" {
			continue
		}
		a, err := os.ReadFile(filepath.Join(was, name))
		must(t, err)
		b, err := os.ReadFile(filepath.Join(is, name))
		must(t, err)
		if !bytes.Equal(a, b) {
			t.Errorf("%s is not what it was", name)
		}
	}
}

// opens signs in to a profile that was put back.
func opens(t *testing.T, data, profile string) {
	t.Helper()
	b := backend.New(data, slog.New(slog.DiscardHandler), nil)
	defer b.Close()
	p, err := b.SignInStill(t.Context(), profile, own)
	must(t, err)
	if p.Practice().Name == "" {
		t.Error("the record that came back knows no practice")
	}
	b.Leave(p)
}

// alone fails unless a folder holds these names and no other.
func alone(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if path != "." {
			got = append(got, path)
		}
		return err
	}))
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, not %q", dir, got, want)
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

type entry struct{ name, content string }

func headOf(t *testing.T, profiles ...string) entry {
	t.Helper()
	raw, err := json.Marshal(head{V: 1, ID: care.NewID("bk"), Made: time.Now(), Profiles: profiles})
	must(t, err)
	return entry{headName, string(raw)}
}

// archived is an archive as Write makes it, with other things in it.
func archived(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := seal.Lock(&b, locked, work)
	must(t, err)
	a := &archive{ctx: t.Context(), tar: tar.NewWriter(w), at: time.Now()}
	for _, e := range entries {
		must(t, a.bytes(e.name, []byte(e.content)))
	}
	must(t, errors.Join(a.tar.Close(), w.Close()))
	return b.Bytes()
}

// crashes ends the process at each step of putting a backup back, and then puts it back once more.
func crashes(t *testing.T, file, profile string) {
	t.Helper()
	for n := 1; ; n++ {
		data := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestBackup$")
		cmd.Env = append(os.Environ(), "BACKUP_DIES="+strconv.Itoa(n), "BACKUP_FILE="+file, "BACKUP_DATA="+data)
		said, err := cmd.CombinedOutput()
		var died *exec.ExitError
		if err == nil {
			if n < 4 {
				t.Fatalf("it was done before it could die: %s", said)
			}
			return
		}
		if !errors.As(err, &died) || died.ExitCode() != 137 {
			t.Fatalf("%v: %s", err, said)
		}
		if _, err := Read(t.Context(), file, What{Data: data}, locked, time.Now(), quiet); err != nil {
			t.Errorf("after it died at step %d: %v", n, err)
			continue
		}
		if there(filepath.Join(data, ".restore")) {
			t.Errorf("after step %d something was left behind", n)
		}
		must(t, gateway.CheckCopy(t.Context(), backend.GatewayDir(data)))
		if !there(filepath.Join(backend.ProfilesDir(data), profile, "vault.json")) || !there(filepath.Join(backend.ProfilesDir(data), profile, "restored")) {
			t.Errorf("after step %d the profile is not back", n)
		}
	}
}

// die is the process that ends in the middle.
func die(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("BACKUP_DIES"))
	must(t, err)
	_, err = Read(context.Background(), os.Getenv("BACKUP_FILE"), What{Data: os.Getenv("BACKUP_DATA")}, locked, time.Now(), func(string) {
		if n--; n == 0 {
			os.Exit(137)
		}
	})
	must(t, err)
}

// TestAReaderThatFails: what is wrong with the reading is not taken for what is wrong with the writing.
func TestAReaderThatFails(t *testing.T) {
	err := extract(io.MultiReader(strings.NewReader("half"), broken{}), filepath.Join(t.TempDir(), "f"))
	kind(t, err, care.Corrupt, "damaged")
	err = extract(strings.NewReader("x"), filepath.Join(t.TempDir(), "no\x00name", "f"))
	if err == nil || care.KindOf(err) == care.Corrupt {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
