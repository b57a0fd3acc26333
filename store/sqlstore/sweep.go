package sqlstore

import (
	"context"
)

// Sweep implements [store.Sweeper]. It removes the rows of records that were
// deleted or have expired, store.Grace to two times that after, up to
// Config.SweepBatch in one statement, until none is left. Several servers may
// sweep at once. Call it every few minutes: without it the table only grows.
func (s *Store) Sweep(ctx context.Context) (removed int, err error) {
	for {
		var n int64
		err := s.insist(ctx, "sweep", func(ctx context.Context) (bool, error) {
			var err error
			n, err = s.steps.sweep(ctx, s.records, s.config.SweepBatch)
			return true, err
		})
		removed += int(n)
		if err != nil || n < int64(s.config.SweepBatch) {
			return removed, err
		}
	}
}
