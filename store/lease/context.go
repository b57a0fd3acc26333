package lease

import (
	"context"
	"time"
)

var _ context.Context = (*Lease)(nil)

// marker is the key under which a Lease answers itself, so that a gate finds
// the leases that a context holds.
var marker = new(byte)

// end ends the context because of cause. If the parent has ended before, that
// is the cause, even if nobody has asked so far.
func (l *Lease) end(cause *error) {
	if l.scope.made.Load() == nil && l.parent.Err() != nil {
		l.scope.get(l.build)
	}
	l.scope.end(cause)
}

// build makes the context underneath. That of a borrowed lease ends with its
// owner too, even if what lies between them has been cut off with
// context.WithoutCancel. That of a lease which has ended is cut off from both,
// since an end of theirs came later.
func (l *Lease) build() (context.Context, context.CancelCauseFunc) {
	if l.scope.hasEnded() {
		return context.WithCancelCause(context.WithoutCancel(l.parent))
	}
	ctx, cancel := context.WithCancelCause(l.parent)
	if l.owner == nil {
		return ctx, cancel
	}
	stop := context.AfterFunc(l.owner, func() { cancel(context.Cause(l.owner)) })
	return ctx, func(cause error) {
		stop()
		cancel(cause)
	}
}

// Done is closed when the work must stop; see [context.Context].
func (l *Lease) Done() <-chan struct{} { return l.scope.get(l.build).Done() }

// Err is nil while the work may go on; see [context.Context]. It looks at the
// clock, so that it is right even in a process that was paused and in which the
// timer has yet to fire.
//
// It is context.Canceled for a lease that was lost or released, also past the
// Deadline that MaxRun sets: context.Cause tells them apart. It is
// context.DeadlineExceeded only when it was a deadline of the parent that ended
// it.
func (l *Lease) Err() error {
	if l.owner != nil {
		if l.owner.Err() != nil {
			cause := context.Cause(l.owner)
			l.end(&cause)
		}
	} else {
		l.look(l.keeper.clock.now(), false)
	}
	if l.scope.made.Load() != nil || l.scope.hasEnded() {
		return l.scope.get(l.build).Err()
	}
	return l.parent.Err()
}

// Deadline is the parent's or the end of MaxRun, whichever is earlier. The
// lease can be lost before. Past the end of MaxRun Err is context.Canceled and
// the cause [ErrMaxRun], never context.DeadlineExceeded.
func (l *Lease) Deadline() (time.Time, bool) {
	if l.owner != nil {
		return earlier(l.parent, l.owner)
	}
	own := l.keeper.clock.time(l.term.ends)
	if outer, ok := l.parent.Deadline(); ok && outer.Before(own) {
		return outer, true
	}
	return own, true
}

// earlier is the earlier deadline of two contexts.
func earlier(a, b context.Context) (time.Time, bool) {
	at, aok := a.Deadline()
	bt, bok := b.Deadline()
	if !aok || (bok && bt.Before(at)) {
		return bt, bok
	}
	return at, aok
}

// Value returns the parent's value for key. It asks the context underneath once
// there is one, so that contexts derived from it attach to it without a
// goroutine.
func (l *Lease) Value(key any) any {
	if key == marker {
		return l
	}
	if made := l.scope.made.Load(); made != nil {
		return made.Value(key)
	}
	return l.parent.Value(key)
}
