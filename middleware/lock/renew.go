package lock

import (
	"context"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// maxRounds bounds how often a renewal or a release goes after a record that
// others of the same token renew at the same moment.
const maxRounds = 4

// renew gives the lock that c has a new time to live. That it must still stand,
// in the very version that was looked at, makes the gate needless: nobody else
// has had the lock since it was taken.
func (l *Layer) renew(ctx context.Context, key string, c claim, ttl time.Duration) (*standing, *problem.Problem) {
	s, p := l.find(ctx, key, c)
	if p != nil {
		return nil, p
	}
	for range maxRounds {
		r := store.Record{Head: s.encode(key), TTL: ttl}
		now, replaced, err := l.config.Store.Replace(ctx, key, s.version, r)
		if err != nil { // if it was written all the same, the next one finds its own
			now, replaced, err = l.config.Store.Replace(ctx, key, s.version, r)
		}
		if err != nil {
			return nil, storeUnavailable(err)
		}
		if s, p = l.read(key, now); p != nil {
			return nil, p
		}
		if p = l.refusal(judge(s, &c.token, c.owner), s); p != nil || replaced {
			return s, p
		}
	}
	return s, nil // the others' renewals count as well
}

// read is what a record says that a step of the store returned; nil if it says
// that there is none.
func (l *Layer) read(key string, r store.Record) (*standing, *problem.Problem) {
	if r.Version == 0 {
		return nil, nil
	}
	s, err := decode(key, r)
	if err != nil {
		return nil, recordUnreadable(err)
	}
	return &s, nil
}
