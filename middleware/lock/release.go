package lock

import (
	"context"
	"errors"

	"github.com/concordhttp/concord/middleware/problem"
)

// release ends the lock that c has, and returns it.
func (l *Layer) release(ctx context.Context, key string, c claim) (*standing, *problem.Problem) {
	s, p := l.find(ctx, key, c)
	if p != nil {
		return nil, p
	}
	for range maxRounds {
		deleted, err := l.config.Store.Delete(ctx, key, s.version)
		if err != nil { // if it is gone all the same, that shows below
			deleted, err = l.config.Store.Delete(ctx, key, s.version)
		}
		switch {
		case err != nil:
			return nil, storeUnavailable(err)
		case deleted:
			return s, nil
		}
		now, p := l.find(ctx, key, c)
		switch {
		case p == nil:
			s = now // renewed meanwhile
		case errors.Is(p, ErrExpired), errors.Is(p, ErrLocked):
			return s, nil // gone, which is what was asked for, or even another's
		default:
			return nil, p
		}
	}
	return nil, busy(nil)
}
