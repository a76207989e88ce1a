// Package picturetest compares what screens look like with pictures that somebody looked at and kept.
//
// A picture is taken in a real Chromium, of a page at rest. It may differ from the kept one as little as a drawing does
// between two computers: no channel of a pixel by more than the tolerance, except for a small share of the pixels. A new
// major version of Chromium may draw letters and edges anew, so the rest is then judged more loosely, and said to be.
package picturetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Flags make two Chromiums draw alike.
var Flags = []chromedp.ExecAllocatorOption{
	chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("force-device-scale-factor", "1"), chromedp.Flag("hide-scrollbars", true),
	chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("disable-lcd-text", true),
}

// View is one way to look at a screen. Size is the text size that the menu sets, in percent.
type View struct {
	Name, Theme, Size string
	Width, Height     int64
}

// The views of every screen. A test acts in Light; each picture ends there.
var (
	Light = View{"light", "postern", "", 1280, 800}
	Dark  = View{"dark", "postern-dark", "", 1280, 800}
	Small = View{"1024", "postern", "", 1024, 700}
	Large = View{"text200", "postern", "200", 1280, 800}
)

// Album is a folder of kept pictures.
type Album struct {
	t      *testing.T
	page   context.Context
	dir    string
	renew  bool
	limits limits
	taken  map[string]bool
}

// Open opens the album in a folder, for the page of a chromedp context. With renew, pictures are kept and not compared.
func Open(t *testing.T, page context.Context, dir string, renew bool) *Album {
	t.Helper()
	a := &Album{t: t, page: page, dir: dir, renew: renew, limits: strict, taken: map[string]bool{}}
	a.version()
	still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	_, err := chromedp.Run(page, func(ctx context.Context, to *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, to, emulation.SetEmulatedMedia, still)
		return chromedp.Void{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	a.look(Light)
	t.Cleanup(a.leftovers)
	return a
}

// version chooses how strictly to compare, by the Chromium that took the kept pictures: its name is beside them.
func (a *Album) version() {
	a.t.Helper()
	v, err := chromedp.CallBrowser(a.page, browser.GetVersion, cdp.Empty{})
	if err != nil {
		a.t.Fatal(err)
	}
	_, number, _ := strings.Cut(v.Product, "/")
	major, _, _ := strings.Cut(number, ".")
	file := filepath.Join(a.dir, "CHROMIUM")
	if a.renew {
		if err := os.MkdirAll(a.dir, 0o750); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(major+"\n"), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		a.t.Fatal(err)
	}
	if was := strings.TrimSpace(string(kept)); was != major {
		a.limits = loose
		a.t.Logf("The pictures in %s are by Chromium %s and this is Chromium %s: up to %.1f %% of a picture may differ, not %.2f %%. Look at them and renew them with -update.",
			a.dir, was, major, 100*loose.share, 100*strict.share)
	}
}

// Screen takes a main screen in every view, State a state of one in light and dark, Detail a part in light alone: so the
// pictures stay few.
func (a *Album) Screen(name string) { a.t.Helper(); a.Take(name, Light, Dark, Small, Large) }

// State is as Screen says.
func (a *Album) State(name string) { a.t.Helper(); a.Take(name, Light, Dark) }

// Detail is as Screen says.
func (a *Album) Detail(name string) { a.t.Helper(); a.Take(name, Light) }

// Take compares the page, as it stands, with the kept pictures of this name, one for each view.
func (a *Album) Take(name string, views ...View) {
	a.t.Helper()
	for _, v := range views {
		a.look(v)
		a.take(name+"-"+v.Name, v)
	}
	a.look(Light)
}

// settles is how long a page may take to look as it was kept: a swap that is still on its way is drawn then. What is wrong stays wrong.
const settles = 10 * time.Second

func (a *Album) take(name string, v View) {
	a.t.Helper()
	if a.taken[name] {
		a.t.Fatalf("the picture %s is taken twice", name)
	}
	a.taken[name] = true
	file := filepath.Join(a.dir, name+".png")
	if a.renew {
		if err := os.WriteFile(file, a.kept(a.rested()), 0o600); err != nil {
			a.t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		a.t.Errorf("%v (-update keeps one)", err)
		return
	}
	want, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		a.t.Fatalf("%s: %v", file, err)
	}
	var got *image.RGBA
	var wrong string
	for end := time.Now().Add(settles); ; {
		got = a.shoot()
		if wrong = a.limits.judge(got, want); wrong == "" {
			return
		}
		if time.Now().After(end) {
			break
		}
		time.Sleep(150 * time.Millisecond)
		a.look(v) // what was drawn meanwhile may have been scrolled
	}
	a.t.Errorf("%s looks different: %s\n%s", name, wrong, a.report(name, got, want))
}

// rested takes pictures until two in a row are the same.
func (a *Album) rested() *image.RGBA {
	a.t.Helper()
	last := a.shoot()
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		next := a.shoot()
		if bytes.Equal(last.Pix, next.Pix) {
			return next
		}
		last = next
	}
	a.t.Fatal("the page does not come to rest")
	return nil
}

func (a *Album) kept(m *image.RGBA) []byte {
	a.t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, reduce(m)); err != nil {
		a.t.Fatal(err)
	}
	return b.Bytes()
}

// look sets theme and text size as the menu does, and the window's size, and waits for the page to be at rest. It is
// scrolled as a page that opens in this size, whatever sizes and swaps it went through, and no caret blinks.
func (a *Album) look(v View) {
	a.t.Helper()
	b, err := json.Marshal(map[string]string{"theme": v.Theme, "size": v.Size})
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := Patiently(a.t, a.page, chromedp.EmulateViewport(v.Width, v.Height)); err != nil {
		a.t.Fatal(err)
	}
	_, err = Patiently(a.t, a.page, chromedp.Evaluate[bool](fmt.Sprintf(`(async () => {
		const root = document.documentElement, frame = () => new Promise(requestAnimationFrame);
		Object.assign(root.dataset, %s);
		root.style.caretColor = "transparent";
		await frame();
		await document.fonts.ready;
		for (let still = 0; still < 2; still = document.getAnimations().length ? 0 : still + 1) await frame();
		for (const e of [document.scrollingElement, document.getElementById("main")]) e?.scrollTo(0, 0);
		for (const e of document.querySelectorAll("[data-scroll-end]")) e.scrollTop = e.scrollHeight;
		for (const e of [document.querySelector("[data-newest]"), document.activeElement]) e !== document.body && e?.scrollIntoView({block: "nearest"});
		await frame();
		return true;
	})()`, b), chromedp.EvalAwaitPromise))
	if err != nil {
		a.t.Fatalf("look at it in %s: %v", v.Name, err)
	}
}

func (a *Album) shoot() *image.RGBA {
	a.t.Helper()
	b, err := Patiently(a.t, a.page, chromedp.CaptureScreenshot())
	if err != nil {
		a.t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		a.t.Fatal(err)
	}
	return rgba(m)
}

// report keeps what a person needs to judge a difference, and says where.
func (a *Album) report(name string, got, want image.Image) string {
	a.t.Helper()
	dir := os.Getenv("POSTERN_PICTURES")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "postern-pictures")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		a.t.Fatal(err)
	}
	var files []string
	for what, m := range map[string]image.Image{"got": got, "want": want, "diff": a.limits.diff(rgba(got), rgba(want))} {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			a.t.Fatal(err)
		}
		file := filepath.Join(dir, name+"-"+what+".png")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			a.t.Fatal(err)
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return strings.Join(files, "\n")
}

// leftovers are kept pictures of what no test looks at any more.
func (a *Album) leftovers() {
	if a.t.Failed() || a.t.Skipped() {
		return
	}
	files, err := filepath.Glob(filepath.Join(a.dir, "*.png"))
	if err != nil {
		a.t.Error(err)
	}
	for _, file := range files {
		switch {
		case a.taken[strings.TrimSuffix(filepath.Base(file), ".png")]:
		case a.renew:
			err = os.Remove(file)
		default:
			a.t.Errorf("%s is a picture that no test takes any more (-update removes it)", file)
		}
		if err != nil {
			a.t.Error(err)
		}
	}
}
