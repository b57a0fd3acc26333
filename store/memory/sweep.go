package memory

import (
	"context"

	"github.com/concordhttp/concord/store"
)

// Sweep removes everything that has expired, with no lock held for more than
// 128 records at a time. A store that is written to needs no sweeping; one that
// was busy once and is now only read gives its memory back sooner with it.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	for i := range s.shards {
		for {
			if err := s.usable(ctx); err != nil {
				return removed, err
			}
			n := s.shards[i].reapLocked(reapedPerStep)
			removed += n
			if n < reapedPerStep {
				break
			}
		}
	}
	return removed, nil
}

// usable returns the error of a context that has ended or a store that was
// closed.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closed:
		return store.ErrClosed
	default:
		return nil
	}
}

// reapEverywhere makes room for records out of what has expired in any shard.
func (s *Store) reapEverywhere() (removed int) {
	for i := range s.shards {
		removed += s.shards[i].reapLocked(reapedPerWrite)
	}
	return removed
}
