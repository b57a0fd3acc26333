package lease

import (
	"context"
	"errors"
	"fmt"

	"github.com/concordhttp/concord/store"
)

// What can go wrong with a lease beside failures of the store, which are
// wrapped. Compare with [errors.Is].
var (
	// ErrLost: the lease ended before its owner did. It could not be renewed
	// in time, or the record is another's or gone. It is the cause of the
	// context's end, and what Release and Settle of a lost lease return.
	ErrLost = errors.New("lease: lost")
	// ErrMaxRun: the lease was held for Config.MaxRun. It is an ErrLost too,
	// because to the owner it means the same: stop, others come in.
	ErrMaxRun = fmt.Errorf("%w: held for longer than MaxRun", ErrLost)
	// ErrTakenOver: the record is another's, or gone, so that somebody else may
	// have worked under the key meanwhile. It is an ErrLost too.
	ErrTakenOver = fmt.Errorf("%w: taken over", ErrLost)
	// ErrBusy: another holds the key, or too many are waiting. The error is a
	// *BusyError.
	ErrBusy = errors.New("lease: busy")
	// ErrCorrupt: the record was not written by this package, or was damaged.
	// Nothing is known about its owner, so it is neither taken over nor waited
	// for.
	ErrCorrupt = errors.New("lease: corrupt record")
	// ErrUnknownVersion: the record has the format of another version of this
	// package, as happens while servers are replaced one by one. It is an
	// ErrCorrupt too, because it calls for the same caution.
	ErrUnknownVersion = fmt.Errorf("%w: unknown version", ErrCorrupt)
)

// BusyError is the [ErrBusy] of one attempt.
type BusyError struct {
	// Standing is the record that was in the way when last seen. Its
	// Record.TTL bounds how long it can stay without being renewed. The zero
	// value: none was seen, because too many were waiting already, because the
	// wait ended in line behind others of this process, or because whatever
	// was in the way was gone again each time.
	Standing Standing
	// Full: it was not the record but Config.MaxWaiters that refused.
	Full bool
}

// Error implements error.
func (e *BusyError) Error() string {
	if e.Full {
		return ErrBusy.Error() + ": too many are waiting"
	}
	return ErrBusy.Error() + ": held by another"
}

// Unwrap makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Unwrap() error { return ErrBusy }

// open reports whether err leaves it open if the write happened. The errors
// listed are refusals, by which a store says that it wrote nothing; silence, a
// broken connection and a context that ended meanwhile say nothing.
func open(err error) bool {
	for _, refusal := range []error{store.ErrFull, store.ErrTooLarge, store.ErrInvalid, store.ErrClosed} {
		if errors.Is(err, refusal) {
			return false
		}
	}
	return true
}

// ended returns why ctx ended, with its error in the chain whatever the cause.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return fmt.Errorf("lease: %w", cause)
	}
	return fmt.Errorf("lease: %w: %w", err, cause)
}
