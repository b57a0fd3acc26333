package lock

import (
	"context"
	"time"
)

// How long, and by how many at once, a lock is pursued that was written, or may
// yet be, and that nobody was told of.
const (
	undoFor      = 30 * time.Second
	undoPauseMin = 50 * time.Millisecond
	undoPauseMax = 2 * time.Second
	maxUndoing   = 128
)

// takeBack removes the lock with that token. It would keep everybody out until it
// expires, the client included that asked for it. This is done on a goroutine
// that lives for undoFor at most; a lock that is not got rid of by then, or in
// excess of maxUndoing, lapses by itself.
//
// If it is certain that every write of it has been answered, that is done with
// the first look that does not fail. Else it is looked for until undoFor is over,
// also after it was removed: each write that got no answer can yet arrive.
func (l *Layer) takeBack(key string, t token, certain bool) {
	if !l.undoing.TryAcquire(1) {
		return
	}
	go func() {
		defer l.undoing.Release(1)
		ctx, cancel := context.WithTimeout(context.Background(), undoFor)
		defer cancel()
		for pause := undoPauseMin; ; pause = min(2*pause, undoPauseMax) {
			err := l.remove(ctx, key, t)
			if err == nil && certain || !sleep(ctx, pause) {
				return
			}
		}
	}()
}

// remove removes the lock with that token if it stands. It is nobody's, so there
// are no renewals that could come in between.
func (l *Layer) remove(ctx context.Context, key string, t token) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, found, err := l.config.Store.Get(ctx, key)
	if err != nil || !found {
		return err
	}
	s, err := decode(key, r)
	if err != nil || s.token != t {
		return nil // what cannot be read is not this lock
	}
	_, err = l.config.Store.Delete(ctx, key, s.version)
	return err
}

// sleep reports whether d has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
