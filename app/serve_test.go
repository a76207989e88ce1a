package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
)

// TestWhatIsUnderWayIsAnswered: a request that Postern's end finds half done is done to its end.
func TestWhatIsUnderWayIsAnswered(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	begun, goOn := make(chan struct{}), make(chan struct{})
	saves := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-goOn
		if err := r.Context().Err(); err != nil { // a transaction would be rolled back
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "saved")
	})
	served := make(chan error, 1)
	go func() { served <- serveUntil(ctx, l, saves, slog.New(slog.DiscardHandler)) }()
	go func() {
		<-begun
		end()
		close(goOn)
	}()
	res, err := http.Post("http://"+l.Addr().String()+"/drafts/dr_a", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(body) != "saved" {
		t.Errorf("answered %d %q (%v)", res.StatusCode, body, err)
	}
	if err := <-served; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
