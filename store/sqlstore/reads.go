package sqlstore

import (
	"context"
	"sync"
	"time"
)

// patience is how long a read waits for its turn behind another of the same key:
// one connection that hangs must not hold up more than its own read. Whoever has
// waited in vain begins the next look, so that those who come later need not wait
// for the one that hangs, too.
const patience = 50 * time.Millisecond

// trust is how long a read waits for a look that has begun after it came, from when
// its patience is over, before it goes by itself. Where that look takes its time
// since the database is slow, another would take no less, and make it slower.
const trust = 4 * patience

// reads is a Querier on which those who read one key at the same time share a
// look at it. A client that repeats its request again and again, since it gets no
// answer, then costs the database one statement at a time.
//
// Nobody shares a look that began before it asked, which could miss what was
// written in between. So whoever comes while a look is under way waits for the
// next one, and shares that with all who came meanwhile.
type reads struct {
	Querier

	mu  sync.Mutex
	now map[string]*sharedLook // by key; the latest that is under way, or about to begin
}

func newReads(q Querier) *reads { return &reads{Querier: q, now: map[string]*sharedLook{}} }

// sharedLook is one look at a key.
type sharedLook struct {
	turn  chan struct{} // has a token when it may begin: whoever takes it looks
	ended chan struct{} // closed when row and found are there, if it was whole

	row   row
	found bool
	whole bool // no error and no panic: those are for whoever looked, alone

	begun   bool        // guarded by reads.mu, and so are these
	waiting int         // for it to begin
	next    *sharedLook // for those who have come since; nil: nobody has
}

func newSharedLook() *sharedLook {
	return &sharedLook{turn: make(chan struct{}, 1), ended: make(chan struct{})}
}

// lookAt reads the row at key by a dialect's statement. In a transaction nobody
// shares it.
func lookAt(ctx context.Context, q Querier, statement string, key []byte) (row, bool, error) {
	shared, ok := q.(*reads)
	if ok {
		q = shared.Querier
	}
	ask := func() (r row, found bool, err error) {
		found, err = one(ctx, q, r.fields(), statement, key)
		return r, found, err
	}
	if ok {
		return shared.look(ctx, string(key), ask)
	}
	return ask()
}

// look returns what ask says, or what another's has said that began after this
// was called.
func (s *reads) look(ctx context.Context, key string, ask func() (row, bool, error)) (row, bool, error) {
	l, leads := s.join(key)
	if leads || s.await(ctx, key, l) {
		return s.lead(key, l, ask)
	}
	select {
	case <-l.ended:
		if l.whole {
			return l.row, l.found, nil
		}
	default: // it has taken too long
	}
	return ask()
}

// join returns a look that has not begun, or one for the caller to begin at once.
func (s *reads) join(key string) (l *sharedLook, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l = s.now[key]
	switch {
	case l == nil:
		l = newSharedLook()
		l.begun = true
		s.now[key] = l
		return l, true
	case l.begun && l.next == nil:
		l.next = newSharedLook()
		fallthrough
	case l.begun:
		l = l.next
	}
	l.waiting++
	return l, false
}

// await returns when l has ended, or has taken too long; or, true, when it is the
// caller's to begin.
func (s *reads) await(ctx context.Context, key string, l *sharedLook) (leads bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-l.turn:
		s.mu.Lock()
		defer s.mu.Unlock()
		l.begun = true
		return true
	case <-l.ended:
		return false
	case <-ctx.Done():
		s.leave(key, l)
		return false
	case <-timer.C:
		if s.overtake(key, l) {
			return true
		}
	}
	timer.Reset(trust)
	select {
	case <-l.ended:
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// overtake lets a look begin that has waited for another one for too long. It
// returns true if it is the caller's to begin, and false if somebody else has begun
// it, or is just about to.
func (s *reads) overtake(key string, l *sharedLook) (leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case l.begun:
		return false
	case s.now[key] == l: // it may begin, and so there is a token, or was one
		select {
		case <-l.turn:
		default:
			return false
		}
	}
	s.now[key] = l
	l.begun = true
	return true
}

// leave forgets a look that nobody waits for any more.
func (s *reads) leave(key string, l *sharedLook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.waiting--; l.waiting > 0 || l.begun {
		return
	}
	if current := s.now[key]; current == l {
		delete(s.now, key)
	} else {
		current.next = nil
	}
}

// lead makes the look that l is, also for the others. It is theirs if it ends
// well; that the leader's client has gone is no reason of theirs to fail.
func (s *reads) lead(key string, l *sharedLook, ask func() (row, bool, error)) (r row, found bool, err error) {
	defer s.end(key, l)
	r, found, err = ask()
	l.row, l.found, l.whole = r, found, err == nil
	return r, found, err
}

// end lets the next look at the key begin, if there is one that has not yet.
func (s *reads) end(key string, l *sharedLook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(l.ended)
	switch {
	case s.now[key] != l: // overtaken
	case l.next == nil:
		delete(s.now, key)
	default:
		s.now[key] = l.next
		l.next.turn <- struct{}{}
	}
}
