package memory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/concordhttp/concord/store"
)

// Store is a [store.Store] in memory, and a [store.Watcher] and [store.Sweeper].
// It is made by [New] and safe for concurrent use.
type Store struct {
	room   room
	seed   maphash.Seed
	shards []shard
	mask   uint64
	turn   atomic.Uint64 // the shard with which making room begins

	closing sync.Once
	closed  chan struct{}
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Watcher = (*Store)(nil)
	_ store.Sweeper = (*Store)(nil)
)

// New returns an empty store. It holds nothing but memory, so one that is no
// longer needed may simply be forgotten; [Store.Close] is for those who want
// its watchers woken.
func New(c Config) *Store {
	c = c.withDefaults()
	s := &Store{
		seed:   maphash.MakeSeed(),
		shards: make([]shard, c.Shards),
		mask:   uint64(c.Shards - 1),
		closed: make(chan struct{}),
	}
	s.room.maxRecords = int64(c.MaxRecords)
	s.room.maxBodyBytes = c.MaxBodyBytes
	started := newClock()
	full := fmt.Errorf("%w: there are %d records, the limit", store.ErrFull, c.MaxRecords)
	for i := range s.shards {
		s.shards[i] = shard{
			clock:   started,
			room:    &s.room,
			full:    full,
			entries: make(map[string]*entry),
			bodies:  newBodies(),
		}
	}
	return s
}

// Immediate says, to package lease, that a call of the store that it returns,
// which is s itself, waits for nothing but locks that are held for a moment, is
// carried out once, and is over when it returns. What embeds a Store promises
// nothing by it.
func (s *Store) Immediate() store.Store { return s }

// shard returns the shard that key belongs to.
func (s *Store) shard(key string) *shard {
	return &s.shards[maphash.String(s.seed, key)&s.mask]
}

// Get implements [store.Store]. It counts as a use of the record's body.
func (s *Store) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return store.Record{}, false, err
	}
	return s.shard(key).get(key)
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return store.Record{}, false, err
	}
	h := s.shard(key)
	for reaped := true; ; {
		written, standing, err := h.create(key, r)
		switch {
		case err == nil:
			s.makeRoom(written)
			return standing, written != nil, nil
		case !errors.Is(err, store.ErrFull) || !reaped:
			return store.Record{}, false, err
		}
		// What has expired in other shards gives room, which may be gone again
		// by now; so this goes on until there is nothing left to remove. Then
		// another call may have removed it since this one found the store
		// full, which is why the last word is that of create.
		reaped = s.reapEverywhere() > 0
	}
}

// Replace implements [store.Store].
func (s *Store) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := store.Check(key, r); err != nil {
		return store.Record{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return store.Record{}, false, err
	}
	written, standing, err := s.shard(key).replace(key, version, r)
	if err != nil {
		return store.Record{}, false, err
	}
	s.makeRoom(written)
	return standing, written != nil, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := store.CheckKey(key); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return s.shard(key).delete(key, version)
}

// Close removes all records and wakes all watchers. From then on every method
// fails with [store.ErrClosed]. It always returns nil, however often it is
// called.
func (s *Store) Close() error {
	s.closing.Do(func() {
		for i := range s.shards {
			s.shards[i].close()
		}
		close(s.closed)
	})
	return nil
}
