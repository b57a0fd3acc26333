package store

import (
	"context"
	"time"
)

// Limits and times that hold for every store.
const (
	MaxKey  = 512              // longest key, in bytes; keys are any bytes, at least one
	MaxHead = 4 << 10          // largest Record.Head, in bytes
	Grace   = 10 * time.Minute // how long a version outlives its record
)

// Record is what a store keeps under one key. Its slices are read-only on both
// sides, for ever: a caller that passed one, and a caller that got one, must
// not write to it, and neither does the store.
type Record struct {
	Head    []byte        // at most MaxHead; never dropped before the record expires
	Body    []byte        // may be dropped to make room
	Dropped bool          // out: the body was dropped
	TTL     time.Duration // in: time to live, > 0. out: what remains of it
	Age     time.Duration // out: time since this version was written, by the store's clock
	Version uint64        // out: strictly greater than every earlier version of this key; 0 means there is no record
}

// Store keeps records. Each method is one atomic step on one key, and safe for
// concurrent use.
//
// A condition that does not hold is false, never an error; errors are failures
// of the store itself. [ErrFull], [ErrTooLarge], [ErrInvalid] and [ErrClosed]
// are refusals: nothing was written. After any other, [ErrUnavailable] and the
// error of a context that ended during the call among them, the step may or may
// not have happened, and may yet happen.
//
// A context that has ended before the call makes the call fail with the
// context's error and change nothing.
type Store interface {
	// Get returns the record at key. False: there is none.
	Get(ctx context.Context, key string) (Record, bool, error)

	// Create writes r if there is no record at key, and returns the record as
	// it now stands with its version. False: another record stands at key, and
	// is returned whole. Create fails with ErrFull when there is no room.
	Create(ctx context.Context, key string, r Record) (standing Record, created bool, err error)

	// Replace writes r, with r's TTL, if the record at key has this very
	// version, and returns it with its new version. False: the record has
	// another version and is returned whole, or there is none and the returned
	// Record's Version is 0. Replace never fails for want of room; it drops
	// the body instead, and says so in the returned record.
	Replace(ctx context.Context, key string, version uint64, r Record) (standing Record, replaced bool, err error)

	// Delete removes the record at key if it has this very version. False:
	// it has another version, or there is none.
	Delete(ctx context.Context, key string, version uint64) (deleted bool, err error)
}

// Watcher is implemented by stores that can tell when a record changes, found
// by type assertion. Without it callers poll.
type Watcher interface {
	// Watch returns nil once the record at key no longer has that version, or
	// is gone: replaced, deleted or expired. It returns nil at once if that is
	// so already, and the context's error if that ends first. It may return
	// nil early; callers look again.
	Watch(ctx context.Context, key string, version uint64) error
}

// Sweeper is implemented by stores in which expired records take up room until
// they are removed, found by type assertion. Sweeping changes nothing that the
// methods of Store can observe but room.
type Sweeper interface {
	// Sweep removes what has expired, in bounded steps, and reports how many
	// records it removed.
	Sweep(ctx context.Context) (removed int, err error)
}

// Beginner is implemented by stores that can commit a record together with the
// handler's own writes, found by type assertion.
type Beginner interface {
	Begin(ctx context.Context) (Tx, error)
}

// Tx is a transaction of a [Beginner]. It is used by one goroutine at a time.
//
// An error of Commit leaves it open what happened. After one of Rollback nothing
// has, either: the connection was lost, or the transaction could not begin. Only
// after [ErrEnded], of whichever method, may what was done stand.
type Tx interface {
	Store                                    // the same records, inside the transaction
	Context(context.Context) context.Context // carries the transaction to the handler
	Commit() error
	Rollback() error
}
