package lease

import (
	"math/rand/v2"
	"sync"
	"time"
)

// What tests of the package from outside need to see of its inside.

func EncodedHead(l *Lease) []byte { return l.head }

func GateKey(namespace, resource string) string {
	return gateKey(gatePrefix(namespace), resource)
}

// TimerIsSet reports whether k's timer will fire, and how many leases it
// serves.
func TimerIsSet(k *Keeper) (set bool, leases int) {
	k.due.mu.Lock()
	defer k.due.mu.Unlock()
	return k.due.armed, len(k.due.events)
}

func KeeperOf(g *Gate) *Keeper { return g.keeper }

// Seed makes the pauses of k depend on r, which k is alone in using.
func Seed(k *Keeper, r *rand.Rand) {
	var mu sync.Mutex
	k.jitter = func(d time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return d/2 + time.Duration(r.Int64N(int64(d)+1))
	}
}

// InLine is how many callers wait for key.
func InLine(k *Keeper, key string) int {
	k.lines.mu.Lock()
	defer k.lines.mu.Unlock()
	if n := k.lines.byKey[key]; n != nil {
		return n.members
	}
	return 0
}

// StopTimer keeps the timetable from calling l.
func StopTimer(l *Lease) { l.keeper.due.remove(l) }

// TimerFiresAt is the instant for which k's timer is set.
func TimerFiresAt(k *Keeper) time.Duration {
	k.due.mu.Lock()
	defer k.due.mu.Unlock()
	return time.Duration(k.due.firesAt)
}
