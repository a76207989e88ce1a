package admin

import (
	"time"

	"postern/backend/care"
	"postern/frontend/say"
	"postern/frontend/seat"
)

// agentCard is how one agent stands, in the words of the screen.
type agentCard struct {
	seat.Agent
	Name                   string
	Heard, Fetched, Handed string // when; "" for never
	Read, Mailed           string // likewise, of ordinary e-mail
}

func (v visit) agents() (cards []agentCard, err error) {
	all, err := v.Agents(v.r.Context())
	clock := v.clock()
	for _, a := range all {
		cards = append(cards, agentCard{a, shown(a.Person), moment(clock, a.Heard), moment(clock, a.Fetched), moment(clock, a.Sent), moment(clock, a.Read), moment(clock, a.Mailed)})
	}
	return cards, err
}

func moment(c say.Clock, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return c.Stamp(at)
}

// line is how an agent stands, in a few words.
func (a agentCard) line() string {
	switch {
	case !a.Enrolled:
		return "Runs on no computer yet"
	case a.Heard == "":
		return "Not heard from yet"
	case a.Silent:
		return "Not heard from since " + a.Heard
	case len(a.Wrong) > 0:
		return plural(len(a.Wrong), "thing wants", "things want") + " somebody"
	}
	return "Up to date"
}

func (v visit) nameAgent() error {
	if err := v.NameAgent(v.r.Context(), care.PersonID(v.typed("agent"))); err != nil {
		return err
	}
	return v.gatewayChanged("Named. The agents learn of it by themselves.")
}
