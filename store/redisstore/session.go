package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// session is one connection of a [line]. It ends at the first sign that a message
// may have been lost, and then everybody in it is woken to look for themselves.
// The client would connect again by itself, without saying where a message may
// be missing; so each session has a subscription of its own.
type session struct {
	line   *line
	ctx    context.Context //nolint:containedctx // it bounds the goroutines of the session, which have no caller
	cancel context.CancelFunc
	pubsub *redis.PubSub
	heard  atomic.Bool   // something came since the last ping
	asked  time.Time     // when that was sent; only speak uses it
	work   chan struct{} // holds one if touched has something

	// Guarded by the line's lock.
	topics  map[string]*topic
	touched map[*topic]struct{} // whose subscription may have to change
	over    bool
}

var errSilent = errors.New("redisstore: the connection of the watchers is silent")

// touch has speak look at a topic. The lock is held.
func (s *session) touch(t *topic) {
	s.touched[t] = struct{}{}
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// speak sends what there is to send: subscriptions as waiters come and go, and
// pings.
func (s *session) speak() {
	defer s.cancel()
	tick := s.line.tick()
	defer tick.Stop()
	s.heard.Store(true)
	listens, idle := false, false
	for {
		var err error
		select {
		case <-s.ctx.Done():
			return
		case <-s.work:
			if err = s.adjust(); err == nil && !listens {
				listens = true
				s.line.running.Go(s.listen)
			}
		case <-tick.C:
			if idle = s.unused(idle); !idle && listens {
				err = s.ping()
			}
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// adjust sends what makes the subscriptions those that the waiters want.
func (s *session) adjust() error {
	var begin, end []string
	s.line.mu.Lock()
	for t := range s.touched {
		wanted := len(t.waiters) > 0
		switch {
		case wanted == t.subscribed:
		case wanted:
			begin = append(begin, t.channel)
		default:
			end = append(end, t.channel)
		}
		if wanted != t.subscribed {
			t.subscribed = wanted
			t.pending++
		}
		s.forget(t)
	}
	clear(s.touched)
	s.line.mu.Unlock()
	within, cancel := s.bounded()
	defer cancel()
	if len(begin) > 0 {
		if err := s.pubsub.Subscribe(within, begin...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if len(end) > 0 { // without any, it would end all
		if err := s.pubsub.Unsubscribe(within, end...); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	return nil
}

// forget takes a topic away that nobody waits for. One that was taken away before
// may have a successor. The lock is held.
func (s *session) forget(t *topic) {
	if len(t.waiters) == 0 && !t.subscribed && t.pending == 0 && s.topics[t.channel] == t {
		delete(s.topics, t.channel)
	}
}

// bounded bounds what is sent, and with it the making of a connection to a server
// that takes one and is silent.
func (s *session) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, s.line.config.CallTimeout)
}

// ping asks whether the server is there, if it has answered the last time. An
// answer may take as long as that of a call, however often it is tried.
func (s *session) ping() error {
	if !s.heard.Swap(false) {
		if time.Since(s.asked) >= s.line.config.CallTimeout {
			return errSilent
		}
		return nil
	}
	s.asked = time.Now()
	within, cancel := s.bounded()
	defer cancel()
	return s.pubsub.Ping(within)
}

// unused reports whether nobody waits, and ends the session if that was so a
// tick ago.
func (s *session) unused(before bool) bool {
	s.line.mu.Lock()
	unused := true
	for _, t := range s.topics {
		unused = unused && len(t.waiters) == 0
	}
	ends := unused && before
	if ends {
		s.endLocked(nil)
	}
	s.line.mu.Unlock()
	if ends {
		_ = s.pubsub.Close()
	}
	return unused
}

// listen takes what the server sends.
func (s *session) listen() {
	for {
		m, err := s.pubsub.Receive(s.ctx)
		s.heard.Store(true)
		if err == nil {
			switch m := m.(type) {
			case *redis.Subscription:
				err = s.answered(m.Channel)
			case *redis.Message:
				s.told(m.Channel, m.Payload)
			}
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// answered takes note that the oldest subscribing, or ending of that, which is
// pending for a channel was done.
func (s *session) answered(channel string) error {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	t := s.topics[channel]
	if t == nil || t.pending == 0 {
		return errors.New("redisstore: the watchers' connection was made again unasked")
	}
	if t.pending--; t.pending > 0 {
		return nil
	}
	if t.subscribed {
		for w := range t.waiters {
			close(w.ready)
		}
	}
	s.forget(t)
	return nil
}

// told wakes whoever waits for what a message says is over.
func (s *session) told(channel, payload string) {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	t := s.topics[channel]
	if t == nil {
		return
	}
	over := ending(payload)
	for w := range t.waiters {
		if w.version <= over {
			w.wake(nil)
		}
	}
	if len(t.waiters) == 0 {
		s.touch(t)
	}
}

// end ends the session for err, and wakes everybody in it.
func (s *session) end(err error) {
	s.line.mu.Lock()
	s.endLocked(err)
	s.line.mu.Unlock()
	_ = s.pubsub.Close() // which ends listen, and may wait for what connects
}

func (s *session) endLocked(err error) {
	if s.over {
		return
	}
	s.over = true
	if s.line.current == s {
		s.line.current = nil
	}
	for _, t := range s.topics {
		for w := range t.waiters {
			w.wake(err)
		}
	}
	s.cancel()
}
