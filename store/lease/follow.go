package lease

import (
	"context"
	"errors"
	"fmt"

	"github.com/concordhttp/concord/store"
)

// answer is what a store said to an acquiring write.
type answer struct {
	standing store.Record
	written  bool
	err      error
}

// ours reports whether the write of l stands.
func (a answer) ours(l *Lease) bool {
	return a.err == nil && (a.written || l.wrote(a.standing, held))
}

// put sends the write that acquires l, over version or, if that is 0, over
// nothing.
func (k *Keeper) put(ctx context.Context, l *Lease, version uint64) (a answer) {
	if version == 0 {
		a.standing, a.written, a.err = k.config.Store.Create(ctx, l.key, l.record())
	} else {
		a.standing, a.written, a.err = k.config.Store.Replace(ctx, l.key, version, l.record())
	}
	return a
}

// follow finds out what became of an acquiring write that got no answer, by
// sending it again with the same nonce, on a context of its own. If that fails
// too, or nobody waits for it any more, it goes on for CallTimeout to take back
// what may have been written: a claim without an owner blocks its key for as
// long as it lives, and nobody else can know that it has none.
func (k *Keeper) follow(l *Lease, version uint64, first answer) answer {
	if !k.following.TryAcquire(1) {
		return first
	}
	answers := make(chan answer) // not buffered: who is not there does not want it
	go func() {
		defer k.following.Release(1)
		ctx, cancel := context.WithTimeout(context.Background(), k.config.CallTimeout)
		defer cancel()
		a := k.put(ctx, l, version)
		select {
		case answers <- a:
			if a.err == nil || !open(a.err) {
				return
			}
		case <-l.acquiring.Done():
		}
		k.takeBack(ctx, l, version, a)
	}()
	select {
	case a := <-answers:
		return a
	case <-l.acquiring.Done():
		return first
	}
}

// takeBack sends the write of l until there is an answer to it, or ctx ends,
// and deletes the record if it stands.
//
// One that was written over an orphan is left alone. It becomes an orphan again
// when its lease is over; deleted, it would free a key of which nobody knows
// whether its work was done.
func (k *Keeper) takeBack(ctx context.Context, l *Lease, version uint64, a answer) {
	if version != 0 {
		return
	}
	for failures := 0; a.err != nil; failures++ {
		if !open(a.err) || !k.pause(ctx, k.backoff(failures)) {
			return
		}
		a = k.put(ctx, l, version)
	}
	if a.ours(l) {
		_ = k.drop(ctx, l, a.standing.Version, untilItEnds) // if this fails it lapses, or becomes an orphan
	}
}

// unanswered is the error of an acquiring write. The end of the call's own
// context must not be taken for that of the caller's.
func unanswered(within context.Context, err error) error {
	switch {
	case within.Err() != nil:
		return ended(within)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return fmt.Errorf("lease: acquire: %w: no answer in time", store.ErrUnavailable)
	default:
		return fmt.Errorf("lease: acquire: %w", err)
	}
}
