package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"postern/backend"
	"postern/backend/care"
	"postern/backend/care/promise"
)

// talk is one conversation: it begins so many business hours before the demo is made. Business time makes it stand alike
// whenever that is: what began fifteen business hours ago is due in three, be it night or a holiday.
type talk struct {
	member, office string
	topic          care.Topic
	subject        string
	hours          int
	turns          []turn
}

// turn is one thing that somebody does in a conversation, so many business minutes after the one before, or a stage
// direction. In its text {+3} is the day that lies three business days ahead.
type turn struct {
	who   string
	does  string
	text  string
	after int
}

// What a turn does. Assign's text is whom to; flag's is the reason.
const (
	write    = "write" // the first message: what the conversation begins with
	reply    = "reply"
	complete = "complete"
	reopen   = "reopen"
	note     = "note"
	claim    = "claim"
	assign   = "assign"
	flag     = "flag"
	unflag   = "unflag"
	read     = "read"
	drafts   = "draft" // typed and not sent: a new message if nothing was written yet, else a reply
)

// Stage directions: what nobody does.
const (
	evening   = "evening"   // what comes next happens in the evening of the same day
	meanwhile = "meanwhile" // who acts next has not seen the turn before yet
	followUp  = "follow-up" // from here on it is about the follow-up of the conversation
)

// script is all that is said in the demo.
var script = slices.Concat(leeTalks, haddadTalks, ramanTalks)

// scene is a turn on the clock. All conversations are played at once, in rounds: everybody who acts in a round first sees
// what was sent in those before.
type scene struct {
	turn
	talk     int
	round    int
	at       time.Time
	followUp bool
}

// plan puts every turn of the talks on the clock, in the order in which they are played.
func plan(clock *promise.Clock, now time.Time, talks []talk) []scene {
	var all []scene
	for i, t := range talks {
		all = append(all, t.scenes(clock, now, i)...)
	}
	slices.SortStableFunc(all, func(a, b scene) int { return cmp.Or(cmp.Compare(a.round, b.round), a.at.Compare(b.at)) })
	return all
}

func (t talk) scenes(clock *promise.Clock, now time.Time, number int) (all []scene) {
	// Some minutes more, or all would begin as the clock strikes.
	at := before(clock, now, time.Duration(t.hours)*time.Hour+time.Duration(number*11%37)*time.Minute)
	unseen, crossed, followed := false, false, false
	for _, turn := range t.turns {
		at = forward(clock, at, time.Duration(turn.after)*time.Minute)
		switch turn.does {
		case evening:
			at = eveningOf(clock, at)
			continue
		case meanwhile:
			unseen = true
			continue
		case followUp:
			followed = true
			continue
		}
		s := scene{turn: turn, talk: number, at: at, followUp: followed}
		if len(all) > 0 {
			last := all[len(all)-1]
			s.round = last.round
			if !unseen && (crossed || last.who != s.who) {
				s.round++
			}
		}
		unseen, crossed = false, unseen
		all = append(all, s)
	}
	return all
}

// before is the instant so much business time ago: the latest of them, so that it lies within business hours.
func before(clock *promise.Clock, now time.Time, by time.Duration) time.Time {
	now = now.Truncate(time.Minute)
	const year = 366 * 24 * 60
	return now.Add(-time.Minute * time.Duration(sort.Search(year, func(minutes int) bool {
		return clock.Left(now.Add(-time.Minute*time.Duration(minutes)), now) >= by
	})))
}

// forward is the instant so much business time later.
func forward(clock *promise.Clock, at time.Time, by time.Duration) time.Time {
	if by == 0 {
		return at
	}
	later, _, _ := clock.Due(at, by, "")
	return later
}

// eveningOf is an instant after supper on the same day, another for another minute.
func eveningOf(clock *promise.Clock, at time.Time) time.Time {
	at = at.In(clock.Location())
	return time.Date(at.Year(), at.Month(), at.Day(), 19, 20+at.Minute(), 0, 0, clock.Location())
}

var ahead = regexp.MustCompile(`\{\+\d+\}`)

// dated names the days that a text leaves open, as seen from an instant.
func dated(clock *promise.Clock, at time.Time, text string) care.Text {
	return care.Text(ahead.ReplaceAllStringFunc(text, func(open string) string {
		days, err := strconv.Atoi(open[2 : len(open)-1])
		if err != nil {
			return open
		}
		day := at.In(clock.Location())
		for range days {
			day = clock.NextBusinessDay(day.Format(time.DateOnly)).In(clock.Location())
		}
		return day.Format("Monday, January 2")
	}))
}

// play plays the conversations, and leaves everybody in step with all that was sent.
func (m *Maker) play(ctx context.Context) error {
	all := plan(m.business, m.Now(), script)
	rounds := all[len(all)-1].round + 1
	for n := range rounds {
		m.Say(n+1, rounds, "rounds of letters")
		if err := m.round(ctx, slices.DeleteFunc(slices.Clone(all), func(s scene) bool { return s.round != n })); err != nil {
			return err
		}
	}
	everybody := slices.Sorted(maps.Keys(m.people))
	if err := m.each(everybody, func(p *backend.Profile) error {
		if _, err := p.Digest(ctx); err != nil { // as a computer that runs does at its sign-in
			return err
		}
		return p.Replica().Settle(ctx)
	}); err != nil {
		return err
	}
	return m.each(everybody, func(p *backend.Profile) error { return m.pull(ctx, p) })
}

// round lets everybody who acts in it look, act, each at their moment, and send; then the agent confirms what came.
func (m *Maker) round(ctx context.Context, scenes []scene) error {
	who := map[string]bool{}
	for _, s := range scenes {
		who[s.who] = true
	}
	acting := slices.Sorted(maps.Keys(who))
	if err := m.each(acting, func(p *backend.Profile) error { return m.pull(ctx, p) }); err != nil {
		return err
	}
	for _, s := range scenes {
		m.move(s.at)
		if err := m.act(ctx, s); err != nil {
			return fmt.Errorf("%q: %s %s: %w", script[s.talk].subject, s.who, s.does, err)
		}
	}
	m.move(m.Now())
	if err := m.each(acting, func(p *backend.Profile) error { return p.Replica().Settle(ctx) }); err != nil {
		return err
	}
	return m.confirm(ctx)
}

// each does something for several people, for a few of them at the same time.
func (m *Maker) each(who []string, do func(*backend.Profile) error) error {
	errs := make([]error, len(who))
	few := make(chan struct{}, 4)
	var all sync.WaitGroup
	for i, key := range who {
		all.Go(func() {
			few <- struct{}{}
			defer func() { <-few }()
			if err := do(m.people[key]); err != nil {
				errs[i] = fmt.Errorf("%s's computer: %w", key, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// pull brings a person in step with what everybody has sent.
func (m *Maker) pull(ctx context.Context, p *backend.Profile) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return p.PullUntil(ctx, slices.Collect(maps.Values(m.people))...)
}
