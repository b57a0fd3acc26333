package lease

import (
	"context"
	"math"
	"time"

	"github.com/concordhttp/concord/store"
)

// renewal is one that is under way.
type renewal struct {
	cancel context.CancelFunc
	over   chan struct{} // closed when it is
}

// startRenewal starts the renewal that is due. It gets a goroutine of its own, so
// that a store that hangs delays neither the renewals of other leases nor the
// moment when this one stops. It is of no use once the lease is over. Under mu.
func (l *Lease) startRenewal(now instant) {
	patience := min(l.keeper.config.CallTimeout, now.until(l.term.over()))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	l.renewal = &renewal{cancel, make(chan struct{})}
	go l.renew(ctx, l.version, l.renewal)
}

// renew writes the record again, over version.
func (l *Lease) renew(ctx context.Context, version uint64, r *renewal) {
	defer close(r.over)
	defer r.cancel()
	k := l.keeper
	sent := k.clock.now()
	standing, replaced, err := k.config.Store.Replace(ctx, l.key, version, l.record())
	l.renewed(sent, standing, replaced, err)
}

// outlast waits for a renewal that nobody needs any more. One that takes long is
// told to end, since who waits for it has a write of his own to make, and an answer
// to give: it may hang where that write would not. That it may be carried out later
// does no harm, for then the record has another version.
func (k *Keeper) outlast(ctx context.Context, r *renewal) {
	timer := time.NewTimer(k.config.PollMax)
	defer timer.Stop()
	select {
	case <-r.over:
		return
	case <-timer.C:
		r.cancel()
	case <-ctx.Done():
	}
	select {
	case <-r.over:
	case <-ctx.Done(): // a store that hangs in spite of its context
	}
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
