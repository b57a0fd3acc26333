package idempotency

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concordhttp/concord/store/lease"
)

// Attempt is one run of the handler under a key. It is safe for concurrent use.
type Attempt struct {
	run   *run // that it is part of
	lease *lease.Lease

	mu     sync.Mutex
	ending *ending // nil: nothing needs to be said
	freed  atomic.Bool
	stage  stage // beside freed, it fills a gap
}

// ending is what there is to say of a transaction besides its stage. Hardly any
// has one, and an Attempt is allocated for each request.
type ending struct {
	taken *lease.Standing // what stood in the way, if stage is superseded
	cause error           // why stage is undone, undecided or superseded
}

// FromContext returns the Attempt of the request whose context this is, or one
// derived from it. False: the request carries no key, or a layer is not
// concerned with it.
func FromContext(ctx context.Context) (*Attempt, bool) {
	a, ok := ctx.Value(attemptKey{}).(*Attempt)
	return a, ok
}

// Token is the fencing token: greater than that of every earlier attempt of the
// same key, and the same for the life of the attempt. Write it along with the
// effect, and refuse effects with a smaller one: that stops a server that was
// paused from writing after its successor.
func (a *Attempt) Token() uint64 { return a.lease.Token() }

// Free says "I did nothing": whatever the handler answers, the key may be used
// again. It has no effect once the handler has returned or if it panics. A
// transaction is rolled back.
func (a *Attempt) Free() { a.freed.Store(true) }

// stage is how far the transaction of an attempt has come.
type stage uint8

const (
	plain      stage = iota // there is none: whatever Claim sees is how it ended
	open                    // the handler runs in it
	rolledBack              // the answer is an error: the transaction was rolled back for it
	undone                  // it was rolled back, or never began, on Concord's account: nothing happened
	committed               // the outcome stands, and so do the effects
	ambiguous               // so do they, but Keep has said that nobody knows what they are
	undecided               // it may or may not have committed, and nobody can say yet
	superseded              // another attempt took over: it was rolled back
	escaped                 // the handler has ended it by itself: what it wrote may stand
)

// enter begins the transaction. False: there is one already, which this is a
// part of.
func (a *Attempt) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stage != plain {
		return false
	}
	a.stage = open
	return true
}

func (a *Attempt) end(s stage, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stage, a.ending = s, nil
	if err != nil {
		a.ending = &ending{cause: err}
	}
}

func (a *Attempt) supersede(by lease.Standing, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stage, a.ending = superseded, &ending{&by, err}
}

func (a *Attempt) ended() (stage, *lease.Standing, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending == nil {
		return a.stage, nil, nil
	}
	return a.stage, a.ending.taken, a.ending.cause
}

// under returns the attempt at key in l's store that ctx is part of, or nil: a
// layer inside another must not wait for the claim that it runs under.
func (l *Layer) under(ctx context.Context, key string) *Attempt {
	a, found := FromContext(ctx)
	for found && !a.of(l, key) {
		a, found = FromContext(a.lease)
	}
	if !found || a.lease.Err() != nil {
		return nil // what an attempt has left behind is not part of it any more
	}
	return a
}

// of reports whether the attempt is one at this key of l's store.
func (a *Attempt) of(l *Layer, key string) bool {
	return a.run.key == key && a.run.l.config.Store == l.config.Store
}

type attemptKey struct{}

// running is an Attempt as the context of the handler that runs under it: that
// of its lease, which knows the Attempt.
type running Attempt

var _ context.Context = (*running)(nil)

func (c *running) Deadline() (time.Time, bool) { return c.lease.Deadline() }
func (c *running) Done() <-chan struct{}       { return c.lease.Done() }
func (c *running) Err() error                  { return c.lease.Err() }

func (c *running) Value(key any) any {
	if key == (attemptKey{}) {
		return (*Attempt)(c)
	}
	return c.lease.Value(key)
}
