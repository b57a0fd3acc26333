package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store"
)

// Store is a [store.Store] in Redis, and a [store.Watcher]. It is made by [New]
// and safe for concurrent use.
type Store struct {
	client redis.UniversalClient
	config Config
	line   line    // the connection that watchers share
	id     [8]byte // tells its stamps from those of other stores
	calls  atomic.Uint64

	closing sync.Once
	closed  chan struct{}
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Watcher = (*Store)(nil)
)

// New returns a store on the client's server, which it does not talk to yet:
// [Store.Check] does. The client stays the caller's, who closes it after the
// store. It is a *redis.Client, Sentinel's included, or a *redis.ClusterClient,
// with ContextTimeoutEnabled in its options, and with a ReadTimeout, as it has by
// default. A *redis.Ring is refused, for its keys move. The error joins a [store.ConfigError] for every mistake.
func New(client redis.UniversalClient, c Config) (*Store, error) {
	c = c.withDefaults()
	if err := c.check(client); err != nil {
		return nil, err
	}
	s := &Store{client: client, config: c, closed: make(chan struct{})}
	s.line.init(client, c)
	rand.Read(s.id[:]) // never fails: crypto/rand ends the process rather
	return s, nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := s.usable(ctx, store.CheckKey(key)); err != nil {
		return store.Record{}, false, err
	}
	within, cancel := s.bounded(ctx)
	defer cancel()
	standing, err := s.look(within, key)
	if err != nil {
		return store.Record{}, false, failure(ctx, err)
	}
	return standing, standing.Version != 0, nil
}

// look returns the record that stands; its version is 0 if there is none.
func (s *Store) look(ctx context.Context, key string) (store.Record, error) {
	reply, err := s.run(ctx, getScript, key)
	if err != nil {
		return store.Record{}, err
	}
	return standing(reply)
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := s.usable(ctx, s.checkNew(key, r)); err != nil {
		return store.Record{}, false, err
	}
	within, cancel := s.bounded(ctx)
	defer cancel()
	w := newWriting(r)
	reply, err := s.write(within, createScript, key, r.Head, append(w.args(), s.stamp(), s.waits())...)
	if !full(err) {
		return w.outcome(ctx, reply, err)
	}
	// It did not get to look. A record that stands is shown all the same.
	w.drop()
	looking := append(w.args(), bytesOf(0), s.waits()) // no record has version 0
	reply, lookErr := s.write(within, replaceFullScript, key, r.Head, looking...)
	standing, _, lookErr := w.outcome(ctx, reply, lookErr)
	switch {
	case lookErr != nil:
		return store.Record{}, false, lookErr
	case standing.Version == 0:
		return store.Record{}, false, fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return standing, false, nil
}

// checkNew is store.Check, and refuses bodies that are larger than may be.
func (s *Store) checkNew(key string, r store.Record) error {
	if err := store.Check(key, r); err != nil {
		return err
	}
	if len(r.Body) > s.config.MaxBody {
		return fmt.Errorf("%w: body of %d bytes, the limit is %d", store.ErrTooLarge, len(r.Body), s.config.MaxBody)
	}
	return nil
}

// Replace implements [store.Store]. In a server that may take no more memory it
// needs a second round trip, which writes the record without its body.
func (s *Store) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := s.usable(ctx, store.Check(key, r)); err != nil {
		return store.Record{}, false, err
	}
	within, cancel := s.bounded(ctx)
	defer cancel()
	w := newWriting(r)
	if len(r.Body) > s.config.MaxBody {
		w.drop()
	}
	named := bytesOf(version)
	reply, err := s.write(within, replaceScript, key, r.Head, append(w.args(), named, s.waits())...)
	if full(err) {
		w.drop()
		reply, err = s.write(within, replaceFullScript, key, r.Head, append(w.args(), named, s.waits())...)
	}
	return w.outcome(ctx, reply, err)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := s.usable(ctx, store.CheckKey(key)); err != nil {
		return false, err
	}
	within, cancel := s.bounded(ctx)
	defer cancel()
	reply, err := s.write(within, deleteScript, key, nil, bytesOf(version), keepFor(0), s.stamp(), s.waits())
	if err != nil {
		return false, failure(ctx, err)
	}
	deleted, err := number(reply)
	return deleted == 1, err
}

// stamp is that of the next call; lua/delete.lua has its meaning.
func (s *Store) stamp() []byte {
	return binary.BigEndian.AppendUint64(s.id[:len(s.id):len(s.id)], s.calls.Add(1))
}

// usable returns the error of a call that cannot be made: refused, what is wrong
// with its arguments; that of a context that has ended; or of a closed store.
func (s *Store) usable(ctx context.Context, refused error) error {
	if refused != nil {
		return refused
	}
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

// Close wakes all watchers and ends the connection that they share. From then on
// every method fails with [store.ErrClosed]; calls under way go on. It waits for a
// connection that is being made to a silent server, for the longer of
// Config.CallTimeout and the client's ReadTimeout at most. It does not close the
// client. It always returns nil, however often it is called.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.line.close()
	})
	return nil
}

// bytesOf is a version as the scripts compare it, since Lua's numbers cannot hold
// every one that a caller may name.
func bytesOf(version uint64) []byte { return binary.BigEndian.AppendUint64(nil, version) }
