package lease_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

var (
	oneSeed = flag.Uint64("lease.seed", 0, "replay the simulation of this seed alone")
	seeds   = flag.Uint64("lease.seeds", 300, "how many seeds the simulation runs through")
)

// TestSimulation has servers contend for keys over bad links to one store whose
// clock runs at another rate than theirs, and checks that
//
//   - two owners of a key are never alive at the same instant,
//   - the tokens of a key grow strictly,
//   - every call returns in bounded time, and nothing is left running,
//   - once the links are good again, every key can be acquired.
//
// A seed decides all that is random. What happens at the same instant is
// ordered by the scheduler, so that a replay can differ in that.
func TestSimulation(t *testing.T) {
	first, last := uint64(1), *seeds
	if testing.Short() {
		last = min(last, 30)
	}
	if *oneSeed != 0 {
		first, last = *oneSeed, *oneSeed
	}
	var sum totals
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("replay with: go test ./store/lease -run TestSimulation -lease.seed %d", seed)
					}
				})
				w := newWorld(t, seed)
				w.run()
				sum.add(w.totals)
			})
		})
	}
	t.Logf("seeds %d to %d: %+v", first, last, sum)
}

// totals say whether a simulation did what it is for.
type totals struct {
	Acquired, Lost, Busy, Failed, TakenOver, Settled, Released int
	Faults                                                     map[string]int
}

func (s *totals) add(o totals) {
	s.Acquired += o.Acquired
	s.Lost += o.Lost
	s.Busy += o.Busy
	s.Failed += o.Failed
	s.TakenOver += o.TakenOver
	s.Settled += o.Settled
	s.Released += o.Released
	for name, n := range o.Faults {
		if s.Faults == nil {
			s.Faults = map[string]int{}
		}
		s.Faults[name] += n
	}
}

const (
	servers        = 4
	workersOfEach  = 3
	simulationTime = 3 * time.Minute
	simulationRun  = 30 * time.Second // MaxRun
)

// keys that begin with "claim" outlive their owners, others lapse with them.
var simulationKeys = []string{"gate 1", "gate 2", "claim 1"}

type world struct {
	t    *testing.T
	seed uint64
	m    *model
	ends time.Time

	mu     sync.Mutex
	owners map[string][]*lease.Lease // every lease that may still be alive, by key
	tokens map[string]uint64
	calm   bool // the links are good again
	totals totals
}

func newWorld(t *testing.T, seed uint64) *world {
	m := newModel()
	m.rate = 0.96 + 0.08*rand.New(rand.NewPCG(seed, 0)).Float64()
	return &world{
		t: t, seed: seed, m: m, ends: time.Now().Add(simulationTime),
		owners: map[string][]*lease.Lease{}, tokens: map[string]uint64{},
		totals: totals{Faults: map[string]int{}},
	}
}

func (w *world) random(a, b int) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, uint64(1+a*100+b)))
}

func (w *world) run() {
	var workers sync.WaitGroup
	for s := range servers {
		line := &link{model: w.m, world: w, random: w.random(s, 90)}
		k, err := lease.New(lease.Config{
			Store: line, Lease: testLease, Margin: testMargin, MaxRun: simulationRun,
			CallTimeout: 2 * time.Second, MaxWaiters: 2,
		})
		require.NoError(w.t, err)
		lease.Seed(k, w.random(s, 91))
		for i := range workersOfEach {
			workers.Go(func() { w.work(k, w.random(s, i)) })
		}
	}
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { w.watch(stop) })
	workers.Wait()
	close(stop)
	watch.Wait()

	// Whatever was still on its way arrives, and what nobody owns lapses.
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	time.Sleep(time.Minute)
	k := keeper(w.t, w.m)
	for _, key := range simulationKeys {
		l, standing, err := k.Try(context.Background(), key, lease.Claim{})
		require.NoError(w.t, err)
		if l == nil {
			require.True(w.t, strings.HasPrefix(key, "claim") && standing.Orphan, "%s is held by nobody: %+v", key, standing)
			l, _, err = k.Takeover(context.Background(), key, standing, lease.Claim{})
			require.NoError(w.t, err)
			require.NotNil(w.t, l)
		}
		require.NoError(w.t, l.Release(context.Background()))
	}
}

// work acquires, works and finishes, in one of many ways, over and over.
func (w *world) work(k *lease.Keeper, random *rand.Rand) {
	for time.Now().Before(w.ends) {
		key := simulationKeys[random.IntN(len(simulationKeys))]
		if l := w.acquire(k, key, random); l != nil {
			w.own(key, l)
			w.hold(l, random)
			w.finish(key, l, random)
		}
		time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
	}
}

func (w *world) acquire(k *lease.Keeper, key string, random *rand.Rand) *lease.Lease {
	c := lease.Claim{Wait: time.Duration(random.Int64N(int64(20 * time.Second)))}
	if strings.HasPrefix(key, "claim") {
		c.TTL = day
	}
	ctx := context.Background()
	if random.IntN(4) == 0 { // a client that may leave
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		stop := time.AfterFunc(time.Duration(random.Int64N(int64(3*time.Second))), cancel)
		defer stop.Stop()
	}
	began := time.Now()
	l, err := k.Acquire(ctx, key, c)
	if took := time.Since(began); took > c.Wait+2*testLease {
		w.t.Errorf("Acquire with a wait of %v took %v", c.Wait, took)
	}
	var busy *lease.BusyError
	if errors.As(err, &busy) && busy.Standing.Orphan {
		if l, _, err = k.Takeover(context.Background(), key, busy.Standing, c); l != nil {
			w.note(&w.totals.TakenOver)
		}
	}
	switch {
	case l != nil:
		w.note(&w.totals.Acquired)
	case errors.Is(err, lease.ErrBusy):
		w.note(&w.totals.Busy)
	default:
		w.note(&w.totals.Failed)
	}
	if errors.Is(err, lease.ErrCorrupt) {
		w.t.Error(err)
	}
	return l
}

func (w *world) note(n *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*n++
}

// own checks that l may exist.
func (w *world) own(key string, l *lease.Lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.Token() <= w.tokens[key] {
		w.t.Errorf("%s: token %d after %d", key, l.Token(), w.tokens[key])
	}
	w.tokens[key] = l.Token()
	w.owners[key] = append(w.owners[key], l)
	w.checkAlone(key)
}

// checkAlone checks that at most one owner of key is alive. Under mu.
func (w *world) checkAlone(key string) {
	var alive []*lease.Lease
	for _, l := range w.owners[key] {
		if l.Err() == nil {
			alive = append(alive, l)
		}
	}
	if len(alive) > 1 {
		w.t.Errorf("%s has %d owners: tokens %d and %d", key, len(alive), alive[0].Token(), alive[1].Token())
	}
	w.owners[key] = alive
}

func (w *world) watch(stop chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		for _, key := range simulationKeys {
			w.checkAlone(key)
		}
		w.mu.Unlock()
	}
}

// hold works for a while: mostly briefly, sometimes for longer than the lease,
// sometimes until it is stopped, and sometimes like a process that was paused.
func (w *world) hold(l *lease.Lease, random *rand.Rand) {
	switch random.IntN(10) {
	case 0, 1, 2, 3:
		time.Sleep(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
	case 4, 5, 6:
		_ = delay(time.Duration(random.Int64N(int64(3 * testLease))))(l)
	case 7:
		<-l.Done()
	case 8:
		lease.StopTimer(l)
		time.Sleep(time.Duration(random.Int64N(int64(3 * testLease))))
	case 9:
		began := time.Now()
		<-l.Done()
		if took := time.Since(began); took > simulationRun {
			w.t.Errorf("held for %v", took)
		}
		time.Sleep(time.Duration(random.Int64N(int64(3 * testLease)))) // ignores it
	}
	if errors.Is(context.Cause(l), lease.ErrLost) {
		w.note(&w.totals.Lost)
	}
}

func (w *world) finish(key string, l *lease.Lease, random *rand.Rand) {
	began := time.Now()
	if strings.HasPrefix(key, "claim") && random.IntN(2) == 0 {
		if _, err := l.Settle(l, nil, nil, time.Duration(1+random.Int64N(int64(10*time.Second)))); err == nil {
			w.note(&w.totals.Settled)
		}
	} else if random.IntN(10) > 0 { // or forgets to
		if l.Release(l) == nil {
			w.note(&w.totals.Released)
		}
	}
	if took := time.Since(began); took > 2*time.Second+10*time.Millisecond { // counted from when the store looks
		w.t.Errorf("finishing took %v", took)
	}
}
