package redisstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/concordhttp/concord/store"
)

// line is the connection that all watchers of a store share. It is there while
// somebody watches, and a little longer: each watcher joins the session that is
// current, or begins one, and a session that breaks wakes everybody in it.
//
// Its lock guards its sessions too, and is never held over a call of the client.
type line struct {
	client redis.UniversalClient
	config Config

	mu      sync.Mutex
	closed  bool
	waiting int      // how many have joined, in whatever session
	current *session // nil: nobody has joined since the last one ended

	running sync.WaitGroup // the goroutines of sessions
}

func (l *line) init(client redis.UniversalClient, c Config) { l.client, l.config = client, c }

// waiter is somebody who watches a version.
type waiter struct {
	session *session
	topic   *topic
	version uint64
	ready   chan struct{} // closed once the server sends it messages
	woken   chan struct{} // closed when the version may be over, or the session is
	err     error         // why the session ended before ready; set before woken
}

// topic is a channel that is watched in a session. Subscribing to it and ending
// that are answered by the server one after another, as they were sent; it can
// be relied on when nothing is on its way.
type topic struct {
	channel    string
	waiters    map[*waiter]struct{}
	subscribed bool // what was last sent
	pending    int  // how many of those are not answered
}

// join has a waiter woken when channel says that version, or a later one, is
// over. It leaves at last.
func (l *line) join(channel string, version uint64) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, store.ErrClosed
	}
	if l.waiting >= l.config.MaxWaiters {
		return nil, fmt.Errorf("%w: there are %d, the limit", ErrTooManyWaiters, l.waiting)
	}
	l.waiting++
	if l.current == nil {
		l.current = l.begin()
	}
	s := l.current
	t := s.topics[channel]
	if t == nil {
		t = &topic{channel: channel, waiters: map[*waiter]struct{}{}}
		s.topics[channel] = t
	}
	w := &waiter{session: s, topic: t, version: version, ready: make(chan struct{}), woken: make(chan struct{})}
	t.waiters[w] = struct{}{}
	switch {
	case !t.subscribed:
		s.touch(t)
	case t.pending == 0:
		close(w.ready)
	}
	return w, nil
}

// leave ends what join began.
func (l *line) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	delete(w.topic.waiters, w)
	if len(w.topic.waiters) == 0 && !w.session.over {
		w.session.touch(w.topic)
	}
}

// begin begins a session. The lock is held.
func (l *line) begin() *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{
		line:    l,
		ctx:     ctx,
		cancel:  cancel,
		pubsub:  l.client.Subscribe(ctx),
		topics:  map[string]*topic{},
		touched: map[*topic]struct{}{},
		work:    make(chan struct{}, 1),
	}
	l.running.Go(s.speak)
	return s
}

// close ends the current session and waits until no goroutine is left.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	s := l.current
	l.mu.Unlock()
	if s != nil {
		s.end(store.ErrClosed)
	}
	l.running.Wait()
}

// wake wakes w and takes it from its topic. The lock is held.
func (w *waiter) wake(err error) {
	select {
	case <-w.ready:
	default:
		w.err = err
	}
	delete(w.topic.waiters, w)
	close(w.woken)
}

// ending reads the version that a message says is over. One that says something
// else, which no script sent, wakes everybody.
func ending(payload string) uint64 {
	if len(payload) != 8 {
		return ^uint64(0)
	}
	return binary.BigEndian.Uint64([]byte(payload))
}

// tick is how often a session is tried.
func (l *line) tick() *time.Ticker { return time.NewTicker(l.config.Recheck) }
