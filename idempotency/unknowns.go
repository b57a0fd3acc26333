package idempotency

import "sync"

// unknowns are the unknown outcomes of this process, oldest first, of which at
// most limit are kept: each holds a record for as long as an outcome that is
// known, without being of use to anybody once its client has given up, and a
// handler that panics at every request would fill the store with them.
type unknowns struct {
	limit int // negative: none

	mu   sync.Mutex
	ring []unknownOutcome
	next int // where the oldest is, once the ring is full
}

type unknownOutcome struct {
	key     string
	version uint64
}

// add remembers an unknown outcome, and returns the one that has to go for it.
func (u *unknowns) add(key string, version uint64) (oldest unknownOutcome, found bool) {
	if u.limit < 0 {
		return unknownOutcome{}, false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	added := unknownOutcome{key, version}
	if len(u.ring) < u.limit {
		u.ring = append(u.ring, added)
		return unknownOutcome{}, false
	}
	oldest, u.ring[u.next] = u.ring[u.next], added
	u.next = (u.next + 1) % len(u.ring)
	return oldest, true
}
