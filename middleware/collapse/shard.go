package collapse

import (
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	shards      = 64 // so that requests for different things seldom wait for one lock
	marksAShard = 64 // of answers that could not be shared; the longest unused is forgotten
)

// shard is the part of the runs whose hashes fall to it.
type shard struct {
	mu    sync.Mutex
	runs  map[uint64]*run                       // those that can be joined, as far as is known
	marks *simplelru.LRU[uint64, time.Duration] // until when a hash is not collapsed; made when needed
	_     [128 - 8 - 8 - 8]byte                 // the locks of two shards are never in one cache line
}

// place is what becomes of a request.
type place uint8

const (
	leads      place = iota // its handler runs, and others may share the answer
	follows                 // it waits for the answer of another
	turnedAway              // there is a run that it could have shared, but for a limit
	outside                 // it has nothing to do with any run
)

// enter finds the place of a request, at once with taking it. For one that
// follows, over tells when it has waited long enough.
func (s *shard) enter(l *Layer, k *key, r *http.Request, now time.Duration) (_ *run, _ place, over <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marked(k.hash, now) {
		return nil, outside, nil
	}
	if standing := s.runs[k.hash]; standing != nil {
		switch {
		case !standing.current(now):
		case !standing.key.equals(k, r.Header):
			// The hashes collide. If the later run did not take the place, a
			// client that makes them collide could keep others from sharing.
		case standing.waiting >= l.config.MaxFollowers:
			return nil, turnedAway, nil
		default:
			over = standing.join(now)
			return standing, follows, over
		}
		standing.remove()
	}
	began := newRun(l, s, k, r, now)
	s.runs[k.hash] = began
	return began, leads, nil
}

// mark has requests with this hash run in parallel for a while.
func (s *shard) mark(hash uint64, until time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marks == nil {
		s.marks, _ = simplelru.NewLRU[uint64, time.Duration](marksAShard, nil) // fails on a size of 0 alone
	}
	s.marks.Add(hash, until)
}

func (s *shard) marked(hash uint64, now time.Duration) bool {
	if s.marks == nil || s.marks.Len() == 0 {
		return false
	}
	until, ok := s.marks.Get(hash)
	if ok && now >= until {
		s.marks.Remove(hash)
		return false
	}
	return ok
}
