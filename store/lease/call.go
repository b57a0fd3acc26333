package lease

import (
	"context"
	"sync/atomic"
	"time"
)

// call is the context of one call of the store on the path of every write. It
// bounds the call as context.WithDeadline would, but sets no timer unless the
// store asks for Done, and does not look at the clock before the store does so
// twice: the memory store, whose calls cannot wait, never does.
type call struct {
	parent   context.Context // whose values it has and, unless detached, whose end
	keeper   *Keeper         // whose clock it goes by
	until    atomic.Int64    // the instant when it ends; 0: CallTimeout from when somebody asks
	detached bool
	looked   atomic.Bool // Err was called
	made     atomic.Pointer[cancellable]
}

func (c *call) end() instant {
	until := c.until.Load()
	if until == 0 {
		c.until.CompareAndSwap(0, int64(c.keeper.clock.now().add(c.keeper.config.CallTimeout)))
		until = c.until.Load()
	}
	return instant(until)
}

func (c *call) build() (context.Context, context.CancelCauseFunc) {
	parent := c.parent
	if c.detached {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithDeadline(parent, c.keeper.clock.time(c.end()))
	return ctx, func(error) { cancel() }
}

// finish gives back what the call holds. Whoever still waits on it is told
// that it ended; who comes later gets a context that ends in time.
func (c *call) finish() {
	if made := c.made.Load(); made != nil {
		made.cancel(context.Canceled)
	}
}

func (c *call) Done() <-chan struct{} { return makeOnce(&c.made, c.build).Done() }

func (c *call) Err() error {
	if made := c.made.Load(); made != nil {
		return made.Err()
	}
	if !c.detached {
		if err := c.parent.Err(); err != nil {
			return err
		}
	}
	// A call is made the moment before the store gets it, so the first look,
	// with which stores begin, needs no clock.
	if !c.looked.Load() {
		c.looked.Store(true)
		return nil
	}
	if c.keeper.clock.now() < c.end() {
		return nil
	}
	return makeOnce(&c.made, c.build).Err()
}

func (c *call) Deadline() (time.Time, bool) {
	own := c.keeper.clock.time(c.end())
	if outer, ok := c.parent.Deadline(); ok && !c.detached && outer.Before(own) {
		return outer, true
	}
	return own, true
}

// Value asks the context underneath once there is one, so that contexts derived
// from it attach to it without a goroutine.
func (c *call) Value(key any) any {
	if made := c.made.Load(); made != nil {
		return made.Value(key)
	}
	return c.parent.Value(key)
}
