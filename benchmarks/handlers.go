package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// handlerResult is what a request costs in the handler and what is around it,
// without a network. Of a crowd it is what all its requests cost together.
type handlerResult struct {
	nanoseconds   float64
	bytes, allocs float64
	runs          float64 // of the handler
}

const (
	slice    = 100 * time.Microsecond
	looks    = 20  // at the clock in a slice, if so many runs fit
	batch    = 400 // runs of which allocations are counted
	batches  = 5   // the fewest count: what goes on in the background allocates, too
	quickest = 4   // the part of the slices that counts is the fastest quarter
)

// turn is an entry that takes its turn.
type turn struct {
	*entry
	once    func() error // a request, or a crowd's
	keys    *keys
	perLook int
	spent   time.Duration
	slices  []float64 // ns a run
}

// measureHandlers measures all entries in turns of a tenth of a millisecond, for
// as long as total: what else the machine does hits all alike.
func measureHandlers(all []*entry, total time.Duration) error {
	turns := make([]*turn, len(all))
	for i, e := range all {
		t, err := e.turn()
		if err != nil {
			return fmt.Errorf("%s, %s: %w", e.scenario.name, e.name, err)
		}
		turns[i] = t
	}
	began := time.Now()
	for done := false; !done; {
		now := time.Since(began)
		done = now >= total
		for _, t := range shuffled(turns) {
			// Whose run is longer than a slice waits until the others had as much.
			if len(t.slices) > 0 && t.spent > now/time.Duration(len(turns)) {
				continue
			}
			if err := t.take(); err != nil {
				return fmt.Errorf("%s, %s: %w", t.scenario.name, t.name, err)
			}
		}
	}
	for _, t := range turns {
		slices.Sort(t.slices)
		t.handler.nanoseconds = t.slices[len(t.slices)/quickest]
	}
	return nil
}

// shuffled is all in another order each time: else each would always have the
// caches as the same one before it leaves them.
func shuffled[T any](all []T) []T {
	mixed := make([]T, len(all))
	for i, at := range rand.Perm(len(all)) { //nolint:gosec // G404: an order is no secret
		mixed[i] = all[at]
	}
	return mixed
}

// turn readies e, counts what it allocates, and estimates what it takes.
func (e *entry) turn() (*turn, error) {
	t := &turn{entry: e, keys: e.keys(), perLook: 1}
	status := e.expects().status
	if e.scenario.readers > 0 {
		t.once = e.crowd(status)
	} else {
		c := e.inProcess(t.keys)
		t.once = func() error { return must(c, status) }
	}
	one, err := t.count()
	if err != nil {
		return nil, err
	}
	if e.scenario.readers == 0 {
		t.perLook = int(min(looks, max(1, slice/looks/max(1, one))))
	}
	return t, nil
}

// count runs e while nothing else of this process does, counts what it allocates,
// and returns about what a run takes: to look at the clock is not to be measured.
func (t *turn) count() (one time.Duration, err error) {
	n := batch
	if t.scenario.readers > 0 {
		n = 1
	}
	if err := t.once(); err != nil { // pools are empty before the first
		return 0, err
	}
	one = math.MaxInt64
	t.handler.bytes, t.handler.allocs = math.Inf(1), math.Inf(1)
	for range batches {
		t.keys.refresh()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range n {
			if err := t.once(); err != nil {
				return 0, err
			}
		}
		took := time.Since(began) / time.Duration(n)
		runtime.ReadMemStats(&after)
		one = min(one, took)
		t.handler.bytes = min(t.handler.bytes, float64(after.TotalAlloc-before.TotalAlloc)/float64(n))
		t.handler.allocs = min(t.handler.allocs, float64(after.Mallocs-before.Mallocs)/float64(n))
	}
	if t.handler.runs = t.runs; t.counted != nil {
		t.counted.Store(0) // from here on, with the slices
	}
	return one, nil
}

// take is one turn.
func (t *turn) take() error {
	t.keys.refresh()
	n, began := 0, time.Now()
	for time.Since(began) < slice {
		for range t.perLook {
			if err := t.once(); err != nil {
				return err
			}
		}
		n += t.perLook
	}
	took := time.Since(began)
	t.spent += took
	t.slices = append(t.slices, float64(took)/float64(n))
	if t.counted != nil {
		t.handler.runs = float64(t.counted.Load()) / float64(len(t.slices))
	}
	return nil
}
