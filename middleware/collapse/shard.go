package collapse

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// shards is how many there are, so that requests for different things seldom
// meet in one.
const shards = 256

// shard is the part of the runs whose targets fall to it. Most of the time it
// has none, or one. The one needs no hash of its fields, which is most of what
// there is to hash: who comes to it compares itself to it.
type shard struct {
	mu      sync.Mutex
	lone    *run                      // that can be joined, as far as is known, while it is the only one
	runs    map[uint64]*run           // all of them by their hashes, once there were two; made when needed
	crowded atomic.Bool               // there are some in runs; a hint for those who do not hold the lock
	_       [128 - 8 - 8 - 8 - 4]byte // the locks of two shards are never in one cache line
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
	if l.marks.any(now) && l.marks.has(k.sum(l), now) {
		return nil, outside, nil
	}
	if s.crowded.Load() {
		k.sum(l) // which will be needed, while nobody waits for the lock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if standing := s.find(l, k, r.Header, now); standing != nil {
		if int(standing.waiting) >= l.config.MaxFollowers {
			return nil, turnedAway, nil
		}
		over = standing.join(now)
		return standing, follows, over
	}
	began := newRun(l, s, k, r, now)
	s.file(began)
	return began, leads, nil
}

// find returns the run that a request with key k and fields h can join, if there
// is one. The caller holds the lock.
func (s *shard) find(l *Layer, k *key, h http.Header, now time.Duration) *run {
	if lone := s.lone; lone != nil {
		switch {
		case !lone.current(now):
			lone.remove()
		case lone.key.equals(k, h):
			return lone
		default:
			s.lone = nil
			s.fileAmong(lone)
		}
	}
	if len(s.runs) == 0 {
		return nil
	}
	standing := s.runs[k.sum(l)]
	switch {
	case standing == nil:
		return nil
	case !standing.current(now):
	case !standing.key.equals(k, h):
		// The hashes collide. If the later run did not take the place, a
		// client that makes them collide could keep others from sharing.
	default:
		return standing
	}
	standing.remove()
	return nil
}

// file lets others find a run. The caller holds the lock.
func (s *shard) file(r *run) {
	if s.lone == nil && len(s.runs) == 0 {
		s.lone = r
		return
	}
	s.fileAmong(r)
}

func (s *shard) fileAmong(r *run) {
	if s.runs == nil {
		s.runs = make(map[uint64]*run)
	}
	r.hash = r.key.sum(r.handler.layer)
	s.runs[r.hash] = r
	if len(s.runs) == 1 {
		s.crowded.Store(true)
	}
}

// unfile has nobody find a run any more. The caller holds the lock.
func (s *shard) unfile(r *run) {
	if s.lone == r {
		s.lone = nil
		return
	}
	if s.runs[r.hash] == r { // a later run can have taken its place
		if delete(s.runs, r.hash); len(s.runs) == 0 {
			s.crowded.Store(false)
		}
	}
}
