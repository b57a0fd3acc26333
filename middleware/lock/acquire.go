package lock

import (
	"context"
	"errors"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// callTimeout bounds what is done in the store apart from any request.
const callTimeout = 5 * time.Second

// acquire takes the lock for c, inside the gate: whoever was let through before
// has ended, and whoever comes later sees the lock.
func (l *Layer) acquire(gate *lease.Lease, key string, c claim, ttl time.Duration) (*standing, *problem.Problem) {
	wanted := standing{token: newToken(), owner: c.owner, holder: shown(c.holder)}
	r, certain, err := l.create(gate, key, store.Record{Head: wanted.encode(key), TTL: ttl})
	if err != nil {
		if !certain {
			l.takeBack(key, wanted.token, certain) // it may stand, or come to stand
		}
		return nil, storeUnavailable(err)
	}
	s, err := decode(key, r)
	switch {
	case err != nil:
		return nil, recordUnreadable(err)
	case s.token != wanted.token:
		return nil, l.refusal(judge(&s, nil, c.owner), &s)
	case gate.Err() != nil: // others may be inside who have seen no lock; or nobody wants it any more
		l.takeBack(key, wanted.token, certain)
		return nil, gateClosed(context.Cause(gate))
	}
	return &s, nil
}

// create creates r, and returns what stands at key then: r, or another's. If
// the answer is lost it is sent once more; a record of this very token is then
// its own. Not certain: what got no answer may be on its way still, and arrive
// whenever it does.
func (l *Layer) create(ctx context.Context, key string, r store.Record) (standing store.Record, certain bool, err error) {
	standing, _, err = l.config.Store.Create(ctx, key, r)
	if err == nil || refused(err) {
		return standing, true, err
	}
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	standing, _, err = l.config.Store.Create(again, key, r)
	return standing, false, err
}

// refused reports whether err says that nothing was written, and that nothing
// would be if it were sent again.
func refused(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrClosed)
}
