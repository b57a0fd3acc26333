package natsstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/concordhttp/concord/store"
)

// Store is a [store.Store] in a key-value bucket, and a [store.Watcher]. It is
// made by [New] and safe for concurrent use.
type Store struct {
	config  Config
	names   names
	sights  sights
	gauge   gauge
	changes changes
	waiters atomic.Int64

	closing sync.Once
	closed  chan struct{}
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Watcher = (*Store)(nil)
)

// New returns a store on a bucket, which [Store.Migrate] makes if there is none.
// It talks to nobody and starts nothing. The error joins a *store.ConfigError
// for each mistake in c.
func New(c Config) (*Store, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Store{
		config:  c,
		names:   namesOf(c.Bucket),
		gauge:   newGauge(c),
		changes: changes{conn: c.Conn},
		closed:  make(chan struct{}),
	}, nil
}

// Close wakes all who watch and gives the subscriptions back. From then on every
// method fails with store.ErrClosed. The connection is the caller's and stays
// open. Close always returns nil, however often it is called.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// mayBegin returns why a call may not begin at all.
func (s *Store) mayBegin(ctx context.Context) error {
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

// begin bounds a call by the configured time, unless it may not begin.
func (s *Store) begin(ctx context.Context) (within context.Context, cancel context.CancelFunc, err error) {
	if err := s.mayBegin(ctx); err != nil {
		return nil, nil, err
	}
	within, cancel = context.WithTimeout(ctx, s.config.Timeout)
	return within, cancel, nil
}

// Get implements [store.Store]. It is one request, and a second one if the last
// look at the server's clock is more than five seconds ago, or if nothing is
// left of what this store saw at the key.
func (s *Store) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, false, err
	}
	within, cancel, err := s.begin(ctx)
	if err != nil {
		return store.Record{}, false, err
	}
	defer cancel()
	seen, err := s.read(within, key)
	if err != nil {
		return store.Record{}, false, s.failure(ctx, err)
	}
	return seen.record, seen.stands, nil
}

// Create implements [store.Store]. It is one request for who finds the key as
// this store saw it last or, if it never saw it, unused; others need a read more.
func (s *Store) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	if len(r.Body) > s.config.MaxBody {
		return store.Record{}, false, fmt.Errorf("%w: body of %d bytes, the limit is %d", store.ErrTooLarge, len(r.Body), s.config.MaxBody)
	}
	within, cancel, err := s.begin(ctx)
	if err != nil {
		return store.Record{}, false, err
	}
	defer cancel()
	standing, created, err := s.create(within, key, r)
	switch {
	case errors.Is(err, errNoRoom):
		return store.Record{}, false, fmt.Errorf("%w: %w", store.ErrFull, err)
	case errors.Is(err, errBulky):
		return store.Record{}, false, fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	case err != nil:
		return store.Record{}, false, s.failure(ctx, err)
	}
	return standing, created, nil
}

// Replace implements [store.Store]. It is one request for the owner of a record,
// who wrote or read it by this very store; others need a read more.
func (s *Store) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	within, cancel, err := s.begin(ctx)
	if err != nil {
		return store.Record{}, false, err
	}
	defer cancel()
	standing, replaced, err := s.replace(within, key, version, r)
	if err != nil {
		return store.Record{}, false, s.failure(ctx, err)
	}
	return standing, replaced, nil
}

// Delete implements [store.Store], with as many requests as Replace.
func (s *Store) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := store.CheckKey(key); err != nil {
		return false, err
	}
	within, cancel, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer cancel()
	deleted, err := s.remove(within, key, version)
	if err != nil {
		return false, s.failure(ctx, err)
	}
	return deleted, nil
}
