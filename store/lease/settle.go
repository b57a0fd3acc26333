package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

var (
	errBorrowed = errors.New("lease: settle: a borrowed lease is its owner's to settle")
	errFinished = errors.New("lease: settle: released or settled before")
)

// Settle ends the lease and replaces its record by the outcome: note, up to
// MaxNote bytes, and body, which a store may drop to make room, kept for ttl,
// which must be positive. Claim and outcome are one record, so the key is never
// free while the outcome is missing. The context of the work ends first. That
// ctx has ended does not prevent any of it. The whole takes CallTimeout at most,
// given a store that returns soon after its context ends; one that ignores it is
// waited for. The slices may not be written to afterwards.
//
// Whether the record is still this lease's is decided by compare-and-set alone:
// also after the lease was lost, as long as nobody has taken it over. It returns
// the record that now stands. [ErrLost]: it is another's, or gone. Any other
// error: the outcome may not be recorded, and the claim then stays and protects
// for its TTL. Errors that wrap store.ErrInvalid or store.ErrTooLarge because of
// the arguments leave the lease as it was.
func (l *Lease) Settle(ctx context.Context, note, body []byte, ttl time.Duration) (Standing, error) {
	if l.owner != nil {
		return Standing{}, errBorrowed
	}
	k := l.keeper
	outcome, err := l.outcome(note, body, ttl)
	if err != nil {
		return Standing{}, err
	}
	version, ok, _ := l.close(ctx)
	if !ok {
		return Standing{}, errFinished
	}
	defer l.releasing.finish()
	var standing store.Record
	err = k.insist(l.releasing, untilItEnds, func() (bool, error) {
		r, replaced, err := k.config.Store.Replace(l.releasing, l.key, version, outcome)
		if err != nil {
			return false, err
		}
		standing = r
		switch {
		case replaced || l.wrote(r, settled):
			return true, nil
		case l.wrote(r, held):
			version = r.Version
			return false, nil
		}
		return true, ErrLost
	})
	s, corrupt := read(standing, k.config.Margin)
	switch {
	case errors.Is(err, ErrLost):
		return s, errors.Join(err, corrupt)
	case err != nil:
		return s, fmt.Errorf("lease: settle: %w", err)
	}
	return s, corrupt
}

// outcome is the record that settles l.
func (l *Lease) outcome(note, body []byte, ttl time.Duration) (store.Record, error) {
	r := store.Record{
		Head: head{state: settled, nonce: l.nonce(), lease: l.keeper.config.Lease, note: note}.encode(),
		Body: body,
		TTL:  ttl,
	}
	if err := store.Check(l.key, r); err != nil {
		return store.Record{}, fmt.Errorf("lease: settle: %w", err)
	}
	return r, nil
}
