package fetch

import "time"

// Gauge is how a mail system stands by the way.
type Gauge struct {
	Ends time.Time // when its certificate does; zero without TLS
}

// Gauger is a Sink that is told how the mail system stands, at each connection and every hour of it.
type Gauger interface {
	Gauged(Gauge)
}

const hourly = time.Hour

// gauge tells a Gauger.
func (s *session) gauge() {
	sink, is := s.Sink.(Gauger)
	if !is || !s.gauged.IsZero() && s.Now().Sub(s.gauged) < hourly {
		return
	}
	s.gauged = s.Now()
	if s.ends.IsZero() {
		s.ends = s.conn.Ends()
	}
	sink.Gauged(Gauge{Ends: s.ends})
}
