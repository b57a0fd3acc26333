package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// shortestSleep keeps a watcher from spinning around the instant of expiry, when
// the server's clock and this machine's differ about how near it is.
const shortestSleep = time.Millisecond

// Watch implements [store.Watcher]. All watchers of the store share one
// connection, which two goroutines serve while anybody watches, and for up to
// twice Config.Recheck afterwards; [Store.Close] ends them at once.
//
// A message wakes it when the version is replaced or deleted, a timer when it
// expires. When the connection breaks it returns nil early, since a message may
// have been lost. It fails with [ErrTooManyWaiters], and with
// store.ErrUnavailable when it cannot subscribe within Config.CallTimeout.
func (s *Store) Watch(ctx context.Context, key string, version uint64) error {
	if err := s.usable(ctx, store.CheckKey(key)); err != nil {
		return err
	}
	w, err := s.line.join(s.config.Prefix+key, version)
	if err != nil {
		return err
	}
	defer s.line.leave(w)
	if err := s.subscribed(ctx, w); err != nil {
		return err
	}
	// What happened before is seen now, and what happens later is told.
	for {
		left, err := s.left(ctx, key, version)
		if err != nil || left <= 0 {
			return err
		}
		woken, err := s.sleep(ctx, w, min(max(left, shortestSleep), s.config.Recheck))
		if err != nil || woken {
			return err
		}
	}
}

// subscribed waits until the server sends w its messages.
func (s *Store) subscribed(ctx context.Context, w *waiter) error {
	timeout := time.NewTimer(s.config.CallTimeout)
	defer timeout.Stop()
	select {
	case <-w.ready:
		return nil
	case <-w.woken:
		return s.broken(ctx, w.err)
	case <-timeout.C:
		return fmt.Errorf("%w: no subscription within %v", store.ErrUnavailable, s.config.CallTimeout)
	case <-s.closed:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep returns true when w was woken, and false after d.
func (s *Store) sleep(ctx context.Context, w *waiter, d time.Duration) (bool, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.woken:
		return true, s.broken(ctx, w.err)
	case <-timer.C:
		return false, nil
	case <-s.closed:
		return false, store.ErrClosed
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// broken is the error of a waiter that was woken with err.
func (s *Store) broken(ctx context.Context, err error) error {
	closed := s.usable(ctx, nil)
	switch {
	case closed != nil:
		return closed
	case err == nil:
		return nil
	case errors.Is(err, store.ErrClosed):
		return store.ErrClosed
	}
	return failure(ctx, err)
}

// left is how long the version still stands, 0 if it is over.
func (s *Store) left(ctx context.Context, key string, version uint64) (time.Duration, error) {
	within, cancel := s.bounded(ctx)
	defer cancel()
	reply, err := s.run(within, watchScript, key, bytesOf(version))
	if err != nil {
		return 0, failure(ctx, err)
	}
	n, err := number(reply)
	return micros(n), err
}
