package lease

import (
	"math"
	"time"
)

// instant is a moment as the time since its clock was made. It is read from the
// monotonic clock, so that a step of the time of day moves no lease.
type instant time.Duration

// add returns the instant d later, d not being negative, and the end of time
// rather than overflow: a bound that is out of reach is none.
func (i instant) add(d time.Duration) instant {
	if later := i + instant(d); later >= i {
		return later
	}
	return math.MaxInt64
}

func (i instant) until(later instant) time.Duration { return time.Duration(later - i) }

// clock reads instants. Reading one costs half of what time.Now does, and it
// is read several times on the path of each write that passes a gate.
type clock struct{ made time.Time }

func (c clock) now() instant             { return instant(time.Since(c.made)) }
func (c clock) time(i instant) time.Time { return c.made.Add(time.Duration(i)) }

// instant is the inverse of time. Two clocks of one process agree by it.
func (c clock) instant(t time.Time) instant { return instant(t.Sub(c.made)) }
