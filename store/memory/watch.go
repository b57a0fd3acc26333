package memory

import (
	"context"
	"time"

	"github.com/concordhttp/concord/store"
)

// Watch implements [store.Watcher]. It starts no goroutine. Expiry wakes it by
// a timer of its own, so it does not depend on anybody removing the record;
// [Store.Close] wakes it with [store.ErrClosed].
func (s *Store) Watch(ctx context.Context, key string, version uint64) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	changed, left, err := s.shard(key).watch(key, version)
	if err != nil || changed == nil {
		return err
	}
	expired := time.NewTimer(left)
	defer expired.Stop()
	select {
	case <-changed:
		return nil
	case <-expired.C:
		return nil
	case <-s.closed:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch returns a channel that is closed when the version is over, nil if it is
// over already, and how long it has left to live.
func (h *shard) watch(key string, version uint64) (<-chan struct{}, time.Duration, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, 0, store.ErrClosed
	}
	now := h.clock.now()
	e := h.live(key, now)
	if e == nil || e.version != version {
		return nil, 0, nil
	}
	return e.watch(), e.deadline.since(now), nil
}
