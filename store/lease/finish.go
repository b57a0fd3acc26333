package lease

import (
	"context"
	"errors"
	"math"
)

// release returns the call that ends the lease. A store in memory, whose calls
// are over when they return, has kept nothing of the first one.
func (l *Lease) release(ctx context.Context) *call {
	l.releasing = &l.acquiring
	if !l.keeper.immediate {
		l.releasing = new(call)
	}
	*l.releasing = call{parent: ctx, keeper: l.keeper, detached: true}
	return l.releasing
}

// close ends the lease on its owner's behalf: no renewal is started any more,
// the context ends, and a renewal under way is waited for, so that the owner
// makes one write at a time. It prepares l.releasing for the write to come, and
// returns the version that the record has as far as its owner knows, and why
// the lease was lost if it was. Only the first caller gets ok.
func (l *Lease) close(ctx context.Context) (version uint64, ok bool, lost error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return 0, false, nil
	}
	l.closed = true
	version = l.version
	cause, under := l.lost, l.renewal
	l.mu.Unlock()

	if cause != nil {
		lost = *cause
	} else {
		cause = &context.Canceled
	}
	l.leave(cause)
	c := l.release(ctx)
	if under != nil {
		l.keeper.outlast(c, under)
		l.mu.Lock()
		version = l.version
		l.mu.Unlock()
	}
	return version, true, lost
}

// moves is how often a write that ends a lease is made over a record that a
// renewal of its owner has moved on: one was under way at most.
const moves = 3

var errMoved = errors.New("the record moves on whenever it is written")

// tries is how often a write is made while it gets no answer.
type tries int

const (
	few         tries = 3           // an answer to a client waits for it
	untilItEnds tries = math.MaxInt // what it would leave undone is undone for good
)

// insist makes a write that ends a lease, again and again while it gets no
// answer, until ctx ends: an outcome that is given up is lost for good, and its
// key with it, while most outages are over in a second. The write reports that
// it is done, and with what error; or, not done, an error that leaves it open
// what happened; or neither, when it was over a version that has moved on. The
// error of a store that was away is the last that it gave by itself: at the end it
// may say no more than that the time is over.
func (k *Keeper) insist(ctx context.Context, most tries, write func() (done bool, err error)) error {
	var reason error
	for failures, moved := 0, 0; ; {
		done, err := write()
		switch {
		case done || (err != nil && !open(err)):
			return err
		case err == nil:
			if moved++; moved == moves {
				return errMoved
			}
			continue
		case ctx.Err() == nil || reason == nil:
			reason = err
		}
		if failures++; failures >= int(most) || !k.pause(ctx, k.backoff(failures-1)) {
			return reason
		}
	}
}

// giveBack deletes the record of l, by the call that it has for that. Where the
// record lapses with the lease, and so is in nobody's way for long, the caller does
// not wait for a store that is away: the answer to a client would, though all is
// done that it speaks of. The rest is done in the background, by as many at once as
// follow up creates.
func (k *Keeper) giveBack(l *Lease, version uint64) error {
	most := untilItEnds
	if l.lapses() {
		most = few
	}
	goesOn := false
	defer func() {
		if !goesOn {
			l.releasing.finish()
		}
	}()
	err := k.drop(l.releasing, l, version, most)
	if err == nil || most != few || errors.Is(err, ErrLost) || !open(err) || !k.following.TryAcquire(1) {
		return err
	}
	goesOn = true
	go func() {
		defer k.following.Release(1)
		defer l.releasing.finish()
		_ = k.drop(l.releasing, l, version, untilItEnds) // if this fails it lapses
	}()
	return err
}

// lapses reports whether the record of l is gone when its owner is, rather than an
// orphan.
func (l *Lease) lapses() bool {
	h, err := decodeHead(l.head)
	return err == nil && l.ttl <= h.lease+l.keeper.config.Margin
}

// drop deletes the record of l, which is over, and nobody else's. The record
// has this version or that of a later renewal.
func (k *Keeper) drop(ctx context.Context, l *Lease, version uint64, most tries) error {
	s := k.config.Store
	// Before anything is sent, since the answers may take their time. A store
	// that carries out a call once leaves no doubt who has deleted it.
	intact := !k.immediate && l.intact()
	return k.insist(ctx, most, func() (bool, error) {
		deleted, err := s.Delete(ctx, l.key, version)
		if deleted || err != nil {
			return deleted, err
		}
		standing, found, err := s.Get(ctx, l.key)
		switch {
		case err != nil:
			return false, err
		case found && l.wrote(standing, held):
			version = standing.Version
			return false, nil
		case intact:
			// The record stood when the owner stopped, and nobody else deletes
			// it: a delete was delivered twice, or the answer to one was lost.
			// What stands by now is a successor's, who came in after that.
			return true, nil
		}
		return true, ErrLost
	})
}

// intact reports whether the time of l is not over, so that its record can
// neither have lapsed nor be an orphan. It is for a lease that its owner has
// closed, or never got: nothing changes the term of one any more.
func (l *Lease) intact() bool { return l.keeper.clock.now() < l.term.stop }
