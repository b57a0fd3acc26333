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
	sequence uint64    // of the last message, or one before; 0: nothing is known
	gone     bool      // it is a tombstone, or had expired when it was seen
	until    time.Time // the record is not seen to expire before
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

// doubt says that a write after a sequence did not succeed, as far as is known.
// What stands at the key has to be read then, but the sequence was seen: an
// answer that is older is as wrong as it was.
func (s *sights) doubt(key string, sequence uint64) {
	if sequence != 0 {
		s.saw(key, sight{sequence: sequence})
	}
}

// forget forgets what is known of a key up to a sequence, because there is no
// message any more.
func (s *sights) forget(key string, sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(key).sequence <= sequence {
		delete(s.young, key)
		delete(s.old, key)
	}
}
