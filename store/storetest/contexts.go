package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

var endedContextChangesNothing = check{
	Name: "EndedContextChangesNothing",
	Why: "a context that ended before the call makes it fail with the context's error and change nothing; " +
		"a caller that has given up must not leave a claim behind that it knows nothing of",
	Run: func(e *env) {
		s := e.store()
		cancelled, cancel := context.WithCancel(e.ctx)
		cancel()
		late, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Hour))
		defer cancel()
		standing := e.mustCreate(s, "stands", record("stands", e.long))
		for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
			fails := func(method string, ok bool, err error) {
				e.Helper()
				if ok || !errors.Is(err, want) {
					e.Errorf("%s with an ended context: %v and error %v; want false and %v", method, ok, err, want)
				}
			}
			_, ok, err := s.Get(ctx, "stands")
			fails("Get", ok, err)
			_, ok, err = s.Create(ctx, "absent", record("r", e.long))
			fails("Create", ok, err)
			_, ok, err = s.Replace(ctx, "stands", standing.Version, record("r", e.long))
			fails("Replace", ok, err)
			ok, err = s.Delete(ctx, "stands", standing.Version)
			fails("Delete", ok, err)
			if w, watches := s.(store.Watcher); watches {
				fails("Watch", false, w.Watch(ctx, "stands", standing.Version))
			}
			e.mustBeAbsent(s, "absent", "the context of its Create had ended")
			e.same("the record after calls with an ended context", e.mustGet(s, "stands"), standing)
		}
	},
}

var cancelledCallIsWholeOrNothing = check{
	Name: "CancelledCallIsWholeOrNothing",
	Why: "a call whose context ends while it is under way may or may not have happened, but it happened as a whole; " +
		"success is never reported for a write that did not happen, nor any other error for a context that ended",
	Run: func(e *env) {
		s := e.store()
		lots := e.random()
		for round := range 4 * rounds {
			key := fmt.Sprintf("cancelled %d", round)
			mine, next := record("mine", e.long), record("next", e.long)
			soon := func() time.Duration { return time.Duration(lots.IntN(2) * lots.IntN(int(e.unit/50))) }

			created := e.cancelledAfter(soon(), func(ctx context.Context) (bool, error) {
				_, created, err := s.Create(ctx, key, mine)
				return created, err
			})
			// Some servers carry out the cancelled call even now; then this
			// Create shows the caller its own record.
			standing, again := e.create(s, key, mine)
			e.sameBytes("what a cancelled Create left behind", standing, mine)
			if created && again {
				e.Errorf("Create reported success, and there was no record")
			}

			replaced := e.cancelledAfter(soon(), func(ctx context.Context) (bool, error) {
				_, replaced, err := s.Replace(ctx, key, standing.Version, next)
				return replaced, err
			})
			now := e.mustGet(s, key)
			if now.Version != standing.Version {
				e.sameBytes("what a cancelled Replace left behind", now, next)
				continue
			}
			e.sameBytes("the record that a cancelled Replace left alone", now, mine)
			if replaced {
				e.Errorf("Replace reported success, and %s still stands", show(now))
			}
		}
	},
}

// cancelledAfter makes a call whose context ends after d, at about the same
// time if d is 0, and returns whether it succeeded.
func (e *env) cancelledAfter(d time.Duration, call func(context.Context) (bool, error)) bool {
	e.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	if d > 0 {
		defer time.AfterFunc(d, cancel).Stop()
	} else {
		go cancel()
	}
	done, err := call(ctx)
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrUnavailable) {
		e.Errorf("a call that was cancelled under way: error %v; want context.Canceled or store.ErrUnavailable", err)
	}
	return done && err == nil
}
