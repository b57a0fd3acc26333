package lease

import (
	"container/heap"
	"sync"
	"time"
)

// timetable calls each lease at the instant that it asked for, with one timer
// for all of them.
//
// The timer is set when an event comes before the one that it is set for, and
// left alone when an event is taken out. A lease that is released within
// microseconds thus hardly ever costs a change of the timer; the price is a
// call in vain, at most one in each third of a lease. It is apart from the
// Keeper so that a timer which is set, but for nothing any more, does not keep
// that and its whole store alive.
type timetable struct {
	clock clock

	mu      sync.Mutex
	events  events
	timer   *time.Timer
	armed   bool // the timer is set, for the instant firesAt
	firesAt instant
}

// set puts l into the timetable, or changes its instant.
func (t *timetable) set(l *Lease, at instant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.event = at
	if l.place == 0 {
		heap.Push(&t.events, l)
	} else {
		heap.Fix(&t.events, int(l.place-1))
	}
	t.arm()
}

// remove takes l out. It does nothing if l is not in.
func (t *timetable) remove(l *Lease) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.place != 0 {
		heap.Remove(&t.events, int(l.place-1))
	}
}

// arm sets the timer for the first event, unless it fires before that anyway.
func (t *timetable) arm() {
	if len(t.events) == 0 {
		return
	}
	first := t.events[0].event
	if t.armed && t.firesAt <= first {
		return
	}
	t.armed, t.firesAt = true, first
	pause := t.clock.now().until(first)
	if t.timer == nil {
		t.timer = time.AfterFunc(pause, t.fire)
	} else {
		t.timer.Reset(pause)
	}
}

// fire calls what is due. It runs on the timer's goroutine and never waits for
// a store: renewals have goroutines of their own.
func (t *timetable) fire() {
	t.mu.Lock()
	now := t.clock.now()
	var due []*Lease
	for len(t.events) > 0 && t.events[0].event <= now {
		due = append(due, heap.Pop(&t.events).(*Lease))
	}
	t.armed = false
	t.arm()
	t.mu.Unlock()
	for _, l := range due {
		l.tick(now)
	}
}

// events is a heap of leases, the earliest event first.
type events []*Lease

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].event < e[j].event }
func (e events) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].place, e[j].place = int32(i+1), int32(j+1)
}

func (e *events) Push(x any) {
	l := x.(*Lease) //nolint:forcetypeassert // container/heap passes on what set gave it
	*e = append(*e, l)
	l.place = int32(len(*e))
}

func (e *events) Pop() any {
	last := len(*e) - 1
	l := (*e)[last]
	(*e)[last] = nil // do not keep it alive
	*e = (*e)[:last]
	l.place = 0
	return l
}
