package lease

import (
	"context"

	"github.com/concordhttp/concord/store"
)

// Acquire acquires key, and waits for up to c.Wait while another holds it. The
// lease is a child of ctx. The error is a *[BusyError] when the wait is over,
// when too many wait already, or at once when waiting cannot help because what
// stands is settled or an orphan; the error of ctx if that ends first;
// [ErrCorrupt]; or a failure of the store.
//
// Callers of one process are served in the order in which they came.
func (k *Keeper) Acquire(ctx context.Context, key string, c Claim) (*Lease, error) {
	c, err := k.complete(c)
	if err != nil {
		return nil, err
	}
	var s Standing
	if c.Wait <= 0 || !k.lines.any(key) {
		var l *Lease
		l, s, err = k.try(ctx, ctx, key, c)
		if l != nil || err != nil {
			return l, err
		}
		if c.Wait <= 0 || !s.mayEnd() {
			return nil, &BusyError{Standing: s}
		}
	}
	if !k.waiting.TryAcquire(1) {
		return nil, &BusyError{Standing: s, Full: true}
	}
	defer k.waiting.Release(1)
	return k.await(ctx, key, c, s)
}

// await waits in line and then for the record in the way, which was s when last
// seen.
func (k *Keeper) await(ctx context.Context, key string, c Claim, s Standing) (*Lease, error) {
	within, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	leave, err := k.lines.join(within, key)
	if err != nil {
		return nil, waitOver(ctx, s)
	}
	defer leave()
	for same := 0; ; same++ {
		k.waitFor(within, key, s.Record, same)
		if within.Err() != nil {
			return nil, waitOver(ctx, s)
		}
		l, now, err := k.try(within, ctx, key, c)
		switch {
		case l != nil:
			return l, nil
		case within.Err() != nil:
			return nil, waitOver(ctx, s)
		case err != nil:
			return nil, err
		case !now.mayEnd():
			return nil, &BusyError{Standing: now}
		case now.Record.Version != s.Record.Version:
			same = -1
		}
		s = now
	}
}

// waitFor waits until r may be out of the way. After it was in vain, same times
// in a row for the same record, it pauses, so that a Watch which returns early
// does not become a busy loop.
func (k *Keeper) waitFor(ctx context.Context, key string, r store.Record, same int) {
	if same > 0 || (k.watcher == nil && r.Version != 0) {
		// What expires is waited for until then and no longer; a TTL of zero
		// means that this is now, not that it never expires.
		k.pause(ctx, max(k.config.PollMin, min(k.backoff(same), r.TTL)))
	}
	if k.watcher == nil || r.Version == 0 || ctx.Err() != nil {
		return
	}
	if k.watcher.Watch(ctx, key, r.Version) != nil {
		k.pause(ctx, k.backoff(same)) // it cannot watch: poll
	}
}

// waitOver is the error of a caller whose wait has ended.
func waitOver(ctx context.Context, s Standing) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return &BusyError{Standing: s}
}
