package natsstore

import "time"

// driftParts bounds how much clocks may differ in their rate: by one part in so
// many.
const driftParts = 1000

// clock is a lower bound of what the clock of the server shows. The zero value
// knows nothing.
type clock struct {
	at      time.Time // by the clock of this process, which only goes forward
	reached int64     // what the server's clock had reached for certain, in ns since 1970
}

// now returns what the server's clock has reached for certain at an instant.
func (c clock) now(at time.Time) int64 {
	since := at.Sub(c.at)
	return c.reached + int64(since-since/driftParts)
}

// observed returns the clock that is known after the server has shown its time
// in an answer. It showed it after the request was sent and before the answer
// came. What was known before is kept where it is the better bound, so that the
// time does not go back between two answers. Where the two contradict each
// other the server's clock was set back, or is that of another server now, and
// the new answer counts alone.
func (c clock) observed(shown int64, sent, received time.Time) clock {
	fresh := clock{at: received, reached: shown}
	if c.at.IsZero() {
		return fresh
	}
	known := c.now(received)
	if most := shown + int64(received.Sub(sent)); known > shown && known <= most {
		fresh.reached = known
	}
	return fresh
}

// surely returns until when, by the clock of this process, a time that began at
// from or later has not passed by the server's clock.
func surely(from time.Time, d time.Duration) time.Time { return from.Add(d - d/driftParts) }

// age returns how long ago a message was written for certain, and what is left
// of a life of ttl; none if it has expired.
func age(written, now int64, ttl time.Duration) (passed, left time.Duration) {
	passed = time.Duration(max(0, now-written))
	return passed, max(0, ttl-passed)
}
