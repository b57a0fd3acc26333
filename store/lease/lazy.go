package lease

import (
	"context"
	"sync/atomic"
)

// lazy is a context that is made when somebody first waits for its end, or asks
// why it ended. Most leases are released before anybody does, and a context of
// the standard library costs several allocations.
//
// Made and ended are set independently, without a lock, since both are on the
// path of every write: whoever comes second finds what the first one left, and
// cancels.
type lazy struct {
	made  atomic.Pointer[cancellable]
	ended atomic.Pointer[error] // why; nil while it has not
}

type cancellable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// get returns the context, made by build if it is not yet.
func (z *lazy) get(build func() (context.Context, context.CancelCauseFunc)) context.Context {
	made := makeOnce(&z.made, build)
	if cause := z.ended.Load(); cause != nil {
		made.cancel(*cause)
	}
	return made.Context
}

// makeOnce returns what at points to, made by build if there is nothing yet.
func makeOnce(at *atomic.Pointer[cancellable], build func() (context.Context, context.CancelCauseFunc)) *cancellable {
	made := at.Load()
	if made == nil {
		made = new(cancellable)
		made.Context, made.cancel = build()
		if !at.CompareAndSwap(nil, made) {
			made.cancel(context.Canceled) // another was faster
			made = at.Load()
		}
	}
	return made
}

// end cancels the context, made or not. Only the first cause counts. It is a
// pointer to spare the path of every write an allocation.
func (z *lazy) end(cause *error) {
	if !z.ended.CompareAndSwap(nil, cause) {
		return
	}
	if made := z.made.Load(); made != nil {
		made.cancel(*cause)
	}
}

func (z *lazy) hasEnded() bool { return z.ended.Load() != nil }
