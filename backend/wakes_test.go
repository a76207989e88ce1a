package backend

import (
	"slices"
	"sync"
	"testing"

	"postern/backend/care"
	"postern/backend/command"
)

// A listener who takes nothing gets everything at once, merged; telling never blocks.
func TestWakesMerge(t *testing.T) {
	var w wakes
	slow, stop := w.subscribe()
	defer stop()
	a, b := care.ThreadID{1}, care.ThreadID{2}
	w.tell(command.Change{Threads: []care.ThreadID{b}})
	w.tell(command.Change{Threads: []care.ThreadID{a, b}, Texts: true})
	w.tell(command.Change{Sync: true, Beaten: []care.ThreadID{a}})
	got := <-slow
	if !slices.Equal(got.Threads, []care.ThreadID{a, b}) || !got.Texts || !got.Sync || !slices.Equal(got.Beaten, []care.ThreadID{a}) {
		t.Errorf("%+v", got)
	}
	select {
	case more := <-slow:
		t.Errorf("told twice: %+v", more)
	default:
	}
}

// One who left is told nothing; the others are. The end closes every channel, also of one who comes after it.
func TestWakesEnd(t *testing.T) {
	var w wakes
	left, leave := w.subscribe()
	stays, stop := w.subscribe()
	leave()
	leave()
	w.tell(command.Change{Texts: true})
	if c := <-stays; !c.Texts {
		t.Errorf("%+v", c)
	}
	select {
	case c := <-left:
		t.Errorf("told after leaving: %+v", c)
	default:
	}
	w.close()
	w.close()
	w.tell(command.Change{Texts: true})
	late, _ := w.subscribe()
	for name, ch := range map[string]<-chan command.Change{"who stayed": stays, "who came late": late} {
		if _, open := <-ch; open {
			t.Errorf("%s: still open", name)
		}
	}
	stop()
}

// Many tell while listeners come, take and go: every thread that was told reaches one who stays.
func TestWakesTogether(t *testing.T) {
	var w wakes
	stays, stop := w.subscribe()
	defer stop()
	const tellers, each = 4, 200
	var telling sync.WaitGroup
	for n := range tellers {
		telling.Go(func() {
			for i := range each {
				w.tell(command.Change{Threads: []care.ThreadID{{byte(n), byte(i)}}})
				_, leave := w.subscribe()
				leave()
			}
		})
	}
	got := map[care.ThreadID]bool{}
	for len(got) < tellers*each {
		for _, id := range (<-stays).Threads {
			got[id] = true
		}
	}
	telling.Wait()
}
