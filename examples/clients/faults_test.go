package clients

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// losesReply breaks the connection of an exchange off once it is done and recorded,
// before a byte of the reply is sent: the client cannot know.
func losesReply(number int) func(*server, *concord.Config) {
	return func(s *server, _ *concord.Config) {
		s.answered = func(e exchange, r *http.Request) {
			if e.number == number {
				hangUp(r)
			}
		}
	}
}

// runsUntilRefused has the first run lose its client and go on until a repetition
// of its request was answered. So that one comes while the first is in flight, and
// the next one when it has ended, without anybody's waiting for a time. With hangs
// the server does not break the connection off: the client loses patience.
func runsUntilRefused(t *testing.T, hangs bool) func(*server, *concord.Config) {
	refused, ended := make(chan struct{}), make(chan struct{})
	await := func(c <-chan struct{}) {
		select {
		case <-c:
		case <-t.Context().Done(): // the test has failed, and wants to end
		}
	}
	return func(s *server, _ *concord.Config) {
		s.fault = func(run int64, r *http.Request) {
			if run != 1 {
				return
			}
			if !hangs {
				hangUp(r)
			}
			await(refused)
		}
		var once sync.Once
		s.answered = func(e exchange, _ *http.Request) {
			if e.number == 1 {
				close(ended)
				return
			}
			once.Do(func() { close(refused) })
			await(ended)
		}
	}
}

// outage is a store that does not answer while it is down.
type outage struct {
	store.Store
	down atomic.Bool
}

func (o *outage) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if o.down.Load() {
		return store.Record{}, false, store.ErrUnavailable
	}
	return o.Store.Create(ctx, key, r)
}

// storeIsDown has the store not answer until somebody was told so that many times.
func storeIsDown(times int) func(*server, *concord.Config) {
	return func(s *server, c *concord.Config) {
		o := &outage{Store: memory.New(memory.Config{})}
		o.down.Store(true)
		c.Store = o
		s.answered = func(e exchange, _ *http.Request) { o.down.Store(e.number < times) }
	}
}

// both applies one after the other.
func both(a, b func(*server, *concord.Config)) func(*server, *concord.Config) {
	return func(s *server, c *concord.Config) { a(s, c); b(s, c) }
}
