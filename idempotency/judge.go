package idempotency

import (
	"time"

	"github.com/concordhttp/concord/store/lease"
)

// verdict is what a record means for a request that came with its key.
type verdict uint8

const (
	free      verdict = iota // there is no record
	reused                   // it is another request's
	inFlight                 // its owner runs, or may still run
	orphaned                 // its owner is gone, and it may be run again
	unsettled                // nobody knows how it ended
	replayed                 // it has an outcome
	gone                     // it has an outcome, which was too large to keep or had to make room
)

// policy is what a server has decided about requests whose outcome is not known.
type policy struct {
	orphans  bool // claims without an owner are taken over
	unknowns bool // what was recorded as unknown is run again
	margin   time.Duration
}

// judge says what a standing record means for the request that has fingerprint
// f. It decides from what it is given alone.
func (p policy) judge(f fingerprint, s *lease.Standing, n *note) verdict {
	switch {
	case s.Record.Version == 0:
		return free
	case !n.anyRequest && n.fingerprint != f:
		return reused
	case s.Held && !s.Orphan:
		return inFlight
	case s.Held && p.orphans:
		return orphaned
	case n.state == unknown && p.unknowns:
		return p.again(s)
	case s.Held || n.state == unknown:
		return unsettled
	case n.state == kept && !s.Record.Dropped:
		return replayed
	}
	return gone
}

// again says when a request is run again whose outcome was recorded as unknown.
// It can belong to a handler that has been told to stop and has not yet: its
// successor waits as it would for an owner that is gone.
func (p policy) again(s *lease.Standing) verdict {
	if p.untilOver(s) > 0 {
		return inFlight
	}
	return orphaned
}

// policyOf reads the configuration. The transaction of a dead owner can no
// longer commit once its claim is taken over, so nothing was done; one that was
// recorded as unknown has committed.
func policyOf(c Config) policy {
	rerun := c.Unknown == Rerun
	return policy{orphans: rerun || c.Transactional, unknowns: rerun, margin: c.Lease / 10}
}

// untilOver is how long it takes until the owner of a record must have stopped.
func (p policy) untilOver(s *lease.Standing) time.Duration {
	return s.Lease + p.margin - s.Record.Age
}

// untilRetry is how long a client should wait before it asks again for a
// request in flight. Most end within a second; but one that was recorded as
// unknown is not run before its time is over, so that asking earlier is in vain.
func (p policy) untilRetry(s lease.Standing) time.Duration {
	if s.Held || s.Record.Version == 0 {
		return 0
	}
	return p.untilOver(&s)
}
