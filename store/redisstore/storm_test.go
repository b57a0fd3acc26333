//go:build unix

package redisstore_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store/redisstore"
)

var stormSeed = flag.Uint64("storm.seed", 0, "seed of TestStorm's order; 0 is a new one")

// How large the storm is, and how many keys of it are under way at once.
const (
	stormKeys       = 250
	stormDuplicates = 16
	stormFront      = 25
)

// storm is a handler whose answers tell each run from any other, and what comes
// of many duplicates of requests for it.
type storm struct {
	effects [stormKeys]atomic.Int64
	runs    atomic.Int64
	mu      sync.Mutex
	answers [stormKeys][]*httptest.ResponseRecorder
}

func (s *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k, _ := strconv.Atoi(r.Header.Get("Idempotency-Key"))
	s.effects[k].Add(1)
	w.Header().Set("Location", fmt.Sprint("/payments/", s.runs.Add(1)))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, strings.Repeat("x", k*3))
}

// over lets the storm break over the servers: all duplicates of some keys at a
// time at once.
func (s *storm) over(t *testing.T, servers []http.Handler) {
	t.Helper()
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to see this order again: -storm.seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for keys := random.Perm(stormKeys); len(keys) > 0; keys = keys[stormFront:] {
		var requests []int
		for range stormDuplicates {
			requests = append(requests, keys[:stormFront]...)
		}
		random.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		var all sync.WaitGroup
		start := make(chan struct{})
		for i, k := range requests {
			all.Go(func() {
				r := httptest.NewRequest(http.MethodPost, "/payments", strings.NewReader(fmt.Sprint(k)))
				r.Header.Set("Idempotency-Key", strconv.Itoa(k))
				w := httptest.NewRecorder()
				<-start
				servers[i%len(servers)].ServeHTTP(w, r)
				s.mu.Lock()
				defer s.mu.Unlock()
				s.answers[k] = append(s.answers[k], w)
			})
		}
		close(start)
		all.Wait()
	}
}

// check wants one effect a key, and one answer that all who got one got. It
// returns how many were told that the first is in flight.
func (s *storm) check(t *testing.T) (inFlight int) {
	t.Helper()
	for k, answers := range &s.answers {
		require.EqualValues(t, 1, s.effects[k].Load(), "key %d", k)
		require.Len(t, answers, stormDuplicates)
		location := ""
		for _, w := range answers {
			if w.Code == http.StatusConflict {
				require.Contains(t, w.Body.String(), "request-in-flight")
				inFlight++
				continue
			}
			require.Equal(t, http.StatusCreated, w.Code)
			if location == "" {
				location = w.Header().Get("Location")
			}
			require.Equal(t, location, w.Header().Get("Location"), "key %d has two answers", k)
			require.Equal(t, strings.Repeat("x", k*3), w.Body.String())
		}
		require.NotEmpty(t, location)
	}
	return inFlight
}

// TestStorm has two servers, each with a client and a store of its own, share
// one Redis.
func TestStorm(t *testing.T) {
	url := testserver.Redis(t)
	brew := func(t *testing.T, wait time.Duration) (inFlight int) {
		t.Helper()
		prefix, s := newPrefix(), &storm{}
		var servers []http.Handler
		for range 2 {
			layer, err := idempotency.New(idempotency.Config{
				Store:      newStore(t, newClient(t, url), redisstore.Config{Prefix: prefix}),
				Principal:  func(*http.Request) (string, error) { return "ann", nil },
				Wait:       wait,
				MaxWaiters: stormFront * stormDuplicates,
			})
			require.NoError(t, err)
			servers = append(servers, layer.Handler(s))
		}
		s.over(t, servers)
		inFlight = s.check(t)
		t.Logf("%d requests, %d of them told that the first is in flight", stormKeys*stormDuplicates, inFlight)
		return inFlight
	}
	t.Run("duplicates are answered at once", func(t *testing.T) {
		assert.Positive(t, brew(t, 0), "or else there was no storm")
	})
	t.Run("duplicates wait", func(t *testing.T) {
		assert.Zero(t, brew(t, time.Minute), "all get the answer")
	})
}
