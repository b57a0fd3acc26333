package memory

import (
	"math"
	"time"
)

// instant is a point in time on the store's own clock: nanoseconds since the
// store was made. It comes from the monotonic clock, so a step of the wall
// clock neither shortens nor lengthens the life of a record.
type instant int64

// plus returns the instant d later, and the end of time rather than overflow.
func (i instant) plus(d time.Duration) instant {
	if end := i + instant(d); end >= i {
		return end
	}
	return math.MaxInt64
}

// since returns the time from earlier to i.
func (i instant) since(earlier instant) time.Duration { return time.Duration(i - earlier) }

// clock is the time of a store.
type clock struct {
	start  time.Time
	micros uint64 // start by the wall clock, in µs since 1970
}

func newClock() clock {
	now := time.Now()
	return clock{now, microsOf(now)}
}

// now returns the instant.
func (c clock) now() instant { return instant(time.Since(c.start)) }

// nowAndMicros returns the instant, and the time in µs since 1970 that versions
// are drawn from. That goes on from the wall clock's time when the store was
// made, so that versions go on growing across a restart, and a step of it
// changes nothing meanwhile.
func (c clock) nowAndMicros() (instant, uint64) {
	now := c.now()
	return now, c.micros + uint64(now/1000)
}

// microsOf returns t in µs since 1970, and 0 before: a clock that was never set
// must not draw a version near the greatest there is, after which none is left.
func microsOf(t time.Time) uint64 { return uint64(max(0, t.UnixMicro())) }
