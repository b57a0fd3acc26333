package servertest

import (
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

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store/natsstore"
)

// How large the storm is, and how many keys of it are under way at once.
const (
	stormKeys       = 100
	stormDuplicates = 16
	stormFront      = 20
)

// payments counts what was done for each key, and answers differently each time.
type payments struct {
	done [stormKeys]atomic.Int64
	runs atomic.Int64
}

func (p *payments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, _ := strconv.Atoi(r.Header.Get(idempotency.DefaultHeader))
	p.done[key].Add(1)
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "run %d of %d", p.runs.Add(1), key)
}

// layer is a server's own, with a store and a connection of its own.
func layer(t *testing.T, conn *nats.Conn, bucket string, h http.Handler) http.Handler {
	t.Helper()
	s, err := natsstore.New(natsstore.Config{Conn: conn, Bucket: bucket})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	t.Cleanup(func() { _ = s.Close() })
	l, err := idempotency.New(idempotency.Config{
		Store: s, Principal: middleware.DangerouslyShared,
		Wait: time.Minute, MaxWaiters: stormFront * stormDuplicates,
	})
	require.NoError(t, err)
	return l.Handler(h)
}

func pay(h http.Handler, key int) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/payments", strings.NewReader(fmt.Sprintf(`{"amount":%d}`, key)))
	r.Header.Set(idempotency.DefaultHeader, strconv.Itoa(key))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestStorm sends each request many times at once to two servers on one bucket:
// it is run once, and everybody gets the answer of that run.
func TestStorm(t *testing.T) {
	t.Parallel()
	url, bucket, seed := fastAddress(t), newBucket(), rand.Uint64()
	t.Logf("seed %d", seed)
	lots := rand.New(rand.NewPCG(seed, 0))
	var done payments
	servers := []http.Handler{
		layer(t, ConnectURL(t, url), bucket, &done),
		layer(t, ConnectURL(t, url), bucket, &done),
	}
	keys := lots.Perm(stormKeys)
	for front := 0; front < stormKeys; front += stormFront {
		var requests []int
		for _, key := range keys[front : front+stormFront] {
			for range stormDuplicates {
				requests = append(requests, key)
			}
		}
		lots.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		answers := make([]*httptest.ResponseRecorder, len(requests))
		var all sync.WaitGroup
		for i, key := range requests {
			all.Go(func() { answers[i] = pay(servers[i%len(servers)], key) })
		}
		all.Wait()
		first := map[int]string{}
		for i, w := range answers {
			require.Equal(t, http.StatusCreated, w.Code, w.Body)
			if first[requests[i]] == "" {
				first[requests[i]] = w.Body.String()
			}
			require.Equal(t, first[requests[i]], w.Body.String(), "key %d", requests[i])
		}
	}
	for key := range done.done {
		require.EqualValues(t, 1, done.done[key].Load(), "key %d", key)
	}
}

// TestRoundTrips counts what is sent: two requests for what runs, one for what is
// replayed where it was run or replayed before, and two where it was not.
func TestRoundTrips(t *testing.T) {
	url, bucket := address(t), newBucket()
	conns := []*nats.Conn{ConnectURL(t, url), ConnectURL(t, url)}
	var done payments
	here, there := layer(t, conns[0], bucket, &done), layer(t, conns[1], bucket, &done)
	for _, h := range []http.Handler{here, there} { // each tells the time once
		pay(h, 0)
		pay(h, 0)
	}
	sent := func(conn *nats.Conn, h http.Handler, key int) uint64 {
		before := conn.Stats().OutMsgs
		require.Equal(t, http.StatusCreated, pay(h, key).Code)
		return conn.Stats().OutMsgs - before
	}
	require.EqualValues(t, 2, sent(conns[0], here, 1), "first run")
	require.EqualValues(t, 1, sent(conns[0], here, 1), "replay")
	require.EqualValues(t, 2, sent(conns[1], there, 1), "replay where the key was never seen")
	require.EqualValues(t, 1, sent(conns[1], there, 1), "and again")
	require.EqualValues(t, 1, done.done[1].Load())
}
