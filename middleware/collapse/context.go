package collapse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// cause is what the context has ended of; 0: it has not. It is a number, which
// costs less to set than what it stands for.
type cause uint32

const (
	isOver cause = 1 + iota
	isAbandoned
	isLate
	hasOverrun
)

var causes = [...]error{
	isOver:      context.Canceled, // as the server ends the context of a request that was answered
	isAbandoned: errors.New("collapse: nobody waits for the answer any more"),
	isLate:      fmt.Errorf("collapse: the deadline of the request passed, and nobody waits for the answer any more: %w", context.DeadlineExceeded),
	hasOverrun:  fmt.Errorf("collapse: the handler ran longer than Config.MaxRun: %w", context.DeadlineExceeded),
}

var longAgo = time.Unix(1, 0)

var _ context.Context = (*run)(nil)

// life is the state of the context that the handler gets: the run itself. It
// has the values of the leader's, but outlives its client for as long as others
// wait. A context that nobody asks whether it has ended costs no timer.
type life struct {
	parent context.Context
	made   atomic.Pointer[watched] // once somebody asks
	mu     sync.Mutex              // held to make it
}

// watched is what it takes to tell that the context has ended.
type watched struct {
	base   *ending
	ctx    context.Context
	cancel context.CancelCauseFunc
	unbind func() bool // from the parent
	timer  *time.Timer
}

// watch makes the context underneath when it is first asked for.
func (r *run) watch() *watched {
	l := &r.life
	if w := l.made.Load(); w != nil {
		return w
	}
	l.mu.Lock()
	if w := l.made.Load(); w != nil {
		l.mu.Unlock()
		return w
	}
	w := &watched{base: &ending{Context: context.WithoutCancel(l.parent), done: make(chan struct{})}}
	w.ctx, w.cancel = context.WithCancelCause(w.base)
	w.unbind = context.AfterFunc(l.parent, r.leaderIsGone)
	w.timer = time.AfterFunc(r.handler.layer.config.MaxRun-(r.handler.layer.now()-r.began), r.overrun)
	l.made.Store(w)
	l.mu.Unlock()
	if cause := r.cause.Load(); cause != 0 {
		w.end(causes[cause])
	} else if l.parent.Err() != nil {
		r.leaderIsGone() // AfterFunc would tell, but later
	}
	return w
}

// cancel ends the context. The first cause counts.
func (r *run) cancel(c cause) {
	if !r.cause.CompareAndSwap(0, uint32(c)) {
		return
	}
	if w := r.life.made.Load(); w != nil { // else whoever makes it looks for a cause
		w.end(causes[c])
	}
}

func (w *watched) end(cause error) {
	w.unbind()
	w.timer.Stop()
	if errors.Is(cause, context.DeadlineExceeded) {
		w.base.pass(cause)
	}
	w.cancel(cause)
}

// overrun ends a run that took too long. What its handler answers now it
// answers because it was stopped, which is nobody else's answer.
func (r *run) overrun() {
	r.shard.mu.Lock()
	sent := r.sent
	if !sent {
		r.remove()
	}
	r.shard.mu.Unlock()
	if !sent { // a stream takes as long as it takes
		r.decide(refused)
		r.cancel(hasOverrun)
	}
}

// Deadline says that there is none: whether MaxRun counts is only known when the
// answer begins. See [context.Context].
func (r *run) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when nobody waits for the answer any more, or the handler takes
// too long; see [context.Context].
func (r *run) Done() <-chan struct{} { return r.watch().ctx.Done() }

// Err is context.DeadlineExceeded once Done is closed because the deadline of the
// leader's context, or MaxRun, has passed, and else context.Canceled. The cause
// tells why.
func (r *run) Err() error { return r.watch().ctx.Err() }

// within is the key by which a context tells whether it is that of a run, or
// derived from it.
type within struct{ run *run }

// Value returns the leader's value for key. It asks the context underneath once
// there is one, so that contexts derived from it attach to it without a
// goroutine.
func (r *run) Value(key any) any {
	if asked, is := key.(within); is && asked.run == r {
		return r
	}
	if w := r.life.made.Load(); w != nil {
		return w.ctx.Value(key)
	}
	return r.life.parent.Value(key)
}
