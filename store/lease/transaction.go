package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// SettleIn replaces the record by the outcome inside a transaction, so that it
// stands if and only if that commits; note, body and ttl are as for
// [Lease.Settle]. It is for a lease of a [Claim] that is Fixed: with renewals
// there would be two writers of one record.
//
// It makes one attempt, since a transaction in which a statement has failed is
// no place for another, and it ends nothing: once the transaction has ended,
// the lease is ended with [Lease.Abandon] if it has committed, with
// [Lease.Settle] or [Lease.Release] if it has not, and with [Lease.Reassert]
// before either if that is not known. [ErrLost]: the record is another's or
// gone, and the transaction must be rolled back.
func (l *Lease) SettleIn(ctx context.Context, tx store.Store, note, body []byte, ttl time.Duration) (Standing, error) {
	if l.owner != nil {
		return Standing{}, errBorrowed
	}
	outcome, err := l.outcome(note, body, ttl)
	if err != nil {
		return Standing{}, err
	}
	r, replaced, err := tx.Replace(ctx, l.key, l.known(), outcome)
	if err != nil {
		return Standing{}, fmt.Errorf("lease: settle: %w", err)
	}
	s, corrupt := read(r, l.keeper.config.Margin)
	if !replaced && !l.wrote(r, settled) {
		return s, errors.Join(ErrLost, corrupt)
	}
	return s, corrupt
}

// ReleaseIn deletes the record inside a transaction. It is [Lease.SettleIn] for
// work that leaves no outcome.
func (l *Lease) ReleaseIn(ctx context.Context, tx store.Store) error {
	if l.owner != nil {
		return errBorrowed
	}
	deleted, err := tx.Delete(ctx, l.key, l.known())
	found := false
	if err == nil && !deleted {
		_, found, err = tx.Get(ctx, l.key)
	}
	switch {
	case err != nil:
		return fmt.Errorf("lease: release: %w", err)
	case deleted || !found && l.alone():
		return nil // if it was not deleted by this very delivery, it was by an earlier one
	}
	return ErrLost
}

// Reassert writes the claim once more, by compare-and-set on the version that
// its owner knows, and so decides what became of a transaction that was to
// replace it. If stands, the record was still the claim, and a transaction that
// has not committed by now no longer can. If not, what took its place is
// returned: the outcome of this very lease if the transaction has committed,
// or no record if that has deleted it. [ErrLost]: it is another's, or there is
// none and the time of this lease is over, so that a successor may have come and
// gone. Any other error: nothing is decided, and the record, whichever it is,
// stays and protects. The lease is not extended in its owner's eyes. That ctx
// has ended does not prevent any of it. It takes CallTimeout at most.
func (l *Lease) Reassert(ctx context.Context) (s Standing, stands bool, err error) {
	if l.owner != nil {
		return Standing{}, false, errBorrowed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.keeper.config.CallTimeout)
	defer cancel()
	version := l.known()
	var standing store.Record
	err = l.keeper.insist(ctx, untilItEnds, func() (bool, error) {
		r, replaced, err := l.keeper.config.Store.Replace(ctx, l.key, version, l.record())
		if err != nil {
			return false, err
		}
		standing = r
		if stands = replaced || l.wrote(r, held); stands {
			l.advance(r.Version)
		}
		return true, nil
	})
	if err != nil {
		return Standing{}, false, fmt.Errorf("lease: reassert: %w", err)
	}
	now, err := read(standing, l.keeper.config.Margin)
	gone := standing.Version == 0
	if err == nil && !stands && !l.wrote(standing, settled) && !(gone && l.alone()) {
		err = ErrLost
	}
	return now, stands, err
}

// Abandon ends the lease and leaves its record as it stands: one that a
// transaction has settled, or the claim of work of which nobody knows how it
// ended. The context of the work ends, and nothing is renewed any more: a
// renewal under way is waited for, for CallTimeout at most. Only the first call
// of Abandon, Release or Settle does anything.
func (l *Lease) Abandon(ctx context.Context) {
	if l.owner != nil {
		l.end(&context.Canceled)
		return
	}
	if _, ok, _ := l.close(ctx); ok {
		l.releasing.finish()
	}
}

// known is the version that the record has as far as its owner knows.
func (l *Lease) known() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version
}

// alone reports whether the time of the lease is not over, so that nobody else
// can have touched its record so far. To know that of an answer, ask when it is
// there: it may have taken its time.
func (l *Lease) alone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keeper.clock.now() < l.term.stop
}

func (l *Lease) advance(version uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version = version
}
