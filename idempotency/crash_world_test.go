package idempotency_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// crashWorld is one simulation: servers on one store, clients that retry, and
// deaths at points that were chosen before.
type crashWorld struct {
	t     *testing.T
	mode  crashMode
	seed  uint64
	store *txMemory
	cuts  bool           // of some servers, while they live, the link to the store is cut for a while
	over  chan struct{}  // closed at the end: whatever hangs on a dead server returns
	work  sync.WaitGroup // requests that are served, dead or alive
	gone  sync.WaitGroup // servers that will be restarted

	mu      sync.Mutex
	servers [crashServers]*crashServer // as they are now
	started int                        // servers so far
	deaths  map[crashPoint]int         // a server dies when it passes the point for the nth time, of all servers
	passed  [crashPoints]int
	keys    map[string]*crashKey
	totals  crashTotals
}

// crashKey is what the world knows of one key, which no server does.
type crashKey struct {
	running map[*crashRun]bool
	runs    int
	effects int
	answer  string // of the first success
	first   int    // successes that were no replays
	unknown bool
}

func newCrashWorld(t *testing.T, mode crashMode, point crashPoint, seed uint64) *crashWorld {
	w := &crashWorld{
		t: t, mode: mode, seed: seed, store: newTxMemory(), over: make(chan struct{}),
		deaths: map[crashPoint]int{}, keys: map[string]*crashKey{},
	}
	random := w.random("deaths")
	w.deaths[point] = 1 + random.IntN(2)
	for range random.IntN(3) {
		w.deaths[crashPoint(random.IntN(int(crashPoints)))] = 1 + random.IntN(4)
	}
	w.deaths[point] = min(w.deaths[point], 2)
	w.cuts = random.IntN(4) == 0
	commits := w.random("commits")
	w.store.befall(func(int) txPlan { return w.commitPlan(commits, point) })
	for i := range w.servers {
		w.servers[i] = w.start()
	}
	return w
}

// commitPlan is what befalls a transaction. Commits are in doubt more often
// where that is what leads to the point.
func (w *crashWorld) commitPlan(random *rand.Rand, point crashPoint) (p txPlan) {
	p.takes = time.Duration(random.Int64N(int64(50 * time.Millisecond)))
	p.unlocked = random.IntN(3) == 0
	n := random.IntN(20)
	if point == duringRenewal && n >= 10 {
		n -= 10
	}
	switch n {
	case 0, 1, 2:
		p.commit, p.takes = txLate, time.Duration(random.Int64N(int64(60*time.Second)))
	case 3, 4:
		p.commit, p.takes = txNever, time.Duration(random.Int64N(int64(20*time.Second)))
	case 5, 6:
		p.commit = txDoneUnsaid
	case 7:
		p.commit = txFails
	case 8:
		p.takes = time.Duration(random.Int64N(int64(30 * time.Second)))
	case 9:
		p.failAt = 1 + random.IntN(2)
	case 10, 11:
		p.lax = time.Minute
	}
	if p.commit != txDone {
		w.mu.Lock()
		w.totals.InDoubt++
		w.mu.Unlock()
	}
	return p
}

// random is the source of one actor alone, so that what others do does not
// change what it does.
func (w *crashWorld) random(actor string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(w.mode.name + "/" + actor) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(w.seed, h))
}

// dies reports whether s, passing the point, dies there. Then its power is off.
func (w *crashWorld) dies(s *crashServer, p crashPoint) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.isOff() {
		return true
	}
	w.passed[p]++
	if w.deaths[p] != w.passed[p] {
		return false
	}
	w.totals.hits[p]++
	w.totals.Deaths++
	close(s.off)
	for _, k := range w.keys {
		for run := range k.running {
			if run.s == s {
				delete(k.running, run)
			}
		}
	}
	for i := range w.servers {
		if w.servers[i] == s {
			w.gone.Go(func() { w.restart(i) })
		}
	}
	return true
}

// restart puts a server that remembers nothing into the place of a dead one.
func (w *crashWorld) restart(i int) {
	w.mu.Lock()
	random := w.random(fmt.Sprint("restart ", w.started))
	w.mu.Unlock()
	time.Sleep(time.Duration(random.Int64N(int64(time.Minute))))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers[i] = w.start()
}

func (w *crashWorld) server(i int) *crashServer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.servers[i]
}

// key is under mu.
func (w *crashWorld) key(name string) *crashKey {
	k := w.keys[name]
	if k == nil {
		k = &crashKey{running: map[*crashRun]bool{}}
		w.keys[name] = k
	}
	return k
}

// run runs the simulation to its end.
func (w *crashWorld) run() {
	var clients sync.WaitGroup
	for k := range crashKeys {
		for c := range crashClients {
			clients.Go(func() { w.client(fmt.Sprintf("key-%d", k), c) })
		}
	}
	clients.Wait()
	time.Sleep(10 * time.Minute) // what still runs ends, and so does what is late
	w.check()
	w.gone.Wait()
	close(w.over)
	w.store.stop()
	w.work.Wait()
	time.Sleep(time.Minute) // what the dead have left to the background ends too
	w.check()               // the dead did nothing more when they were let go
	for k, known := range w.keys {
		w.totals.Runs += known.runs
		w.totals.Seconds += max(0, w.effects(k)-1)
	}
}
