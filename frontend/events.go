package frontend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"postern/frontend/seat"
)

// heartbeat keeps the stream from looking dead to what stands between.
const heartbeat = 20 * time.Second

// events tells a browser what changed, as server-sent events, until it leaves, the person signs out or Postern ends.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	v := visitorOf(r)
	if v.signed == nil || !drawn(r, v.signed) {
		w.WriteHeader(http.StatusNoContent) // tells the browser not to ask again
		return
	}
	changes, cancel := v.signed.Wake()
	defer cancel()
	stream := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = stream.SetWriteDeadline(time.Time{}) // a stream has no end; not every writer knows deadlines
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	line := ": here\n\n"
	for {
		if _, err := fmt.Fprint(w, line); err != nil {
			return
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case c, ok := <-changes:
			if !ok {
				return
			}
			line = "event: changed\ndata: " + told(c) + "\n\n"
		case <-beat.C:
			line = ": here\n\n"
		case <-v.over:
			_, _ = fmt.Fprint(w, "event: over\ndata: signed out\n\n") // the page asks where it is to go
			return
		case <-s.ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// told is what a page is told of a change, as JSON: which threads changed, whether texts or the sync state did. Nothing
// else.
func told(c seat.Change) string {
	ids := make([]string, 0, len(c.Threads))
	for _, t := range c.Threads {
		ids = append(ids, t.String())
	}
	b, err := json.Marshal(map[string]any{"threads": ids, "texts": c.Texts, "sync": c.Sync, "beaten": c.Beaten})
	if err != nil {
		panic(err) // strings and booleans can be written
	}
	return string(b)
}
