package idempotency_test

import (
	"flag"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
)

var (
	crashSeed  = flag.Uint64("crash.seed", 0, "replay the simulation of crashes of this seed alone")
	crashSeeds = flag.Uint64("crash.seeds", 1000, "how many seeds the simulation of crashes runs through")
)

// TestCrashRefuse has owners die, and no request done twice.
func TestCrashRefuse(t *testing.T) {
	crash(t, crashMode{name: "Refuse", unknown: idempotency.Refuse})
}

// TestCrashRerun has owners die, and no request run twice at the same time; how
// many were done twice is printed.
func TestCrashRerun(t *testing.T) {
	crash(t, crashMode{name: "Rerun", unknown: idempotency.Rerun})
}

// TestCrashTransactional has owners die, and every request done exactly once.
func TestCrashTransactional(t *testing.T) {
	crash(t, crashMode{name: "Transactional", transactional: true})
}

// crash runs simulations, an equal number for each point at which owners die
// first. A seed decides all that is random. What happens at the same instant is
// ordered by the scheduler, so that a replay can differ in that.
func crash(t *testing.T, mode crashMode) {
	t.Helper()
	var sum crashTotals
	first, last := uint64(1), *crashSeeds
	if testing.Short() {
		last = min(last, 90)
	}
	if *crashSeed != 0 {
		first, last = *crashSeed, *crashSeed
	}
	for point := range crashPoints {
		if *crashSeed != 0 && point != pointOf(*crashSeed) {
			continue
		}
		t.Run(point.String(), func(t *testing.T) {
			hits := 0
			for seed := first; seed <= last; seed++ {
				if pointOf(seed) == point && !t.Failed() {
					hits += crashOnce(t, mode, seed, &sum)
				}
			}
			if *crashSeed == 0 {
				require.Positive(t, hits, "nobody died there")
			}
		})
	}
	t.Logf("seeds %d to %d: %s", first, last, &sum)
}

func pointOf(seed uint64) crashPoint { return crashPoint(seed % uint64(crashPoints)) }

// crashOnce runs one simulation, and returns how many servers died at the point
// that it is about.
func crashOnce(t *testing.T, mode crashMode, seed uint64, sum *crashTotals) (hits int) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("replay with: go test ./idempotency -run TestCrash%s -crash.seed %d", mode.name, seed)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := newCrashWorld(t, mode, pointOf(seed), seed)
		w.run()
		sum.add(&w.totals)
		hits = w.totals.hits[pointOf(seed)]
	})
	return hits
}
