package collapse

import (
	"slices"
	"time"
)

// patience tells followers when they have waited long enough. Those that came
// at about the same time share a timer, since a timer each would cost more than
// all else that a follower does.
type patience struct{ parties []*party }

// party are followers that give up together.
type party struct {
	until time.Duration
	over  chan struct{}
	timer *time.Timer
}

// grain is the part of the wait by which followers of one party differ at most.
const grain = 8

// join returns what is closed once a follower that comes now has waited for
// limit, or up to an eighth less.
func (p *patience) join(now time.Duration, limit time.Duration) <-chan struct{} {
	if n := len(p.parties); n > 0 && p.parties[n-1].until >= now+limit-limit/grain {
		return p.parties[n-1].over
	}
	p.parties = slices.DeleteFunc(p.parties, func(p *party) bool { return now >= p.until })
	over := make(chan struct{})
	p.parties = append(p.parties, &party{
		until: now + limit,
		over:  over,
		timer: time.AfterFunc(limit, func() { close(over) }),
	})
	return over
}

// end stops the timers. Nobody waits any more.
func (p *patience) end() {
	for _, party := range p.parties {
		party.timer.Stop()
	}
	p.parties = nil
}
