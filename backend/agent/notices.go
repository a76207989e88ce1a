package agent

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/care/event"
	"postern/backend/care/fold"
	"postern/backend/command"
	"postern/backend/post/notice"
	"postern/backend/record/ordinary"
)

// Notices tells members by ordinary e-mail that there is something to read: once a conversation, until they have read there. It is the
// agent's that the directory names, and writes mails and their events together: Mailing sends them.
type Notices struct {
	Desk     *command.Desk
	Mails    *ordinary.Mails
	Settings *Settings // nil: the agent has no ordinary mailbox, and nobody is told
	// InStep, where it is set, says whether everything in the mailboxes has been read: before, who was told and has read is not known.
	InStep func() bool
	// Rank, where it is set, is how many other computers of the agent's are to speak first: each further one waits longer, so that
	// two that are alive do not both tell.
	Rank func() int
	Log  *slog.Logger

	waiting map[care.ThreadID][]*waits // nil: nothing was looked at
	said    bool
	atOnce  bool // what is ripe is told without waiting for others
}

// waits is a conversation of whose news somebody was not told yet.
type waits struct {
	command.Told
	office care.MailboxID
	oldest care.EventID // that is unread
	since  time.Time    // when that came
	next   time.Time    // when to look at it again
}

const (
	patience = 5 * time.Minute  // who has Postern open reads it before
	further  = 15 * time.Minute // of each further computer of the agent's
	between  = 30 * time.Minute // two mails to one address
	perDay   = 5                // mails to one address
	stale    = 7 * 24 * time.Hour
	replies  = 30 * 24 * time.Hour // in which a notice takes a reply
	again    = 5 * time.Minute     // until what could not be told is looked at again
	astray   = 24 * time.Hour      // longer than anybody waits to tell
	hearing  = time.Minute         // in which what another computer has just told is heard
)

// Run tells what is there, and then what the changes bring, until the context ends or changes is closed.
func (n *Notices) Run(ctx context.Context, changes <-chan command.Change) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var threads []care.ThreadID
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c, open := <-changes:
			if !open {
				return nil
			}
			threads = c.Threads
		case <-timer.C:
		}
		next, err := n.pass(ctx, threads)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			n.Log.Error("cannot tell members of news", "err", err)
			n.waiting, next = nil, retry // what had changed is known no more
		}
		timer.Reset(next)
	}
}

// Once tells all that is to be told now. It is for profiles that are driven step by step.
func (n *Notices) Once(ctx context.Context) error {
	n.waiting, n.atOnce = nil, true
	defer func() { n.atOnce = false }()
	_, err := n.pass(ctx, nil)
	return err
}

// pass looks at what has changed, tells what is ripe, and says when to look again.
func (n *Notices) pass(ctx context.Context, changed []care.ThreadID) (next time.Duration, err error) {
	practice := n.Desk.Directory().Practice()
	on := practice.Agent == n.Desk.Me.ID && practice.Policy.Notices.On
	if on && n.Settings == nil && !n.said {
		n.said = true
		n.Log.Warn("the practice wants members to be told of news by e-mail, and this agent has no mailbox for it: start it with --mail")
	}
	inStep := n.InStep == nil || n.InStep()
	switch {
	case !on || n.Settings == nil:
		n.waiting = nil
		return again, nil
	case n.waiting == nil && !inStep: // a change comes when it is
		return again, nil
	case n.waiting == nil:
		n.waiting = map[care.ThreadID][]*waits{}
		if changed, err = n.threads(ctx); err != nil {
			return 0, err
		}
	}
	for _, t := range changed {
		if err := n.look(ctx, t); err != nil {
			return 0, err
		}
	}
	if !inStep {
		return again, nil
	}
	return n.tell(ctx, practice)
}

func (n *Notices) threads(ctx context.Context) (all []care.ThreadID, err error) {
	err = n.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		all, err = n.Desk.Journal.Threads(ctx, tx)
		return err
	})
	return all, err
}

// look finds out of what in a thread who was not told yet.
func (n *Notices) look(ctx context.Context, thread care.ThreadID) error {
	now := n.Desk.Now()
	was := n.waiting[thread]
	delete(n.waiting, thread)
	return n.Desk.DB.Read(ctx, func(tx *sql.Tx) error {
		entries, err := n.Desk.Journal.Thread(ctx, tx, thread)
		if err != nil {
			return fmt.Errorf("read thread %s: %w", thread, err)
		}
		c := fold.Fold(command.Events(entries), n.Desk.Directory())
		if !c.Opened || c.ReadOnly {
			return nil
		}
		arrived := map[care.EventID]time.Time{}
		for _, e := range entries {
			arrived[e.ID] = e.Arrived
		}
		former := n.Desk.Directory().Former(c.Patient)
		for i := range c.Parts {
			for _, box := range c.Readers {
				if slices.Contains(former, box) || command.Unread(&c.Parts[i], box).IsZero() {
					continue
				}
				oldest, newest := unread(&c.Parts[i], box, arrived)
				if oldest.IsZero() || now.Sub(arrived[newest]) > stale {
					continue // what lay there when the practice began to tell of news is none
				}
				t := command.Told{Mailbox: box, Part: c.Parts[i].ID}
				w := &waits{Told: t, office: c.OfficeMailbox, oldest: oldest, since: arrived[oldest]}
				if i := slices.IndexFunc(was, func(x *waits) bool { return x.Told == t && x.oldest == oldest }); i >= 0 {
					w = was[i]
				} else {
					if now.Before(w.since) { // by this clock it is yet to come
						w.since = now
					}
					w.next = n.turn(w.since)
				}
				n.waiting[thread] = append(n.waiting[thread], w)
			}
		}
		return nil
	})
}

// unread are the oldest and the newest of the office's words that lie in a mailbox and nobody has read.
func unread(p *fold.Part, box care.MailboxID, arrived map[care.EventID]time.Time) (oldest, newest care.EventID) {
	take := func(id care.EventID, failures []fold.Failure) {
		if slices.ContainsFunc(failures, func(f fold.Failure) bool { return f.Mailbox == box }) {
			return // there is nothing to read
		}
		if oldest.IsZero() || arrived[id].Before(arrived[oldest]) {
			oldest = id
		}
		if newest.IsZero() || arrived[id].After(arrived[newest]) {
			newest = id
		}
	}
	for _, m := range p.Messages {
		if !m.Member && m.SeenAt.IsZero() {
			take(m.ID, m.Failures)
		}
	}
	for _, c := range p.Completions {
		if c.SeenAt.IsZero() {
			take(c.ID, c.Failures)
		}
	}
	return oldest, newest
}

// turn is when this computer is to tell of what came at a time. What was overdue when it was found here, because the computer was off
// or out of reach, another may just have told of; and of several that come back together, one is still to speak first.
func (n *Notices) turn(since time.Time) time.Time {
	at, now := since.Add(patience), n.Desk.Now()
	if at.Before(now) && !n.atOnce {
		at = now.Add(hearing)
	}
	if n.Rank != nil {
		at = at.Add(time.Duration(n.Rank()) * further)
	}
	return at
}

// tell tells of what is ripe, in one mail an address, and says when the next will be.
func (n *Notices) tell(ctx context.Context, practice care.Practice) (next time.Duration, err error) {
	now := n.Desk.Now()
	if until, asleep := quiet(now, practice.Policy.Notices, zoneOf(practice)); asleep {
		return min(until.Sub(now), time.Hour), nil // a timer sleeps with the computer
	}
	ripe := map[string][]*waits{}
	for w := range n.all() {
		if left := w.next.Sub(now); left > 0 && left < astray { // more: the clock was put back
			continue
		}
		w.next = now.Add(again) // unless it is told: the register may learn an address, its owner change their mind
		owner, known := n.Desk.Directory().Owner(w.Mailbox)
		if to := strings.ToLower(owner.Email); known && care.PlainAddress(to) {
			ripe[to] = append(ripe[to], w)
		}
	}
	if len(ripe) > 0 {
		unwanted, err := n.Desk.Unwanted(ctx)
		if err != nil {
			return 0, err
		}
		for _, to := range slices.Sorted(maps.Keys(ripe)) {
			var all []*waits
			for _, w := range ripe[to] {
				knows, off := unwanted[w.Mailbox]
				if !off {
					all = append(all, w)
				} else if !slices.Contains(knows, w.office) { // where they wonder why it is not read
					if err := n.Desk.ShareChoice(ctx, w.Mailbox, w.office); err != nil {
						return 0, err
					}
				}
			}
			if err := n.tellAt(ctx, practice, to, all); ctx.Err() != nil {
				return 0, ctx.Err()
			} else if err != nil { // that of one must not keep the others from their news
				n.Log.Error("cannot tell a member of news", "err", err)
			}
		}
	}
	next = time.Hour
	for w := range n.all() {
		next = min(next, max(w.next.Sub(now), time.Second))
	}
	return next, nil
}

func (n *Notices) all() iter.Seq[*waits] {
	return func(yield func(*waits) bool) {
		for _, of := range n.waiting {
			for _, w := range of {
				if !yield(w) {
					return
				}
			}
		}
	}
}

// tellAt tells of conversations at one address, unless it had as many mails as it may.
func (n *Notices) tellAt(ctx context.Context, practice care.Practice, to string, all []*waits) error {
	now := n.Desk.Now()
	var lately, today int
	if err := n.Desk.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		if lately, err = n.Mails.Sent(ctx, tx, to, now.Add(-between).Add(time.Millisecond), now); err == nil {
			today, err = n.Mails.Sent(ctx, tx, to, now.Add(-24*time.Hour).Add(time.Millisecond), now)
		}
		return err
	}); err != nil || lately > 0 || today >= perDay || len(all) == 0 {
		return err
	}
	slices.SortFunc(all, func(a, b *waits) int {
		return cmp.Or(a.since.Compare(b.since), a.Part.Compare(b.Part), cmp.Compare(a.Mailbox, b.Mailbox))
	})
	var tell []command.Told
	for _, w := range all {
		tell = append(tell, w.Told)
	}
	if _, err := n.write(ctx, practice, to, tell); err != nil {
		return err
	}
	for thread := range n.waiting { // told, or read meanwhile
		n.waiting[thread] = slices.DeleteFunc(n.waiting[thread], func(w *waits) bool { return slices.Contains(all, w) })
	}
	return nil
}

// write writes the mail and records it, in one transaction.
func (n *Notices) write(ctx context.Context, practice care.Practice, to string, tell []command.Told) (done bool, err error) {
	owner, _ := n.Desk.Directory().Owner(tell[0].Mailbox)
	m := notice.Notice{From: n.Settings.From, To: owner.Email, Reply: notice.Address(n.Settings.Replies, ""), Language: owner.Language, Date: n.Desk.Now()}
	if practice.Policy.Notices.Name {
		m.Practice = practice.Name
	}
	add := func(ctx context.Context, tx *sql.Tx, notices ...care.EventID) error {
		m.Key = notices[0]
		raw, err := m.Write()
		if err != nil {
			return err
		}
		_, err = n.Mails.Add(ctx, tx, ordinary.Out{Key: m.Key, Address: to, Mail: raw, Name: notice.Envelope(m.Key), About: notices, Added: m.Date})
		return err
	}
	if len(tell) > 1 {
		return n.Desk.NotifySeveral(ctx, tell, func(ctx context.Context, tx *sql.Tx, notices []care.EventID) error {
			return add(ctx, tx, notices...)
		})
	}
	b := event.NoticeBody{Mailbox: tell[0].Mailbox}
	if practice.Policy.Notices.Replies && n.Settings.Replies != "" {
		token := notice.NewToken()
		b.Reply, b.Until = notice.Hash(token), m.Date.Add(replies)
		m.Reply, m.Replies = notice.Address(n.Settings.Replies, token), true
	}
	return n.Desk.Notify(ctx, tell[0].Part, b, func(ctx context.Context, tx *sql.Tx, key care.EventID) error { return add(ctx, tx, key) })
}
