package lock

import (
	"context"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// Break ends the lock of a resource, whoever holds it, for operators and for
// servers that let some callers take over: the holder's next write is refused,
// with the problem that its lock has ended. A lock that nobody can read, which
// keeps everybody out until it expires, is ended too. False: the resource is not
// locked. The error is a [*problem.Problem].
func (l *Layer) Break(ctx context.Context, resource string) (bool, error) {
	within, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	holder, broken, p := l.breakUp(within, l.storageKey(resource))
	if p != nil {
		l.observeRefusal(ctx, "", resource, p, 0)
		return false, p
	}
	if broken {
		l.observe(ctx, "", resource, middleware.Event{Kind: middleware.EventUnlocked, Holder: holder})
	}
	return broken, nil
}

func (l *Layer) breakUp(ctx context.Context, key string) (holder string, broken bool, p *problem.Problem) {
	for range maxRounds {
		r, found, err := l.config.Store.Get(ctx, key)
		if err != nil {
			return "", false, storeUnavailable(err)
		}
		if !found {
			return "", false, nil
		}
		deleted, err := l.config.Store.Delete(ctx, key, r.Version)
		if err != nil {
			return "", false, storeUnavailable(err)
		}
		if deleted {
			s, _ := decode(key, r) // one that cannot be read is nobody's
			return s.holder, true, nil
		}
	}
	return "", false, busy(nil)
}
