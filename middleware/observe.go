package middleware

import (
	"context"
	"log/slog"
	"time"

	"github.com/concordhttp/concord/middleware/problem"
)

// EventKind says what a layer did with a request.
type EventKind string

// The kinds of event.
const (
	// EventPassed: the layer was concerned with the request and let it
	// through; the handler ran.
	EventPassed EventKind = "passed"
	// EventNotModified: a read was answered with 304.
	EventNotModified EventKind = "not-modified"
	// EventRefused: the layer answered with a problem, and the handler did
	// not run. Event.Problem says which.
	EventRefused EventKind = "refused"
	// EventReplayed: a repeated request was answered with the recorded
	// outcome of the first; the handler did not run.
	EventReplayed EventKind = "replayed"
	// EventCollapsed: a read was answered with what the handler gave to an
	// identical one that came before it; it did not run for this one.
	EventCollapsed EventKind = "collapsed"
	// EventUnknown: the handler ran, and nobody knows how that ended.
	EventUnknown EventKind = "unknown"
	// EventForgotten: an unknown outcome was given up to make room for later
	// ones, and its key is free.
	EventForgotten EventKind = "forgotten"
	// EventLocked: an edit lock was granted or renewed. Event.Holder says to
	// whom, as the server chose to show it.
	EventLocked EventKind = "locked"
	// EventUnlocked: an edit lock was ended before its time.
	EventUnlocked EventKind = "unlocked"
	// EventFailed: something that Concord relies on failed, such as the store
	// or the question for the current validator, or the handler itself.
	// Event.Err says what.
	EventFailed EventKind = "failed"
	// EventLost: a lease was lost while the handler ran, so that its effects
	// may have overlapped with a successor's.
	EventLost EventKind = "lost"
)

// Event is one decision of one layer about one request. Fields that do not
// apply are zero. An Event never carries a key or a principal in clear.
type Event struct {
	Kind     EventKind
	Layer    string        // "etag", "idempotency", "collapse" or "lock"; or "handler", of an error that it returned
	Method   string        // of the request
	Resource string        // key of the resource, as the layer's Resource gives it
	Key      string        // digest of an idempotency key; a reference that Resolve takes
	Problem  problem.Kind  // what the client was told, if it was a problem
	Instance string        // of the problem, as the client was told: it may quote it
	Status   int           // of the answer, 0 if the layer did not see one
	Wait     time.Duration // how long the request waited for another one
	Run      time.Duration // how long the handler ran
	Holder   string        // who holds the lock, as the server chose to show it
	Err      error         // the cause, never shown to the client
}

// Refusal is the event of a request that was answered with p in place of the
// handler, for the layer to add what else it knows.
func Refusal(p *problem.Problem) Event {
	return Event{Kind: EventRefused, Problem: p.Kind, Instance: p.Instance, Status: p.Status, Err: p.Err}
}

// Observer is told what the layers decide. Observe is called on the request's
// goroutine, so it must return quickly; it is called concurrently. A nil
// Observer costs nothing.
type Observer interface {
	Observe(context.Context, Event)
}

// Began is the time at which something begins of which o is to be told how long
// it took. For a nil o it is zero, and costs nothing.
func Began(o Observer) time.Time {
	if o == nil {
		return time.Time{}
	}
	return time.Now()
}

// Took is how long ago began was, 0 if that is zero.
func Took(began time.Time) time.Duration {
	if began.IsZero() {
		return 0
	}
	return time.Since(began)
}

// Log returns an Observer that writes events to l, or to [slog.Default] at the
// time of the event if l is nil: what went as it was asked at level debug, refusals
// at info, lost leases at warn and failures at error. Keys appear as digests
// only.
func Log(l *slog.Logger) Observer { return logObserver{l} }

type logObserver struct{ l *slog.Logger }

func (o logObserver) Observe(ctx context.Context, e Event) {
	l := o.l
	if l == nil {
		l = slog.Default()
	}
	if level := e.Kind.level(); l.Enabled(ctx, level) {
		l.LogAttrs(ctx, level, "concord: "+string(e.Kind), e.attrs()...)
	}
}

func (k EventKind) level() slog.Level {
	switch k {
	case EventPassed, EventNotModified, EventReplayed, EventCollapsed, EventLocked, EventUnlocked:
		return slog.LevelDebug
	case EventRefused:
		return slog.LevelInfo
	case EventLost, EventUnknown, EventForgotten:
		return slog.LevelWarn
	case EventFailed:
	}
	return slog.LevelError // a kind that is not known here must not be missed
}

// attrs leaves out what is zero, so that a line says only what applies.
func (e Event) attrs() []slog.Attr {
	a := make([]slog.Attr, 0, 11)
	text := func(name, value string) {
		if value != "" {
			a = append(a, slog.String(name, value))
		}
	}
	text("layer", e.Layer)
	text("method", e.Method)
	text("resource", e.Resource)
	text("key", e.Key)
	text("problem", string(e.Problem))
	text("instance", e.Instance)
	if e.Status != 0 {
		a = append(a, slog.Int("status", e.Status))
	}
	if e.Wait != 0 {
		a = append(a, slog.Duration("wait", e.Wait))
	}
	if e.Run != 0 {
		a = append(a, slog.Duration("run", e.Run))
	}
	text("holder", e.Holder)
	if e.Err != nil {
		a = append(a, slog.String("err", e.Err.Error()))
	}
	return a
}
