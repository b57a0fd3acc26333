package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/store"
)

// await watches until the version is over, looking again when Watch returns
// early, as it may. It never returns nil while the version stands.
func (e *env) await(ctx context.Context, s store.Store, w store.Watcher, key string, version uint64) error {
	for early := range 100 {
		if err := w.Watch(ctx, key, version); err != nil {
			return fmt.Errorf("watching: %w", err)
		}
		r, found, err := s.Get(e.ctx, key)
		if err != nil {
			return fmt.Errorf("looking again: %w", err)
		}
		if !found || r.Version != version {
			return nil
		}
		time.Sleep(e.unit / 100 * time.Duration(early)) // it polls in all but name
	}
	return errors.New("watching ended early a hundred times, which is no better than polling")
}

// awaken starts n watchers of a version, lets them settle, runs change, and
// checks that it woke them all.
func (e *env) awaken(n int, s store.Store, w store.Watcher, key string, version uint64, change func()) {
	e.Helper()
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	woken := make(chan error, n)
	for range n {
		go func() { woken <- e.await(ctx, s, w, key, version) }()
	}
	e.settle()
	change()
	timeout := time.NewTimer(e.patience)
	defer timeout.Stop()
	for i := range n {
		select {
		case err := <-woken:
			e.noError(err, "a watcher of %.40q at version %d", key, version)
		case <-timeout.C:
			e.Fatalf("%d of %d watchers of %.40q at version %d still sleep after %v; want them woken", n-i, n, key, version, e.patience)
		}
	}
}

var watchWakesOnReplace = check{
	Name: "WatchWakesOnReplace",
	Why: "whoever watches a version is woken when it is replaced; " +
		"a waiting duplicate that sleeps on answers late, or never, although the outcome is there",
	Run: func(e *env) {
		s, w := e.watcher()
		r := e.mustCreate(s, "watched", record("first", e.long))
		for i := range 3 { // the next version has watchers of its own
			e.awaken(1, s, w, "watched", r.Version, func() {
				r = e.mustReplace(s, "watched", r.Version, record(fmt.Sprintf("next %d", i), e.long))
			})
		}
	},
}

var watchWakesOnDelete = check{
	Name: "WatchWakesOnDelete",
	Why:  "whoever watches a version is woken when it is deleted; a writer at the gate that sleeps on waits for nobody",
	Run: func(e *env) {
		s, w := e.watcher()
		for range 3 {
			r := e.mustCreate(s, "watched", record("first", e.long))
			e.awaken(1, s, w, "watched", r.Version, func() { e.mustDelete(s, "watched", r.Version) })
		}
	},
}

var watchWakesOnExpiry = check{
	Name: "WatchWakesOnExpiry",
	Why: "whoever watches a version is woken when it expires, although nobody touches it; " +
		"expiry is what is left when an owner died, and then there is nobody else to wake its successor",
	Run: func(e *env) {
		s, w := e.watcher()
		r := e.mustCreate(s, "watched", record("expires", e.unit))
		e.awaken(1, s, w, "watched", r.Version, func() {})
		e.mustBeAbsent(s, "watched", "it was watched until it expired")

		r = e.mustCreate(s, "shortened", record("first", e.long))
		r = e.mustReplace(s, "shortened", r.Version, record("expires", e.unit))
		e.awaken(1, s, w, "shortened", r.Version, func() {})
		e.mustBeAbsent(s, "shortened", "it was watched until it expired")
	},
}

var watchOfWhatIsGone = check{
	Name: "WatchOfWhatIsGone",
	Why: "watching a version that does not stand returns nil at once, whether it is over, is to come, or never was; " +
		"the change may have come between the look and the watching, and then there is nothing left to wait for",
	Run: func(e *env) {
		s, w := e.watcher()
		replaced := e.mustCreate(s, "replaced", record("first", e.long))
		now := e.mustReplace(s, "replaced", replaced.Version, record("second", e.long))
		deleted := e.mustCreate(s, "deleted", record("first", e.long))
		e.mustDelete(s, "deleted", deleted.Version)
		expired := e.mustCreate(s, "expired", record("first", e.unit))
		e.outlive(e.unit)
		for _, gone := range []struct {
			what, key string
			version   uint64
		}{
			{"a version that was replaced", "replaced", replaced.Version},
			{"a version to come", "replaced", now.Version + 1},
			{"version 0 of a record", "replaced", 0},
			{"a record that was deleted", "deleted", deleted.Version},
			{"a record that has expired", "expired", expired.Version},
			{"a key that was never written", "never", 1},
			{"version 0 of no record", "never", 0},
		} {
			started := time.Now()
			ctx, cancel := context.WithTimeout(e.ctx, e.patience)
			err := w.Watch(ctx, gone.key, gone.version)
			cancel()
			e.noError(err, "Watch of %s", gone.what)
			if e.exact && !time.Now().Equal(started) {
				e.Errorf("Watch of %s returned after %v; want at once", gone.what, time.Since(started))
			}
		}
	},
}

var watchEndsWithItsContext = check{
	Name: "WatchEndsWithItsContext",
	Why: "Watch returns the context's error when that ends first; " +
		"a request whose client has left must not wait for somebody else's",
	Run: func(e *env) {
		s, w := e.watcher()
		r := e.mustCreate(s, "watched", record("first", e.long))
		cancelled, cancel := context.WithCancel(e.ctx)
		late, stop := context.WithTimeout(e.ctx, e.unit)
		defer stop()
		for _, end := range []struct {
			ctx  context.Context
			how  func()
			want error
		}{
			{cancelled, cancel, context.Canceled},
			{late, func() {}, context.DeadlineExceeded},
		} {
			ended := make(chan error, 1)
			go func() { ended <- e.await(end.ctx, s, w, "watched", r.Version) }()
			e.settle()
			end.how()
			timeout := time.NewTimer(e.patience)
			select {
			case err := <-ended:
				if !errors.Is(err, end.want) {
					e.Errorf("Watch whose context ended: error %v; want %v", err, end.want)
				}
			case <-timeout.C:
				e.Errorf("Watch still sleeps %v after its context ended with %v", e.patience, end.want)
				// Replace frees the watcher, as far as anything does.
				r = e.mustReplace(s, "watched", r.Version, record("second", e.long))
			}
			timeout.Stop()
		}
		e.same("the record that was watched", e.mustGet(s, "watched"), r)
	},
}

var watchWakesEverybody = check{
	Name: "WatchWakesEverybody",
	Why: "one change wakes all who watch, also those who begin at that very moment; " +
		"one whose wake-up is lost waits out its whole deadline",
	Run: func(e *env) {
		s, w := e.watcher()
		r := e.mustCreate(s, "watched", record("first", e.long))
		for i := range rounds {
			replace := func() {
				r = e.mustReplace(s, "watched", r.Version, record(fmt.Sprintf("next %d", i), e.long))
			}
			e.awaken(64, s, w, "watched", r.Version, replace)
		}
	},
}
