package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"postern/backend"
)

// healthLook is how long a look at the agent's health may take.
const healthLook = 20 * time.Second

// healthy answers /healthz and /metrics to programs of this computer: whether the agent is well, and how it stands.
func healthy(look func(context.Context) (backend.Health, error), log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry() // its own: the default one tells of the process, too
	registry.MustRegister(gauges{look, log})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthLook)
		defer cancel()
		h, err := look(ctx)
		if err != nil {
			log.Error("cannot look how the agent stands", "err", err)
			http.Error(w, "Its record cannot be read. Its log says why.", http.StatusServiceUnavailable)
			return
		}
		status := http.StatusOK
		if len(h.Wrong) > 0 {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Cache-Control", "no-store")
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(h) // whoever asked may have left
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		if status == http.StatusOK {
			fmt.Fprintln(w, "ok")
		}
		for _, x := range h.Wrong {
			fmt.Fprintln(w, x.Says, x.Do)
		}
		if !h.Named {
			fmt.Fprintln(w, notNamed)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}))
	return here(mux)
}

const notNamed = "The practice names another agent: this one stands by, and confirms a message only when nobody has within a minute."

// here lets in who asks for this computer: a page in a browser that has made a name of its own mean it does not.
func here(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "Not here.", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// gauges are the agent's health as Prometheus reads it. Of a mailbox they say its id, which is nobody's name.
type gauges struct {
	look func(context.Context) (backend.Health, error)
	log  *slog.Logger
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("postern_"+name, help, labels, nil)
}

var (
	gaugeBuild   = gauge("build_info", "1, with the version of this Postern.", "version")
	gaugeHealthy = gauge("healthy", "1 if nothing wants a person, 0 if something does.")
	gaugeWrong   = gauge("wrong", "1 for each thing that wants a person.", "what")
	gaugeNamed   = gauge("agent_named", "1 if the practice names this agent, 0 if it stands by.")
	gaugeFetched = gauge("mailbox_fetched_timestamp_seconds", "When the mailbox was last read to its end. Absent: not since the start.", "mailbox")
	gaugeUsed    = gauge("mailbox_used_bytes", "What the mailbox holds. Absent: the mail system does not tell.", "mailbox")
	gaugeLimit   = gauge("mailbox_limit_bytes", "What it may hold.", "mailbox")
	gaugeEnds    = gauge("certificate_end_timestamp_seconds", "When the certificate of the mail system ends.", "mailbox", "host")
	gaugeSent    = gauge("letter_sent_timestamp_seconds", "When a letter was last handed over. Absent: none was since the start.")
	gaugeLetters = gauge("letters_waiting", "Letters that are still to be handed over.", "kind")
	gaugeOldest  = gauge("letters_waiting_oldest_timestamp_seconds", "When the oldest of these was written.", "kind")
	gaugeMails   = gauge("mails_waiting", "Ordinary e-mails that are still to be handed over.")
	gaugeMail    = gauge("mails_waiting_oldest_timestamp_seconds", "When the oldest of these was written. Absent: there is none.")
	gaugeReplies = gauge("replies_read_timestamp_seconds", "When the ordinary mailbox where notices are answered was last read to its end. Absent: not since the start.")
	gaugeMailed  = gauge("mail_sent_timestamp_seconds", "When an ordinary e-mail was last handed over. Absent: none was since the start.")
	gaugeFree    = gauge("disk_free_bytes", "What is left on the disk of the data folder.")
	gaugeSize    = gauge("disk_size_bytes", "How large that disk is.")
)

// Describe names no gauge: which there are depends on what there is to tell.
func (g gauges) Describe(chan<- *prometheus.Desc) {}

// Collect looks how the agent stands now.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), healthLook)
	defer cancel()
	tell := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	date := func(d *prometheus.Desc, at time.Time, labels ...string) {
		if !at.IsZero() {
			tell(d, float64(at.UnixMilli())/1000, labels...)
		}
	}
	yes := func(d *prometheus.Desc, is bool) {
		if is {
			tell(d, 1)
		} else {
			tell(d, 0)
		}
	}
	tell(gaugeBuild, 1, backend.Version)
	h, err := g.look(ctx)
	yes(gaugeHealthy, err == nil && len(h.Wrong) == 0)
	if err != nil {
		g.log.Error("cannot look how the agent stands", "err", err)
		return
	}
	for _, x := range h.Wrong {
		tell(gaugeWrong, 1, x.Word)
	}
	yes(gaugeNamed, h.Named)
	for _, m := range h.Mailboxes {
		box := string(m.Mailbox)
		date(gaugeFetched, m.Fetched, box)
		date(gaugeEnds, m.Ends, box, m.Host)
		if m.Limit > 0 {
			tell(gaugeUsed, float64(m.Used), box)
			tell(gaugeLimit, float64(m.Limit), box)
		}
	}
	date(gaugeSent, h.Sent)
	for _, q := range h.Waiting {
		tell(gaugeLetters, float64(q.N), q.Kind)
		date(gaugeOldest, q.Oldest, q.Kind)
	}
	tell(gaugeMails, float64(h.Mails.N))
	date(gaugeMail, h.Mails.Oldest)
	date(gaugeReplies, h.Ordinary.Read)
	date(gaugeMailed, h.Ordinary.Sent)
	tell(gaugeFree, float64(h.Free))
	tell(gaugeSize, float64(h.Size))
}
