package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/concordhttp/concord/store"
)

var versionsGrowAcrossDeleteAndExpiry = check{
	Name: "VersionsGrowAcrossDeleteAndExpiry",
	Why: "a version is strictly greater than every earlier one of its key, also after the record was deleted or has expired; " +
		"versions are fencing tokens and entity tags, and one that comes twice lets a stale owner write, or a stale tag match",
	Run: func(e *env) {
		s := e.store()
		last := uint64(0)
		grown := func(after string, r store.Record) uint64 {
			e.Helper()
			if r.Version <= last {
				e.Fatalf("version %d after %s; want more than %d", r.Version, after, last)
			}
			last = r.Version
			return r.Version
		}
		const key = "grows"
		// A handful of each within one tick of any clock.
		for range 8 {
			v := grown("Delete", e.mustCreate(s, key, record("created", e.long)))
			for range 8 {
				v = grown("Replace", e.mustReplace(s, key, v, record("replaced", e.long)))
			}
			e.mustDelete(s, key, v)
		}
		for range 3 {
			v := grown("expiry", e.mustCreate(s, key, record("created", e.unit)))
			grown("Replace", e.mustReplace(s, key, v, record("replaced", e.unit)))
			e.outlive(e.unit)
		}
		if sweeper, ok := s.(store.Sweeper); ok {
			_, err := sweeper.Sweep(e.ctx)
			e.noError(err, "Sweep")
		}
		grown("expiry and Sweep", e.mustCreate(s, key, record("created", e.long)))
	},
}

var versionsGrowForEveryHolder = check{
	Name: "VersionsGrowForEveryHolder",
	Why: "of those who hold a key one after another, each has a greater version than the one before; " +
		"a version that is drawn before the key is locked gives some of them a smaller one",
	Run: func(e *env) {
		s := e.store()
		var last atomic.Uint64 // of the latest holder; written before it lets go
		turn := func(i int) error {
			r, created, err := s.Create(e.ctx, "held in turn", record(fmt.Sprintf("holder %d", i), e.long))
			if err != nil || !created {
				return err
			}
			before := last.Swap(r.Version)
			if _, err := s.Delete(e.ctx, "held in turn", r.Version); err != nil {
				return err
			}
			if r.Version <= before {
				return fmt.Errorf("version %d for the next holder; want more than %d", r.Version, before)
			}
			return nil
		}
		answers := race(racers, func(i int) (store.Record, bool, error) {
			for range 4 * rounds {
				if err := turn(i); err != nil {
					return store.Record{}, false, err
				}
			}
			return store.Record{}, true, nil
		})
		for _, a := range answers {
			if a.err != nil {
				e.Errorf("holder %d: %v", a.racer, a.err)
			}
		}
	},
}

var versionsGrowAcrossClockStep = check{
	Name: "VersionsGrowAcrossClockStep",
	Why: "versions go on growing when the clock that they are drawn from is set back, for the store keeps the last version of a key " +
		"as long as its record stands, and for 10 minutes after; drawn from the clock alone, a version comes twice",
	Run: func(e *env) {
		if e.stepClock == nil {
			e.Skipf("not checked: WithClockStep was not given, so nobody has seen what this store does when its clock is set back")
		}
		const step = store.Grace / 2
		s := e.store()
		replaced := e.mustCreate(s, "replaced", record("before", e.long)).Version
		deleted := e.mustCreate(s, "deleted", record("before", e.long)).Version
		e.mustDelete(s, "deleted", deleted)
		expired := e.mustCreate(s, "expired", record("before", e.unit)).Version
		e.outlive(e.unit)
		e.mustBeAbsent(s, "expired", "its time to live has passed")
		if sweeper, ok := s.(store.Sweeper); ok {
			_, err := sweeper.Sweep(e.ctx)
			e.noError(err, "Sweep")
		}
		e.stepClock(e.t, s, -step)
		defer e.stepClock(e.t, s, step)
		for key, last := range map[string]uint64{"deleted": deleted, "expired": expired} {
			r, created := e.create(s, key, record("after", e.long))
			if !created { // by the clock that was set back it has yet to expire
				e.mustDelete(s, key, r.Version)
				r = e.mustCreate(s, key, record("after", e.long))
			}
			if r.Version <= last {
				e.Errorf("what was %s before the clock was set back by %v, created again: version %d; want more than %d", key, step, r.Version, last)
			}
		}
		if r := e.mustReplace(s, "replaced", replaced, record("after", e.long)); r.Version <= replaced {
			e.Errorf("Replace after the clock was set back by %v: version %d; want more than %d", step, r.Version, replaced)
		}
	},
}

var versionsGrowAcrossRestart = check{
	Name: "VersionsGrowAcrossRestart",
	Why: "versions go on growing when the store is closed and opened again, whether or not it kept its records; " +
		"a store that counts from 1 again makes old tags match new representations",
	Run: func(e *env) {
		if e.reopen == nil {
			e.Skipf("not checked: WithRestart was not given")
		}
		s := e.store()
		before := map[string]uint64{}
		for i := range 50 {
			key := fmt.Sprintf("key %d", i%5)
			r, _ := e.create(s, key, record("before", e.long))
			before[key] = e.mustReplace(s, key, r.Version, record("before", e.long)).Version
			if i < 40 {
				e.mustDelete(s, key, before[key])
			}
		}
		time.Sleep(e.unit) // a restart takes some time
		s = e.reopen(e.t, s)
		for key, last := range before {
			r, created := e.create(s, key, record("after", e.long))
			if !created { // the store kept its records
				if r.Version != last {
					e.Errorf("%q after a restart: %s; want version %d still", key, show(r), last)
				}
				e.mustDelete(s, key, r.Version)
				r = e.mustCreate(s, key, record("after", e.long))
			}
			if r.Version <= last {
				e.Errorf("%q after a restart: version %d; want more than %d", key, r.Version, last)
			}
		}
	},
}
