package sqlstore

import "context"

// Migrate makes the table, with its index, if it is not there. It may be called
// at each start, by several servers at once. On PostgreSQL and MySQL it only reads
// if the table is there, so that the role of the server needs no right to make
// one. A SQLite that is not in WAL mode is an error.
func (s *Store) Migrate(ctx context.Context) error {
	_, err := insist(ctx, s, "migrate", func(ctx context.Context) (struct{}, bool, error) {
		err := s.steps.migrate(ctx, s.config.Records)
		return struct{}{}, err == nil, err
	})
	return err
}
