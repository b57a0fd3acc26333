package collapse

import (
	"context"
	"sync/atomic"
)

// ending is what a run's context hangs on, so that it can end at a deadline that
// is not known before: contexts that are cancelled say [context.Canceled], and
// those that say [context.DeadlineExceeded] have a time to do so from the start.
type ending struct {
	context.Context // for the values
	done            chan struct{}
	over            atomic.Pointer[context.Context] // one whose deadline has passed, once this has ended
	end             func()                          // what the one context on it gave AfterFunc
}

func (e *ending) Done() <-chan struct{} { return e.done }

func (e *ending) Err() error {
	if over := e.over.Load(); over != nil {
		return (*over).Err()
	}
	return nil
}

// Value finds the cause of the end, too.
func (e *ending) Value(key any) any {
	if over := e.over.Load(); over != nil {
		if value := (*over).Value(key); value != nil {
			return value
		}
	}
	return e.Context.Value(key)
}

// AfterFunc has package context need no goroutine to learn of the end.
func (e *ending) AfterFunc(f func()) (stop func() bool) {
	e.end = f
	return func() bool { return false }
}

// pass is called once, when the deadline has passed.
func (e *ending) pass(cause error) {
	over, cancel := context.WithDeadlineCause(context.Background(), longAgo, cause)
	defer cancel()
	e.over.Store(&over)
	close(e.done)
	e.end()
}
