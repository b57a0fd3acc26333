package lease

import (
	"context"
	"sync"
	"sync/atomic"
)

// lazy is a context that is made when somebody first waits for its end, or asks
// why it ended. Most leases are released before anybody does, and a context of
// the standard library costs several allocations.
type lazy struct {
	mu    sync.Mutex
	made  atomic.Pointer[cancellable]
	cause error // why it ended, nil while it has not; under mu
}

type cancellable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// get returns the context, made by build if it is not yet.
func (z *lazy) get(build func() (context.Context, context.CancelCauseFunc)) context.Context {
	if made := z.made.Load(); made != nil {
		return made.Context
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if made := z.made.Load(); made != nil {
		return made.Context
	}
	made := new(cancellable)
	made.Context, made.cancel = build()
	if z.cause != nil {
		made.cancel(z.cause)
	}
	z.made.Store(made)
	return made.Context
}

// end cancels the context, made or not. Only the first cause counts.
func (z *lazy) end(cause error) {
	z.mu.Lock()
	if z.cause == nil {
		z.cause = cause
	}
	made := z.made.Load()
	z.mu.Unlock()
	if made != nil {
		made.cancel(cause)
	}
}

func (z *lazy) hasEnded() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.cause != nil
}
