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
		n, err := insist(ctx, s, "sweep", func(ctx context.Context) (int64, bool, error) {
			n, err := s.steps.sweep(ctx, s.records, s.config.SweepBatch)
			return n, err == nil, err
		})
		removed += int(n)
		if err != nil || n < int64(s.config.SweepBatch) {
			return removed, err
		}
	}
}
