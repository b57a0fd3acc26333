package natsstore

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/concordhttp/concord/store"
)

const (
	// relook is after how long a watcher reads its record, whether or not it
	// was told of a change: news is sent once, and can be lost.
	relook = 5 * time.Second
	// turnedAway is how long a watcher stays for which there is no place.
	turnedAway = 250 * time.Millisecond
)

// Watch implements [store.Watcher]. All who watch a key share one subscription,
// which the connection serves with a goroutine; it ends with the last of them.
// News that is lost is made up for within five seconds, and after a loss of the
// connection Watch returns at once, early as it may be. When more than
// [Config.MaxWaiters] watch already it returns nil after a quarter of a second.
func (s *Store) Watch(ctx context.Context, key string, version uint64) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.mayBegin(ctx); err != nil {
		return err
	}
	if s.waiters.Add(1) > int64(s.config.MaxWaiters) {
		s.waiters.Add(-1)
		return s.rest(ctx, turnedAway)
	}
	defer s.waiters.Add(-1)

	status := s.config.Conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer s.config.Conn.RemoveStatusListener(status)
	// The subscription goes to the server before the read does, so there is no
	// change between the two that nobody would tell of.
	t, err := s.changes.join(s.names.changes + token(key))
	if err != nil {
		return s.failure(ctx, err)
	}
	defer s.changes.leave(t)
	return s.follow(ctx, key, version, t, status)
}

// follow returns once t tells of a later version, or a look shows one.
func (s *Store) follow(ctx context.Context, key string, version uint64, t *topic, status <-chan nats.Status) error {
	timer := time.NewTimer(relook)
	defer timer.Stop()
	for {
		r, found, err := s.Get(ctx, key)
		if err != nil || !found || r.Version != version {
			return err
		}
		timer.Reset(min(relook, r.TTL))
		for looking := false; !looking; {
			last, moved := s.changes.told(t)
			if last > version {
				return nil
			}
			select {
			case <-moved:
			case <-timer.C:
				looking = true
			case <-status:
				return nil
			case <-s.closed:
				return store.ErrClosed
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// rest waits as long as told, and says what ended it before.
func (s *Store) rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.closed:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
