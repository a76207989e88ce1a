package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxDepth = 32

// strict refuses bytes that two readers could read in two ways: bad UTF-8, something behind the object, a name twice or
// in two spellings of upper and lower case at any depth, and a name of the format in another spelling than its own
// (encoding/json would take it for the name).
func strict(raw []byte) error {
	if !utf8.Valid(raw) {
		return errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	if err := strictObject(d, 1); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something stands behind the object")
	}
	return nil
}

func strictObject(d *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return errors.New("a name that is no text")
		}
		folded := foldCase(name)
		if seen[folded] {
			return fmt.Errorf("%q stands there twice", name)
		}
		seen[folded] = true
		if spelled, ok := spelling[folded]; ok && spelled != name {
			return fmt.Errorf("%q is spelled %q", name, spelled)
		}
		if err := strictValue(d, depth); err != nil {
			return err
		}
	}
	_, err := d.Token() // the closing brace
	return err
}

func strictValue(d *json.Decoder, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return strictObject(d, depth+1)
	case json.Delim('['):
		for d.More() {
			if err := strictValue(d, depth+1); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// foldCase maps names that differ in case alone to one, as encoding/json compares them.
func foldCase(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			least = min(least, o)
		}
		return least
	}, name)
}

// spelling gives, by folded name, the one spelling of every name of the format.
var spelling = func() map[string]string {
	names := map[string]string{}
	var collect func(t reflect.Type)
	collect = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			collect(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				f := t.Field(i)
				if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
					names[foldCase(name)] = name
				}
				collect(f.Type)
			}
		}
	}
	for _, kind := range []string{KindDirectory, KindRoster, KindCare, KindCert, KindAnswer, KindGrant} {
		collect(reflect.TypeOf(newBody(kind)))
	}
	return names
}()
