package idempotency_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/memory"
)

var stormSeed = flag.Uint64("storm.seed", 0, "seed of TestStorm's order; 0 is a new one")

// How large the storm is, and how many keys of it are under way at once.
const (
	stormKeys       = 1000
	stormDuplicates = 32
	stormFront      = 25
)

// storm is what comes of one.
type storm struct {
	effects [stormKeys]atomic.Int64
	runs    atomic.Int64
	answers [stormKeys][]*httptest.ResponseRecorder
}

// ServeHTTP has its effect, and gives an answer that tells this run from any
// other, each key another kind of it.
func (s *storm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k, _ := strconv.Atoi(r.Header.Get("Idempotency-Key"))
	s.effects[k].Add(1)
	run := s.runs.Add(1)
	if tx := txLedger(r.Context()); tx != nil {
		_, _ = tx.enter(strconv.Itoa(k))
	}
	for range k % 3 {
		runtime.Gosched() // so that others come meanwhile
	}
	w.Header().Set("Location", fmt.Sprintf("/payments/%d", run))
	w.Header()["X-Lines"] = []string{"one", fmt.Sprint("two ", run)}
	w.WriteHeader(stormStatus(k))
	if stormStatus(k) == http.StatusNoContent {
		return
	}
	fmt.Fprintf(w, "run %d of %d: ", run, k)
	if k%7 == 0 {
		w.(http.Flusher).Flush()
	}
	_, _ = w.Write([]byte(strings.Repeat("x", k*3)))
}

func stormStatus(k int) int {
	return []int{200, 201, 202, 204, 303, 400, 404, 422, 500, 501}[k%10]
}

// over lets the storm break over the servers: for some keys at a time all
// duplicates at once.
func (s *storm) over(t *testing.T, servers []http.Handler) {
	t.Helper()
	seed := *stormSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to see this order again: go test -run TestStorm ./idempotency -storm.seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	keys := random.Perm(stormKeys)
	for len(keys) > 0 {
		var requests []int
		for _, k := range keys[:stormFront] {
			for range stormDuplicates {
				requests = append(requests, k)
			}
		}
		keys = keys[stormFront:]
		random.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		s.front(requests, servers)
	}
}

func (s *storm) front(requests []int, servers []http.Handler) {
	var mu sync.Mutex
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, k := range requests {
		all.Go(func() {
			r := post(strconv.Itoa(k), fmt.Sprintf(`{"amount":%d}`, k))
			<-start
			w := send(servers[i%len(servers)], r)
			mu.Lock()
			defer mu.Unlock()
			s.answers[k] = append(s.answers[k], w)
		})
	}
	close(start)
	all.Wait()
}

// check compares all answers with the first one, and returns how many requests
// were told that it was in flight.
func (s *storm) check(t *testing.T) (inFlight int) {
	t.Helper()
	for k, answers := range &s.answers {
		require.Equal(t, int64(1), s.effects[k].Load(), "key %d", k)
		require.Len(t, answers, stormDuplicates)
		var first *httptest.ResponseRecorder
		for _, w := range answers {
			if kindOf(t, w) == "" && !replayed(w) {
				require.Nil(t, first, "two first answers for key %d", k)
				first = w
			}
		}
		require.NotNil(t, first, "key %d", k)
		for _, w := range answers {
			switch {
			case w == first:
			case kindOf(t, w) != "":
				require.Equal(t, http.StatusConflict, w.Code)
				require.Equal(t, problem.KindRequestInFlight, kindOf(t, w))
				inFlight++
			default:
				wantReplay(t, first, w)
			}
		}
	}
	return inFlight
}

func TestStorm(t *testing.T) {
	brew := func(t *testing.T, c idempotency.Config) (s *storm, inFlight int) {
		s, c.MaxWaiters = &storm{}, stormFront*stormDuplicates
		s.over(t, []http.Handler{newLayer(t, c).Handler(s), newLayer(t, c).Handler(s)})
		inFlight = s.check(t)
		t.Logf("%d requests, %d of them told that the first is in flight", stormKeys*stormDuplicates, inFlight)
		return s, inFlight
	}
	t.Run("duplicates are answered at once", func(t *testing.T) {
		_, inFlight := brew(t, idempotency.Config{Store: memory.New(memory.Config{})})
		assert.Positive(t, inFlight, "or else there was no storm")
	})
	t.Run("duplicates wait", func(t *testing.T) {
		_, inFlight := brew(t, idempotency.Config{Store: memory.New(memory.Config{}), Wait: time.Minute})
		assert.Zero(t, inFlight, "all get the answer")
	})
	t.Run("in transactions", func(t *testing.T) {
		ledger := newTxMemory()
		brew(t, idempotency.Config{Store: ledger, Transactional: true})
		booked := map[string]int{}
		for _, e := range ledger.committed() {
			booked[e.account]++
		}
		for k := range stormKeys {
			want := 1
			if stormStatus(k) >= http.StatusBadRequest {
				want = 0 // rolled back
			}
			require.Equal(t, want, booked[strconv.Itoa(k)], "key %d", k)
		}
	})
}
