package lease

import (
	"context"
	"math"
	"time"

	"github.com/concordhttp/concord/store"
)

// renew writes the record again, over version, and closes done when that is
// over. It runs on a goroutine of its own, so that a store that hangs delays
// neither the renewals of other leases nor the moment when this one stops.
func (l *Lease) renew(version uint64, done chan struct{}) {
	defer close(done)
	k := l.keeper
	sent := k.clock.now()
	ctx, cancel := context.WithTimeout(context.Background(), l.patience(sent))
	defer cancel()
	standing, replaced, err := k.config.Store.Replace(ctx, l.key, version, l.record())
	l.renewed(sent, standing, replaced, err)
}

// patience bounds a renewal: it is of no use once the lease is over.
func (l *Lease) patience(now instant) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return min(l.keeper.config.CallTimeout, now.until(min(l.term.stop, l.term.ends)))
}

// renewed takes note of how a renewal that was sent at that instant ended.
func (l *Lease) renewed(sent instant, standing store.Record, replaced bool, err error) {
	k := l.keeper
	l.mu.Lock()
	l.renewal = nil
	ours := replaced || (err == nil && l.wrote(standing, held))
	if ours {
		l.version = standing.Version
	}
	switch {
	case l.over():
		// Finished meanwhile; all that matters now is the version.
	case replaced:
		l.term.count(sent, k.config.Lease, k.config.Margin)
		l.failures = 0
		l.lookLocked(k.clock.now(), true)
	case err != nil || ours:
		// No answer, or an earlier renewal whose answer was lost. When that was
		// sent is not known here, so only another one counts.
		l.term.renewAt = k.clock.now().add(k.jitter(k.backoff(int(l.failures))))
		l.failures = min(l.failures, math.MaxUint8-1) + 1
		l.lookLocked(k.clock.now(), true)
	default:
		l.lost = &ErrLost
	}
	lost := l.lost
	l.mu.Unlock()
	if lost != nil {
		l.leave(lost)
	}
}
