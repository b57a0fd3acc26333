package lock

import (
	"context"

	"github.com/concordhttp/concord/middleware/problem"
)

// look returns the lock of the resource with that key, or nil. It fails if the
// store does, or if nobody can say what stands there.
func (l *Layer) look(ctx context.Context, key string) (*standing, *problem.Problem) {
	r, found, err := l.config.Store.Get(ctx, key)
	if err != nil {
		return nil, storeUnavailable(err)
	}
	if !found {
		return nil, nil
	}
	s, err := decode(key, r)
	if err != nil {
		return nil, recordUnreadable(err)
	}
	return &s, nil
}

// find returns the lock that a client holds, as its token and its principal say,
// or the problem that there is none.
func (l *Layer) find(ctx context.Context, key string, c claim) (*standing, *problem.Problem) {
	s, p := l.look(ctx, key)
	if p != nil {
		return nil, p
	}
	return s, l.refusal(judge(s, &c.token, c.owner), s)
}

// claim is what a client says of the lock that it wants, or has.
type claim struct {
	owner  digest
	token  token  // of the lock that it has
	holder string // of the one that it wants
}
