package retry

import (
	"context"
	"sync/atomic"
)

// Trace is what a program that sends a request learns from a transport that may
// send it several times, beside the last answer.
type Trace struct{ unclear atomic.Bool }

// traceOf finds the Trace of a context.
type traceOf struct{}

// WithTrace returns a context for one request, and the Trace of its attempts.
func WithTrace(ctx context.Context) (context.Context, *Trace) {
	t := &Trace{}
	return context.WithValue(ctx, traceOf{}, t), t
}

// LeaveUnclear says in the Trace of ctx, if there is one, that the request is sent
// again although an earlier attempt may have been done.
func LeaveUnclear(ctx context.Context) {
	if t, ok := ctx.Value(traceOf{}).(*Trace); ok {
		t.unclear.Store(true)
	}
}

// Unclear reports whether an attempt before the last one may have been done.
func (t *Trace) Unclear() bool { return t.unclear.Load() }

// UnsentError is why a transport has not sent a request at all. It reads as its
// cause.
type UnsentError struct{ Err error }

// Error implements error.
func (e *UnsentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnsentError) Unwrap() error { return e.Err }
