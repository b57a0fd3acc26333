package lease

import (
	"context"
	"errors"
	"fmt"
)

// Release ends the lease and deletes its record, so that the next one can come
// in. The context of the work ends first: nobody works under it while a
// successor does. That ctx has ended does not prevent any of it, only its
// values are used. The whole takes CallTimeout at most, given a store that
// returns soon after its context ends; one that ignores it is waited for. Where the
// record would lapse with the lease, as that of a gate does, a store that says at
// once that it is away is asked a few times; what is left to do is then done in
// the background, for as long, after Release has returned.
//
// It returns [ErrTakenOver] if the record was another's or gone; not if the lease
// still had time, when it can only be its own delete that was delivered twice.
// An [ErrLost] alone says that the lease was lost before, and that nobody had
// come in when the record was deleted. It returns a failure of the store, with
// the ErrLost if there is one, if the record may still stand; it then lapses by
// itself. Only the first call does anything. A borrowed lease leaves its owner's
// record alone. After [Lease.Settle] the record stays, whether that succeeded or
// not.
func (l *Lease) Release(ctx context.Context) error {
	if l.owner != nil {
		l.end(&context.Canceled)
		return nil
	}
	version, ok, lost := l.close(ctx)
	if !ok {
		return nil
	}
	err := l.keeper.giveBack(l, version)
	switch {
	case errors.Is(err, ErrLost) && lost != nil:
		return errors.Join(ErrTakenOver, lost)
	case errors.Is(err, ErrLost):
		return ErrTakenOver
	case err != nil:
		return errors.Join(lost, fmt.Errorf("lease: release: %w", err))
	default:
		return lost
	}
}
