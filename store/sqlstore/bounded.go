package sqlstore

import (
	"context"
	"time"
)

// moment is how long a driver may take to return once its context has ended.
const moment = 200 * time.Millisecond

// reply is how a call of a driver ended.
type reply[T any] struct {
	value    T
	err      error
	panicked any
}

// bounded makes a call of a driver and returns when that does or, soon after ctx
// has ended, without it: not every driver stops waiting for a server from which
// nothing comes, and none can be told how long a commit may take. A call that is
// left alone goes on until its connection breaks, and keeps that busy; so there
// are no more of them than the pool has connections.
func bounded[T any](ctx context.Context, call func() (T, error)) (T, error) {
	replies := make(chan reply[T], 1)
	go func() {
		var r reply[T]
		defer func() {
			r.panicked = recover() // it is for the caller's goroutine, where somebody may recover
			replies <- r
		}()
		r.value, r.err = call()
	}()
	select {
	case r := <-replies:
		return r.open()
	case <-ctx.Done():
	}
	last := time.NewTimer(moment)
	defer last.Stop()
	select {
	case r := <-replies:
		return r.open()
	case <-last.C:
		var none T
		return none, ctx.Err()
	}
}

func (r *reply[T]) open() (T, error) {
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.value, r.err
}
