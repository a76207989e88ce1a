package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// Encode gives the bytes to be signed of an event of a known kind, from its fields and Body. It fills in the version,
// sorts the lists, brings times to UTC milliseconds and takes a part that names the thread itself for none; ID and Raw
// are ignored, and of an opening Thread too. It does not change e. What it returns, Decode reads back as the same body:
// what Decode would refuse, and text that is not UTF-8, is an error here. A signed event is never encoded again.
func Encode(e Event) ([]byte, error) {
	given, ok := e.Body.(body)
	if !ok || reflect.TypeOf(given) != bodies[e.Kind].of {
		return nil, fmt.Errorf("event %s: a body of this kind is missing, not %T", e.Kind, e.Body)
	}
	if e.Kind == Opened {
		e.Thread = [32]byte{}
	}
	if e.Part == e.Thread {
		e.Part = [32]byte{}
	}
	written := given.canonical()
	inner, err := compact(written)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Kind, err)
	}
	raw, err := compact(wire{
		V: Version, Practice: e.Practice, Kind: e.Kind, Crit: e.Crit, Thread: e.Thread, Part: e.Part, Author: e.Author,
		As: e.As, For: e.For, At: instant(e.At), To: sortedMailboxes(e.To), After: sortedIDs(e.After), Dir: e.Dir, Body: inner,
	})
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Kind, err)
	}
	read, err := Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Kind, err)
	}
	if !reflect.DeepEqual(read.Body, any(written)) {
		return nil, fmt.Errorf("event %s: its body does not read back as it was written; is all its text UTF-8?", e.Kind)
	}
	return raw, nil
}

// compact writes JSON on one line, with text as it was typed.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
