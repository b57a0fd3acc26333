package lease

import (
	"context"
	"sync"
	"time"

	"github.com/concordhttp/concord/store"
)

// Lease is a hold on one key, and the context of the work that is done under
// it: it has the values of the context that it was acquired with, ends when
// that ends or when the lease is lost, and has a deadline when MaxRun will be
// over. [context.Cause] says which it was: [ErrLost], [ErrMaxRun] or the cause
// of the parent, and the first of them stays. Once it is released it has ended,
// whether or not anybody still works under it, with context.Canceled as its
// error unless the parent had ended before.
//
// A Lease is safe for concurrent use. Make one with [Keeper.Acquire],
// [Keeper.Try], [Keeper.Takeover] or [Gate.Enter], and end it with
// [Lease.Release] or [Lease.Settle]; one that is never ended is lost after
// MaxRun. The zero value is of no use.
type Lease struct {
	keeper *Keeper
	parent context.Context
	owner  *Lease // from whom this one is borrowed; nil: it holds the record itself
	scope  lazy   // the context

	// Set before anybody else sees the lease, and never changed.
	key   string
	head  []byte // in headRoom if it has no note
	ttl   time.Duration
	token uint64

	acquiring call
	releasing *call // acquiring once more if the store has let go of it

	mu       sync.Mutex
	version  uint64 // of the record as its owner knows it
	term     term
	renewal  *renewal // the one under way; nil: none is
	lost     *error   // why it was lost; nil: it was not
	closed   bool     // Release or Settle was called
	failures uint8    // renewals that failed since one succeeded

	headRoom [headPrefix]byte // here, it fills a gap

	// Under the timetable's lock.
	place int32   // in the timetable's heap, from 1; 0: not in it
	event instant // when the timetable calls
}

// Token is the fencing token: the version of the acquisition. It stays the same
// for the life of the lease, and each later acquisition of the key has a
// greater one. A borrowed lease has its owner's.
func (l *Lease) Token() uint64 { return l.token }

// record is what the owner writes, at first and at each renewal.
func (l *Lease) record() store.Record {
	return store.Record{Head: l.head, TTL: l.ttl}
}

// wrote reports whether r is a record of this acquisition, held or settled as
// asked.
func (l *Lease) wrote(r store.Record, as state) bool {
	h, err := decodeHead(r.Head)
	return err == nil && r.Version != 0 && h.nonce == l.nonce() && h.state == as
}

// nonce is that of this acquisition, by which its writes are recognised.
func (l *Lease) nonce() nonce { return nonce(l.head[nonceAt:leaseAt]) }

// begin makes l a held lease, once the record stands at version. False: the
// answer took so long that the lease is over already. Where a store answers at
// once only a pause of the process could have that effect, as it could at any
// later time; Err and the timetable see to it.
func (l *Lease) begin(version uint64) bool {
	k := l.keeper
	l.acquiring.finish()
	l.token, l.version = version, version
	if !k.immediate && k.clock.now() >= l.term.over() {
		return false
	}
	k.due.set(l, min(l.term.over(), l.term.renewAt))
	return true
}

// tick does what is due. The timetable calls it.
func (l *Lease) tick(now instant) { l.look(now, true) }

// look ends l if its time is over at now. A tick also starts a renewal when one
// is due, and tells the timetable when to call again.
func (l *Lease) look(now instant, tick bool) {
	l.mu.Lock()
	l.lookLocked(now, tick)
	lost := l.lost
	l.mu.Unlock()
	if lost != nil {
		l.leave(lost) // again, in case another has found out and not come so far
	}
}

// lookLocked is look without leaving, which is for the caller to do.
func (l *Lease) lookLocked(now instant, tick bool) {
	if l.over() {
		return
	}
	step, next := l.term.decide(now, l.renewal != nil)
	switch {
	case step == lose:
		l.lost = &ErrLost
	case step == exhaust:
		l.lost = &ErrMaxRun
	case !tick:
	default:
		if step == renew {
			l.startRenewal(now)
		}
		l.keeper.due.set(l, next)
	}
}

// over reports whether l has ended one way or the other. Under mu.
func (l *Lease) over() bool { return l.closed || l.lost != nil }

// leave takes l, which is over, out of the timetable and ends its context. It
// runs code of other contexts, hence outside of mu.
func (l *Lease) leave(cause *error) {
	l.keeper.due.remove(l)
	l.end(cause)
}
