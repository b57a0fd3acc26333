package natsstore

import (
	"sync"
	"time"
)

// sightsKept is how many keys a store remembers, at least; at most twice as
// many.
const sightsKept = 8192

// sight is what a store saw last at a key. It saves a look where the server
// will compare anyway: an owner that knows its record to live need not read it
// before it replaces it.
type sight struct {
	sequence uint64    // of the last message; 0: nothing is known
	gone     bool      // it is a tombstone, or had expired when it was seen
	until    time.Time // the record does not expire before
}

// stands reports whether a record of this version was seen and cannot have
// expired yet.
func (s sight) stands(version uint64, now time.Time) bool {
	return s.sequence == version && version != 0 && !s.gone && now.Before(s.until)
}

// sights are the sights of the keys that were used last: of two generations, the
// older is forgotten when the younger has grown up. The zero value is ready to
// use, and safe for concurrent use.
type sights struct {
	mu         sync.Mutex
	young, old map[string]sight
}

func (s *sights) of(key string) sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(key)
}

func (s *sights) find(key string) sight {
	if seen, ok := s.young[key]; ok {
		return seen
	}
	return s.old[key]
}

// saw remembers a sight, unless a later one is known.
func (s *sights) saw(key string, seen sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen.sequence < s.find(key).sequence {
		return
	}
	if s.young == nil || len(s.young) >= sightsKept {
		s.young, s.old = make(map[string]sight), s.young
	}
	s.young[key] = seen
}

// forget forgets what is known of a key up to a sequence, because it is not so.
func (s *sights) forget(key string, sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(key).sequence <= sequence {
		delete(s.young, key)
		delete(s.old, key)
	}
}
