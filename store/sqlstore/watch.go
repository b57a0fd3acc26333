package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// Watch implements [store.Watcher]. Without Config.Listen it polls: a look at the
// version alone, which locks nothing, after PollMin, then after twice as long
// each time, up to PollMax, and when the record expires. With it, whoever changes
// the record wakes it; what it then does without is told at [Listen]. [Store.Close]
// wakes it with [store.ErrClosed].
func (s *Store) Watch(ctx context.Context, key string, version uint64) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.usable(ctx, "watch"); err != nil {
		return err
	}
	changes := s.ear.watch([]byte(key))
	defer changes.leave()
	for n := 0; ; n++ {
		heard, err := changes.marked(ctx)
		if err != nil {
			return failure(ctx, "watch", err)
		}
		stands, expires, err := s.stands(ctx, key, version)
		if err != nil || !stands {
			return err
		}
		again := jittered(s.config.PollMin, s.config.PollMax, n)
		if heard {
			again = unheard
		}
		if err := s.wait(ctx, changes, min(again, expires)); err != nil {
			return err
		}
	}
}

// stands reports whether the record at key still has the version, and when it
// expires.
func (s *Store) stands(ctx context.Context, key string, version uint64) (stands bool, expires time.Duration, err error) {
	r, err := insist(ctx, s, "watch", func(ctx context.Context) (row, bool, error) {
		r, _, err := s.steps.peek(ctx, s.records, []byte(key))
		return r, err == nil, err
	})
	return err == nil && r.live() && uint64(r.version) == version, duration(r.expires - r.now), err
}

// wait waits for a change, for d, or for the end of ctx or of the store, which
// are errors.
func (s *Store) wait(ctx context.Context, changes *watcher, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changes.changed():
	case <-timer.C:
	case <-s.closed:
		return fmt.Errorf("sqlstore: watch: %w", store.ErrClosed)
	case <-ctx.Done():
		return failure(ctx, "watch", ctx.Err())
	}
	return nil
}
