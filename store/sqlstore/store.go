package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/concordhttp/concord/store"
)

// Store is a [store.Store] in a table of a database, and a [store.Watcher],
// [store.Sweeper] and [store.Beginner]. It is made by [New] and safe for
// concurrent use.
type Store struct {
	config  Config
	db      *sql.DB // of the handlers' transactions
	records *reads
	steps   steps
	ear     *ear // nil: Watch polls

	closing sync.Once
	closed  chan struct{}
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Watcher  = (*Store)(nil)
	_ store.Sweeper  = (*Store)(nil)
	_ store.Beginner = (*Store)(nil)
)

// New returns a store on db, and on Config.Records if that is given. Both stay
// the caller's, to be closed after the store. It asks the database nothing; see
// [Store.Migrate]. The error joins a *[store.ConfigError] for every mistake.
func New(db *sql.DB, c Config) (*Store, error) {
	c = c.withDefaults(db)
	err := c.check()
	if db == nil {
		err = errors.Join(&store.ConfigError{Field: "db", Reason: "is required"}, err)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{config: c, db: db, records: newReads(c.Records), steps: stepsOf(c.Dialect, c.Table), closed: make(chan struct{})}
	if c.Dialect == SQLite {
		s.records = newReads(prepare(c.Records))
	}
	if p, ok := s.steps.(*postgres); ok && c.Listen != nil {
		s.ear = newEar(c, p)
	}
	return s, nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, false, err
	}
	a, err := insist(ctx, s, "get", func(ctx context.Context) (answer, bool, error) {
		return get(ctx, s.steps, s.records, []byte(key))
	})
	return a.record, a.ok, err
}

// Create implements [store.Store]. A body over Config.MaxBody is
// store.ErrTooLarge.
func (s *Store) Create(ctx context.Context, key string, r store.Record) (standing store.Record, created bool, err error) {
	w, err := newWrite(key, r, s.config.MaxBody, false)
	if err != nil {
		return store.Record{}, false, err
	}
	a, err := insist(ctx, s, "create", func(ctx context.Context) (answer, bool, error) {
		return create(ctx, s.steps, s.records, w, r)
	})
	return a.record, a.ok, err
}

// Replace implements [store.Store]. A body over Config.MaxBody is dropped.
func (s *Store) Replace(ctx context.Context, key string, version uint64, r store.Record) (standing store.Record, replaced bool, err error) {
	w, err := newWrite(key, r, s.config.MaxBody, true)
	if err != nil {
		return store.Record{}, false, err
	}
	a, err := insist(ctx, s, "replace", func(ctx context.Context) (answer, bool, error) {
		return replace(ctx, s.steps, s.records, version, w, r)
	})
	return a.record, a.ok, err
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string, version uint64) (deleted bool, err error) {
	if err := store.CheckKey(key); err != nil {
		return false, err
	}
	a, err := insist(ctx, s, "delete", func(ctx context.Context) (answer, bool, error) {
		return remove(ctx, s.steps, s.records, []byte(key), version)
	})
	return a.ok, err
}

// Close wakes those who watch and ends listening. From then on every method
// fails with [store.ErrClosed]. Transactions that have begun, and the pools of
// connections, are left alone. It always returns nil, however often it is called.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		if s.ear != nil {
			s.ear.close()
		}
		if p, ok := s.records.Querier.(*prepared); ok {
			p.close()
		}
	})
	return nil
}

// usable returns the error of a context that has ended or a store that was
// closed.
func (s *Store) usable(ctx context.Context, what string) error {
	if err := ctx.Err(); err != nil {
		return failure(ctx, what, err)
	}
	select {
	case <-s.closed:
		return fmt.Errorf("sqlstore: %s: %w", what, store.ErrClosed)
	default:
		return nil
	}
}
