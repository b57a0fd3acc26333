package collapse

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	markShards  = 64
	marksAShard = 64 // the longest unused is forgotten
)

// marks tell which kinds of request, by their hashes, are not collapsed for a
// while, since their answers could not be shared. Mostly there are none.
type marks struct {
	until  atomic.Int64 // when the last one runs out, as a time.Duration; 0: there is none
	shards [markShards]markShard
}

type markShard struct {
	mu  sync.Mutex
	lru *simplelru.LRU[uint64, time.Duration] // made when needed
}

// any reports whether there may be a mark. The first to find that all have run
// out drops them.
func (m *marks) any(now time.Duration) bool {
	until := m.until.Load()
	if until == 0 || now < time.Duration(until) {
		return until != 0
	}
	if m.until.CompareAndSwap(until, 0) {
		for i := range m.shards {
			m.shards[i].drop()
		}
	}
	return false
}

func (m *marks) add(hash uint64, until time.Duration) {
	m.shards[hash%markShards].add(hash, until)
	for { // after it was added: it is looked for from now on
		latest := m.until.Load()
		if int64(until) <= latest || m.until.CompareAndSwap(latest, int64(until)) {
			return
		}
	}
}

func (m *marks) has(hash uint64, now time.Duration) bool {
	return m.shards[hash%markShards].has(hash, now)
}

func (s *markShard) add(hash uint64, until time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lru == nil {
		s.lru, _ = simplelru.NewLRU[uint64, time.Duration](marksAShard, nil) // fails on a size of 0 alone
	}
	s.lru.Add(hash, until)
}

func (s *markShard) has(hash uint64, now time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lru == nil {
		return false
	}
	until, ok := s.lru.Get(hash)
	if ok && now >= until {
		s.lru.Remove(hash)
		return false
	}
	return ok
}

func (s *markShard) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru = nil
}
