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
type clock struct{ start time.Time }

// now returns the instant.
func (c clock) now() instant { return instant(time.Since(c.start)) }

// nowAndMicros returns the instant, and the wall clock in µs since 1970 that
// versions are drawn from. Versions take the wall clock so that they go on
// growing across a restart.
func (c clock) nowAndMicros() (instant, uint64) {
	t := time.Now()
	return instant(t.Sub(c.start)), uint64(t.UnixMicro())
}
