package view

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/backend/care"
	"postern/backend/record/store"
)

// The queues of the staff inbox, beside one for each office.
const (
	QueueUnassigned = "unassigned" // awaits the office, and nobody has it
	QueueMine       = "mine"       // awaits the office, and the viewer has it
	QueueMember     = "member"     // awaits the member
	QueueUrgent     = "urgent"
	QueueOverdue    = "overdue"   // awaits the office, and its due time has passed
	QueueBridged    = "mail"      // what came by ordinary e-mail waits to be accepted, in complete conversations too
	QueueUnreached  = "unreached" // what the office wrote did not arrive, or was not read; or a text of the viewer's was not sent
	QueueCompleted  = "completed"
	QueueAll        = "all" // everything open; not among Queues
)

// queues are the queues in the order in which they are shown, with their conditions on part p.
var queues = []struct{ id, name, condition string }{
	{QueueUnassigned, "Unassigned", "p.open = 1 AND p.awaits = 'office' AND p.owner = ''"},
	{QueueMine, "Assigned to me", "p.open = 1 AND p.awaits = 'office' AND p.owner = @me"},
	{QueueMember, "Awaiting member", "p.open = 1 AND p.awaits = 'member'"},
	{QueueUrgent, "Urgent flags", "p.open = 1 AND p.flagged = 1"},
	{QueueOverdue, "Overdue", "p.open = 1 AND p.awaits = 'office' AND p.due BETWEEN 1 AND @now"},
	{QueueBridged, "Came by e-mail", "p.bridged > 0"},
	{QueueUnreached, "Not reached", "p.id IN (" + unreached + ")"},
	{QueueCompleted, "Completed", "p.open = 0"},
	{QueueAll, "All open", "p.open = 1"},
}

// pressing is what of a queue should wait no longer: what nobody has taken with half of the promise's time gone, and what is not
// answered with four fifths of it gone. The queue says so by its count, until somebody takes or answers it.
var pressing = map[string]string{
	QueueUnassigned: "p.due BETWEEN 1 AND @half",
	QueueMine:       "p.due BETWEEN 1 AND @fifth",
}

// unreached are the parts in which somebody may believe that the member knows what they do not: a letter to the member
// failed, by what an event says or by this computer's own outbox; a text of the viewer's was set aside; or what was written
// two business days ago was not read. Completed ones too: a closing line is often the answer. Each is found by an index.
const unreached = "SELECT id FROM part WHERE failure <> '' AND ours = 1 " +
	"UNION SELECT f.id FROM letter l JOIN part f ON f.thread = l.thread AND f.last = l.event AND f.ours = 1 " +
	"WHERE l.state IN ('waiting', 'submitting', 'failed') AND l.state = 'failed' AND l.mailbox NOT IN (SELECT value FROM json_each(@boxes)) " +
	"UNION SELECT part FROM held WHERE review = 1 " +
	"UNION SELECT part FROM item WHERE news <> '' AND news = 'member' AND no < @unseen"

// condition is a queue's, by its id; an office's is everything open of it.
func (v *Views) condition(id string) (name, condition string, office care.Office, ok bool) {
	for _, q := range queues {
		if q.id == id {
			return q.name, q.condition, office, true
		}
	}
	for _, o := range v.facts.Offices() {
		if string(o.ID) == id {
			return o.Name, "p.open = 1 AND p.office = @office", o, true
		}
	}
	return "", "", office, false
}

// named is the scope with the arguments of queues by name: not every queue asks for all of them.
func (a *asked) named(office care.OfficeID) (scope string, args []any) {
	scope, own := a.scope()
	for i, value := range own {
		name := fmt.Sprintf("own%d", i)
		scope = strings.Replace(scope, "?", "@"+name, 1)
		args = append(args, sql.Named(name, value))
	}
	boxes := []care.MailboxID{}
	for _, o := range a.facts.Offices() {
		boxes = append(boxes, o.Mailbox)
	}
	list, err := json.Marshal(boxes)
	if err != nil {
		panic(err) // strings can be written
	}
	return scope, append(args, sql.Named("me", string(a.viewer.Person)), sql.Named("now", store.Millis(a.now)), sql.Named("office", string(office)),
		sql.Named("boxes", string(list)), sql.Named("unseen", a.unseenBelow()),
		sql.Named("half", a.within(2)), sql.Named("fifth", a.within(5)))
}

// within is until when that is due of which no more than a part of the promise's time is left, be it one of so many.
func (a *asked) within(parts time.Duration) int64 {
	until, _, ok := a.clock.Due(a.now, a.facts.Practice().Policy.Promise()/parts, "")
	if !ok {
		return store.Millis(a.now) // with no calendar to go by, what is overdue
	}
	return store.Millis(until)
}

// Queues counts the queues and the offices of the viewer.
func (v *Views) Queues(ctx context.Context) (all, offices []Queue, err error) {
	err = v.ask(ctx, func(a *asked) error {
		total, presses, open, err := a.counts()
		if err != nil {
			return err
		}
		for _, q := range queues {
			if q.id == QueueBridged && total[q.id] == 0 && !v.facts.Practice().Policy.Notices.Replies {
				continue // a practice that takes none has no use for it
			}
			if q.id != QueueAll {
				all = append(all, a.queue(q.id, q.name, care.Office{}, total[q.id], presses[q.id]))
			}
		}
		for _, o := range v.facts.Offices() {
			offices = append(offices, a.queue(string(o.ID), o.Name, o, open[o.ID], 0))
		}
		return nil
	})
	return all, offices, err
}

// counts are how many conversations each queue has, how many of them press, and how many each office has open.
func (a *asked) counts() (total, presses map[string]int, open map[care.OfficeID]int, err error) {
	scope, args := a.named("")
	total, presses, open = map[string]int{}, map[string]int{}, map[care.OfficeID]int{}
	var sums, ids, pressed []string
	for _, q := range queues {
		if q.id != QueueCompleted && q.id != QueueUnreached && q.id != QueueBridged { // the others hold open conversations alone
			sums, ids = append(sums, "sum("+q.condition+")"), append(ids, q.id)
			continue
		}
		if total[q.id], err = a.count("WHERE "+q.condition+" AND "+scope, args); err != nil {
			return nil, nil, nil, err
		}
	}
	for _, q := range queues {
		if more := pressing[q.id]; more != "" {
			sums, pressed = append(sums, "sum("+q.condition+" AND "+more+")"), append(pressed, q.id)
		}
	}
	err = a.each("SELECT p.office, "+strings.Join(sums, ", ")+" FROM part p WHERE p.open = 1 AND "+scope+" GROUP BY p.office", args,
		func(rows *sql.Rows) error {
			var office care.OfficeID
			n := make([]int, len(ids)+len(pressed))
			to := []any{&office}
			for i := range n {
				to = append(to, &n[i])
			}
			if err := rows.Scan(to...); err != nil {
				return err
			}
			for i, id := range ids {
				total[id] += n[i]
				if id == QueueAll {
					open[office] = n[i]
				}
			}
			for i, id := range pressed {
				presses[id] += n[len(ids)+i]
			}
			return nil
		})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("count the queues: %w", err)
	}
	return total, presses, open, nil
}

func (a *asked) count(where string, args []any) (n int, err error) {
	if err := a.tx.QueryRowContext(a.ctx, "SELECT count(*) FROM part p "+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count a queue: %w", err)
	}
	return n, nil
}

func (a *asked) queue(id, name string, office care.Office, count, presses int) Queue {
	q := Queue{ID: id, Name: name, Count: count, Hot: presses > 0 || count > 0 && (id == QueueUrgent || id == QueueOverdue || id == QueueBridged || id == QueueUnreached)}
	if office.ID != "" {
		q.Provider, q.Absence = a.person(office.Provider), a.absence(office.Provider)
	}
	return q
}

// Queue lists one queue: what is flagged as urgent first, then what is due soonest, what has no due time last; who was
// not reached longest ago first, completed conversations newest first. A search looks in all conversations of the viewer's
// offices instead, whatever the queue: who looks for a patient must not miss them because they stand elsewhere.
// care.NotFound for an unknown queue.
func (v *Views) Queue(ctx context.Context, id, search string) (q Queue, rows []Row, err error) {
	err = v.ask(ctx, func(a *asked) error {
		name, condition, office, ok := v.condition(id)
		if !ok {
			return care.Refusef(care.NotFound, "There is no such queue here.")
		}
		scope, args := a.named(office.ID)
		where := "WHERE " + condition + " AND " + scope
		count, err := a.count(where, args)
		if err != nil {
			return err
		}
		presses := 0
		if more := pressing[id]; more != "" {
			if presses, err = a.count(where+" AND "+more, args); err != nil {
				return err
			}
		}
		q = a.queue(id, name, office, count, presses)
		if strings.TrimSpace(search) != "" {
			rows, err = a.found(search)
			return err
		}
		order := "p.flagged DESC, p.due = 0, p.due, p.awaits <> 'office', CASE p.awaits WHEN 'office' THEN p.at ELSE -p.at END, p.id"
		switch id {
		case QueueCompleted:
			order = "p.at DESC, p.id"
		case QueueUnreached:
			order = "p.flagged DESC, p.at, p.id"
		}
		// The first rows are found by what they are sorted by alone, and then read whole.
		parts, err := a.parts(fmt.Sprintf("WHERE p.rowid IN (SELECT p.rowid FROM part p %s ORDER BY %s LIMIT %d) ORDER BY %s", where, order, MaxRows, order), args...)
		rows = a.rowsOf(parts)
		return err
	})
	return q, rows, err
}
