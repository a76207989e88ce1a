// Package static holds the files that browsers fetch: styles, scripts, fonts. They are built by npm and committed.
//
// Each address carries a hash of all of them, so that a browser keeps them for good and still never mixes two versions.
// Nothing in here is private: these files are served without a session.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
)

//go:embed app.css htmx.min.js postern.js staff.js icon.svg fonts/*.woff2
var files embed.FS

//go:embed icons/*.svg
var icons embed.FS

// types are stated here so that no table of the computer we run on decides them.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".woff2": "font/woff2", ".svg": "image/svg+xml",
}

var version = hash()

func hash() string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		fmt.Fprintf(sum, "%s %d\n", name, len(b))
		sum.Write(b)
		return err
	})
	if err != nil {
		panic(err) // embedded files are readable, or the program was built wrongly
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// URL is the address of a file, as pages name it.
func URL(name string) string { return "/static/" + version + "/" + name }

// Icon is the inside of a Lucide icon, drawn in a box of 24 by 24.
func Icon(name string) (string, error) {
	b, err := icons.ReadFile("icons/" + name + ".svg")
	return string(b), err
}

// Handler serves GET /static/{version}/{file...}. Another version's address gets today's file, which is not kept.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Clean(r.PathValue("file"))
		b, err := files.ReadFile(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		if r.PathValue("version") == version {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		w.Header().Set("Content-Type", contentType(name))
		_, _ = w.Write(b)
	})
}

func contentType(name string) string {
	if t, ok := types[path.Ext(name)]; ok {
		return t
	}
	return mime.TypeByExtension(path.Ext(name))
}
