package storetest

import (
	"fmt"
	"runtime"

	"github.com/concordhttp/concord/store"
)

var sweepChangesNothingVisible = check{
	Name: "SweepChangesNothingVisible",
	Why: "sweeping gives room back and changes nothing else: what stands goes on standing, what is gone stays gone, " +
		"and versions go on growing; it runs at any time, beside every other step",
	Run: func(e *env) {
		s := e.store()
		sweeper, ok := s.(store.Sweeper)
		if !ok {
			e.Skipf("not checked: %T is no store.Sweeper, so it needs no sweeping", s)
		}
		standing, gone := map[string]store.Record{}, map[string]uint64{}
		for i := range 2 * rounds {
			key := fmt.Sprintf("swept %d", i)
			switch i % 3 {
			case 0:
				standing[key] = e.mustCreate(s, key, record(key, e.long))
			case 1:
				gone[key] = e.mustCreate(s, key, record(key, e.unit)).Version
			case 2:
				gone[key] = e.mustCreate(s, key, record(key, e.long)).Version
				e.mustDelete(s, key, gone[key])
			}
		}
		e.outlive(e.unit)
		removed, err := sweeper.Sweep(e.ctx)
		e.noError(err, "Sweep")
		if removed < 0 {
			e.Errorf("Sweep: %d records removed; want 0 at least", removed)
		}
		for key, want := range standing {
			e.same("a record after Sweep", e.mustGet(s, key), want)
		}
		for key, last := range gone {
			e.mustBeAbsent(s, key, "it was gone before Sweep")
			if r := e.mustCreate(s, key, record("next", e.long)); r.Version <= last {
				e.Errorf("%q after Sweep: version %d; want more than %d", key, r.Version, last)
			}
		}
		e.sweepUnderway(s, sweeper)
		for round := range 3 {
			e.sweepOfWhatIsCreatedAgain(s, sweeper, fmt.Sprintf("round %d", round))
		}
	},
}

// sweepUnderway sweeps while others use keys that are theirs alone.
func (e *env) sweepUnderway(s store.Store, sweeper store.Sweeper) {
	e.Helper()
	answers := race(racers, func(i int) (store.Record, bool, error) {
		for round := range rounds {
			if i%4 == 0 {
				if _, err := sweeper.Sweep(e.ctx); err != nil {
					return store.Record{}, false, fmt.Errorf("sweeping: %w", err)
				}
			} else if err := e.alone(s, fmt.Sprintf("beside Sweep %d", i), fmt.Sprintf("%d %d", i, round)); err != nil {
				return store.Record{}, false, err
			}
		}
		return store.Record{}, true, nil
	})
	for _, a := range answers {
		if a.err != nil {
			e.Errorf("beside Sweep: racer %d: %v", a.racer, a.err)
		}
	}
}

// sweepOfWhatIsCreatedAgain sweeps keys whose records have expired while others
// create them again. Every Create succeeds, and what it wrote stands: a sweep
// that first collects keys and then removes what stands there takes claims away
// from owners that have just got them.
func (e *env) sweepOfWhatIsCreatedAgain(s store.Store, sweeper store.Sweeper, name string) {
	e.Helper()
	key := func(creator, i int) string { return fmt.Sprintf("created again %s %d %d", name, creator, i) }
	const creators, keys = racers / 2, 20
	for creator := range creators {
		for i := range keys {
			e.mustCreate(s, key(creator, i), record("expires", e.unit))
		}
	}
	e.outlive(e.unit)
	var versions [creators][keys]uint64
	answers := race(2*creators, func(racer int) (store.Record, bool, error) {
		creator := racer / 2
		if racer%2 == 1 {
			_, err := sweeper.Sweep(e.ctx)
			return store.Record{}, true, err
		}
		for i := range keys {
			r, created, err := s.Create(e.ctx, key(creator, i), record("again", e.long))
			if err := certain("Create", created, err); err != nil {
				return store.Record{}, false, err
			}
			versions[creator][i] = r.Version
			runtime.Gosched()
		}
		return store.Record{}, true, nil
	})
	for _, a := range answers {
		e.noError(a.err, "Create of what has expired, beside Sweep: racer %d", a.racer)
	}
	for creator := range creators {
		for i, version := range versions[creator] {
			if r, found := e.get(s, key(creator, i)); !found || r.Version != version {
				e.Fatalf("a record that was created where one had expired, after Sweep ran beside that: %s; want the one of version %d",
					show(r), version)
			}
		}
	}
}
