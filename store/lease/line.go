package lease

import (
	"context"
	"sync"
	"sync/atomic"
)

// lines are the callers of this process that wait, in order of arrival, one
// line for each key. Only the first in a line looks at the store, so that a
// release wakes one waiter of each process and not all of them.
type lines struct {
	mu    sync.Mutex
	byKey map[string]*line
	keys  atomic.Int64 // how many keys have a line, to be read without the lock
}

type line struct {
	first   chan struct{} // holds one token while somebody is first; Go serves senders in order
	members int
}

// any reports whether somebody waits for key.
func (s *lines) any(key string) bool {
	if s.keys.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey[key] != nil
}

// join waits until the caller is first in the line for key. Without an error,
// leave must be called to let the next one be first.
func (s *lines) join(ctx context.Context, key string) (leave func(), err error) {
	n := s.enter(key)
	select {
	case n.first <- struct{}{}:
		return func() {
			<-n.first
			s.exit(key, n)
		}, nil
	case <-ctx.Done():
		s.exit(key, n)
		return nil, ctx.Err()
	}
}

func (s *lines) enter(key string) *line {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.byKey[key]
	if n == nil {
		if s.byKey == nil {
			s.byKey = make(map[string]*line)
		}
		n = &line{first: make(chan struct{}, 1)}
		s.byKey[key] = n
		s.keys.Add(1)
	}
	n.members++
	return n
}

func (s *lines) exit(key string, n *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.members--; n.members == 0 {
		delete(s.byKey, key)
		s.keys.Add(-1)
	}
}
