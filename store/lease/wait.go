package lease

import (
	"context"
	"time"
)

// Acquire acquires key, and waits for up to c.Wait while another holds it. The
// lease is a child of ctx. The error is a *[BusyError] when the wait is over,
// when too many wait already, or at once when waiting cannot help because what
// stands is settled, or an orphan that outlives the wait; the error of ctx if
// that ends first; [ErrCorrupt]; or a failure of the store.
//
// Callers of one process are served in the order in which they came.
func (k *Keeper) Acquire(ctx context.Context, key string, c Claim) (*Lease, error) {
	if err := k.complete(&c); err != nil {
		return nil, err
	}
	var s Standing
	if c.Wait <= 0 || !k.lines.any(key) {
		l, err := k.try(ctx, ctx, key, &c, &s)
		if l != nil || err != nil {
			return l, err
		}
		if c.Wait <= 0 || !s.mayEnd(c.Wait) {
			return nil, &BusyError{Standing: s}
		}
	}
	if !k.waiting.TryAcquire(1) {
		return nil, &BusyError{Standing: s, Full: true}
	}
	defer k.waiting.Release(1)
	return k.await(ctx, key, &c, s)
}

// await waits in line and then for the record in the way, which was s when last
// seen.
func (k *Keeper) await(ctx context.Context, key string, c *Claim, s Standing) (*Lease, error) {
	within, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	deadline, _ := within.Deadline()
	leave, err := k.lines.join(within, key)
	if err != nil {
		return nil, waitOver(ctx, &s)
	}
	defer leave()
	for same := 0; ; same++ {
		k.waitFor(within, key, &s, same)
		if within.Err() != nil {
			return nil, waitOver(ctx, &s)
		}
		var now Standing
		l, err := k.try(within, ctx, key, c, &now)
		switch {
		case l != nil:
			return l, nil
		case within.Err() != nil:
			return nil, waitOver(ctx, &s)
		case err != nil:
			return nil, err
		case !now.mayEnd(time.Until(deadline)):
			return nil, &BusyError{Standing: now}
		case now.Record.Version != s.Record.Version:
			same = -1
		}
		s = now
	}
}

// waitFor waits until s may be out of the way. After it was in vain, same times
// in a row for the same record, it pauses, so that a Watch which returns early
// does not become a busy loop.
func (k *Keeper) waitFor(ctx context.Context, key string, s *Standing, same int) {
	// Watchers wake when a record expires, but nothing except the clock tells
	// that it has become an orphan. If nothing is left of its time, that is
	// now; zero never means for ever.
	left := max(s.left(k.config.Margin), k.config.PollMin)
	if same > 0 || (k.watcher == nil && s.Record.Version != 0) {
		k.pause(ctx, min(left, k.backoff(same)))
	}
	if k.watcher == nil || s.Record.Version == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	if k.watcher.Watch(ctx, key, s.Record.Version) != nil {
		k.pause(ctx, k.backoff(same)) // it cannot watch: poll
	}
}

// waitOver is the error of a caller whose wait has ended.
func waitOver(ctx context.Context, s *Standing) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return &BusyError{Standing: *s}
}
