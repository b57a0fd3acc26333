//go:build unix

package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/examples/internal/teststore"
)

// harms are what can befall a connection.
var harms = []struct{ name, toxic, stream, attributes string }{
	{"the store's answers are lost", "reset_peer", "downstream", `"timeout": 0`},
	{"requests are lost", "reset_peer", "upstream", `"timeout": 0`},
	{"answers come late", "latency", "downstream", `"latency": 200, "jitter": 100`},
	{"answers are cut short", "limit_data", "downstream", `"bytes": 150`},
	{"requests are cut short", "limit_data", "upstream", `"bytes": 400`},
	{"nothing comes through", "timeout", "downstream", `"timeout": 0`},
}

// Customers pay while the network between the servers and their store does the
// worst that it can. Nobody is charged twice, and who is told so was charged: a
// commit whose answer was lost is recognised by its owner.
func TestTheNetworkFailsBetweenServersAndStore(t *testing.T) {
	for _, c := range []struct {
		teststore.At
		mode mode
	}{
		{teststore.Postgres, transactional},
		{teststore.MariaDB, transactional},
		{teststore.Redis, refuse},
		{teststore.NATS, refuse},
	} {
		t.Run(c.Name+", "+string(c.mode), func(t *testing.T) {
			source, net := through(t, c.URL(t))
			s := newShop(t, source, c.mode, 2)
			s.forgetful = c.mode == refuse
			customers := s.open(t, 4)
			for rounds := 0; rounds < 4 && (rounds == 0 || s.answeredSoFar() < 10); rounds++ {
				for _, h := range harms {
					net.harm(h.toxic, h.stream, h.attributes)
					time.Sleep(400 * time.Millisecond)
					net.heal()
					time.Sleep(200 * time.Millisecond)
				}
			}
			customers.leave()
			charged, err := s.charges(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.judge(charged, c.mode, 0, testWriter{t}))
		})
	}
}

// The database is killed and comes back while customers pay.
func TestTheStoreIsKilledAndStartedAgain(t *testing.T) {
	for _, c := range []struct {
		teststore.At
		mode mode
	}{
		{teststore.Postgres, transactional},
		{teststore.MariaDB, transactional},
		{teststore.Redis, refuse},
	} {
		t.Run(c.Name+", "+string(c.mode), func(t *testing.T) {
			source, server := teststore.Private[c.Name](t)
			s := newShop(t, source, c.mode, 2)
			s.forgetful = c.mode == refuse
			customers := s.open(t, 4)
			for range 3 {
				time.Sleep(200 * time.Millisecond)
				server.Kill(t)
				time.Sleep(100 * time.Millisecond)
				server.Start(t)
			}
			customers.leave()
			charged, err := s.charges(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.judge(charged, c.mode, 0, testWriter{t}))
		})
	}
}

// customers pay until they leave.
type customers struct {
	closing atomic.Bool
	all     sync.WaitGroup
}

func (s *shop) open(t *testing.T, number int) *customers {
	t.Helper()
	c := &customers{}
	for n := range number {
		one := &customer{shop: s, rng: drawing(1, n)}
		c.all.Go(func() {
			for !c.closing.Load() {
				if err := one.pay(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return c
}

// leave returns when everybody has a definite answer.
func (c *customers) leave() {
	c.closing.Store(true)
	c.all.Wait()
}

func (s *shop) answeredSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}

// An outage is called one, and is over when it is over.
func TestAStoreThatIsAwayIsNotSaidToBeBusy(t *testing.T) {
	for _, at := range []teststore.At{teststore.Postgres, teststore.MariaDB, teststore.Redis, teststore.NATS} {
		t.Run(at.Name, func(t *testing.T) {
			source, net := through(t, at.URL(t))
			s := newShop(t, source, refuse, 1)
			base := s.servers[0].url()
			status, _ := pay(t, base, "before")
			require.Equal(t, http.StatusCreated, status)

			net.proxy.Stop()
			for range 2 {
				status, problem := pay(t, base, "during")
				assert.Equal(t, http.StatusServiceUnavailable, status)
				assert.Contains(t, problem, "#store-unavailable")
				assert.Contains(t, problem, `"retryable":true`)
			}

			require.NoError(t, net.proxy.Start())
			attempts := 0
			require.Eventually(t, func() bool {
				attempts++ // another key each time: that a charge failed is an outcome, too
				status, _ := pay(t, base, fmt.Sprint("after-", attempts))
				return status == http.StatusCreated
			}, 30*time.Second, 20*time.Millisecond, "it does not recover")
			status, _ = pay(t, base, "before")
			assert.Equal(t, http.StatusCreated, status, "what was there is there")
		})
	}
}

func pay(t *testing.T, base, key string) (status int, problem string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/payments", strings.NewReader(`{"amount":1,"currency":"EUR"}`))
	require.NoError(t, err)
	r.SetBasicAuth("ann", "")
	r.Header.Set("Idempotency-Key", key)
	answer, err := (&http.Client{}).Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	content := make([]byte, 4<<10)
	n, _ := answer.Body.Read(content)
	return answer.StatusCode, string(content[:n])
}
