package lease

import (
	"math"
	"time"
)

// term is what the time of a lease depends on.
type term struct {
	stop    instant // the owner stops here unless a renewal is acknowledged before
	ends    instant // MaxRun is over; never changed, so that it is read without the lease's lock
	renewAt instant
}

// count counts the lease from the sending of an acknowledged write.
func (t *term) count(sent instant, lease, margin time.Duration) {
	t.stop = sent.add(lease - margin)
	t.renewAt = sent.add(lease / 3)
}

// fix makes the lease one that ends when it was counted to, and is not renewed.
func (t *term) fix() {
	t.ends = min(t.ends, t.stop)
	t.renewAt = math.MaxInt64
}

func (t *term) fixed() bool { return t.renewAt == math.MaxInt64 }

// over is when the lease ends unless it is renewed.
func (t term) over() instant { return min(t.stop, t.ends) }

// step is what a lease needs at some instant.
type step int

const (
	wait    step = iota
	renew        // start a renewal
	lose         // end it, with ErrLost
	exhaust      // end it, with ErrMaxRun
)

// decide returns what the lease needs at now, while a renewal is under way or
// not, and when to look again unless it is over.
func (t term) decide(now instant, renewing bool) (step, instant) {
	over := t.over()
	switch {
	case now >= t.ends:
		return exhaust, now
	case now >= t.stop:
		return lose, now
	case renewing:
		return wait, over
	case now >= t.renewAt:
		return renew, over
	default:
		return wait, min(over, t.renewAt)
	}
}
