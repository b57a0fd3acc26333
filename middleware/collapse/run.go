package collapse

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/concordhttp/concord/middleware"
)

// run is one run of the handler that others may share the answer of: the
// leader's request and, in one allocation, all that it needs. The handler holds
// its context, its request and its response writer in it, and may do so for
// ever, so it is never used again. What is only needed when others wait is made
// then, since each byte is paid for by each request; see TestRunIsSmall.
type run struct {
	handler *handler
	shard   *shard
	hash    uint64 // of the key, once others wait or may look for it
	key     *key   // the leader's, while the run can be joined
	began   time.Duration
	slot    *atomic.Uint64
	written uint64 // how many writes were counted when the run began

	// The shard's lock guards these.
	outcome    *outcome
	crowd      *crowd // nil until somebody waits
	waiting    int32  // followers that wait, or read along
	closed     bool   // nobody joins any more
	sent       bool   // the answer is sent while it is written
	leaderLeft bool   // the leader's client is gone

	// These are the output's, the small ones first, to go with those above.
	finishing bool                    // the handler has returned
	streamed  atomic.Bool             // others read along, or did
	cause     atomic.Uint32           // what the context has ended of, a cause: here because there is room
	stream    atomic.Pointer[stream]  // of those who read along, if there are any
	pending   atomic.Pointer[pending] // what waits to be sent, if anything does
	w         http.ResponseWriter

	life     life
	request  http.Request // as the handler gets it
	recorder middleware.Recorder
}

// crowd is what followers wait for.
type crowd struct {
	patience patience
	decided  chan struct{} // closed once the outcome stands

	// sending is held by who begins to send the answer, and by the leader once
	// the handler has returned: a goroutine that this has left behind may flush at
	// that very moment.
	sending sync.Mutex
}

func newRun(l *Layer, s *shard, k *key, req *http.Request, now time.Duration) *run {
	slot := l.writes.slot(k.resource)
	l.writes.live.Add(1) // before the count is taken: a write that ends now has to see it
	return &run{
		handler: k.handler, shard: s, key: k,
		began: now, slot: slot, written: l.writes.count(slot),
		life: life{parent: req.Context()},
	}
}

// current reports whether what the run reads is still so, and it has not taken
// too long.
func (r *run) current(now time.Duration) bool {
	return r.handler.layer.writes.count(r.slot) == r.written && now-r.began < r.handler.layer.config.MaxRun
}

// join counts one more follower, and returns what tells it that it has waited
// long enough. The caller holds the lock.
func (r *run) join(now time.Duration) (over <-chan struct{}) {
	r.waiting++
	if r.crowd == nil {
		r.crowd = &crowd{decided: make(chan struct{})}
		r.hash = r.key.sum(r.handler.layer) // a mark may need it once the key is given back
	}
	return r.crowd.patience.join(now, r.handler.layer.config.MaxWait)
}

// leave counts one follower less. The last one ends a run for which nobody
// waits any more.
func (r *run) leave() {
	r.shard.mu.Lock()
	r.waiting--
	if r.waiting == 0 {
		r.crowd.patience.end()
	}
	if r.outcome != nil && r.outcome.stream != nil {
		r.outcome.stream.readers.Add(-1)
	}
	r.endIfAbandoned()
}

// leaderIsGone is called when the context of the leader's request ends.
func (r *run) leaderIsGone() {
	r.shard.mu.Lock()
	r.leaderLeft = true
	r.endIfAbandoned()
}

// endIfAbandoned unlocks the shard, and ends a run for which nobody waits: it is
// removed first, so that a request that comes now has one of its own.
func (r *run) endIfAbandoned() {
	abandoned := r.waiting == 0 && r.leaderLeft
	if abandoned {
		r.remove()
	}
	r.shard.mu.Unlock()
	switch {
	case !abandoned:
	case errors.Is(r.life.parent.Err(), context.DeadlineExceeded):
		r.cancel(isLate)
	default:
		r.cancel(isAbandoned)
	}
}

// remove lets nobody join any more; nobody looks at the key then. The caller
// holds the lock.
func (r *run) remove() {
	if r.closed {
		return
	}
	r.closed = true
	r.handler.layer.writes.live.Add(-1)
	r.shard.unfile(r)
}

// close removes the run, and returns how many wait for a decision.
func (r *run) close() (waiting int32) {
	r.shard.mu.Lock()
	r.remove()
	if r.outcome == nil {
		waiting = r.waiting
	}
	r.shard.mu.Unlock()
	return waiting
}

// decide removes the run and tells those who wait what becomes of them. It
// reports whether that had not been decided before.
func (r *run) decide(o *outcome) bool {
	r.shard.mu.Lock()
	defer r.shard.mu.Unlock()
	r.remove()
	if r.outcome != nil {
		return false
	}
	r.outcome = o
	if o.stream != nil {
		o.stream.readers.Store(int64(r.waiting))
	}
	if r.crowd != nil {
		r.crowd.patience.end()
		close(r.crowd.decided)
	}
	return true
}

// refuse has those who wait run for themselves, because the answer cannot be
// shared; which the next ones like them need not find out by waiting.
func (r *run) refuse() {
	if r.close() > 0 {
		r.mark()
	}
	r.decide(refused)
}

func (r *run) mark() {
	r.handler.layer.marks.add(r.hash, r.handler.layer.now()+r.handler.layer.config.Uncollapsible)
}
