package lock_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// server is one of several on one store: the layer around h, inside that of
// entity tags if tagged.
func server(t *testing.T, s store.Store, tagged bool, h http.Handler) http.Handler {
	t.Helper()
	h = protect(t, lock.Config{Store: s, GateWait: time.Hour}, h)
	if !tagged {
		return h
	}
	tags, err := etag.New(etag.Config{Store: s, GateWait: time.Hour})
	require.NoError(t, err)
	return tags.Handler(h)
}

// TestLockSlipsInWhileWaiting: a write passes the check, waits at the gate, and
// lands under a lock that was granted meanwhile.
func TestLockSlipsInWhileWaiting(t *testing.T) {
	for tagged, methods := range map[bool][]string{
		false: {"PUT", "POST", "DELETE", "PROPPATCH"},
		true:  {"PUT", "DELETE"}, // which stand in the same line as LOCK
	} {
		for _, method := range methods {
			t.Run(fmt.Sprintf("%s, tagged %t", method, tagged), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					docs := &documents{}
					h := server(t, memory.New(memory.Config{}), tagged, docs)
					go do(h, "carol", "PUT", "/a", "first", "X-Takes", "1s")
					synctest.Wait()
					token := ""
					go func() { token = do(h, "ann", "LOCK", "/a", "").Header().Get("Lock-Token") }()
					synctest.Wait() // LOCK waits at the gate, and this one comes behind it
					w := do(h, "bob", method, "/a", "second")
					synctest.Wait()
					require.NotEmpty(t, token)
					wantProblem(t, w, 409, problem.KindLocked)
					assert.Equal(t, []string{"PUT /a first"}, docs.writes())
				})
			})
		}
	}
}

// TestLockSlipsInWhileWaitingAcrossServers: the same, whoever comes first of
// those that wait, with two servers on one store.
func TestLockSlipsInWhileWaitingAcrossServers(t *testing.T) {
	outcomes := map[bool]int{}
	for i := range 60 {
		tagged, method := i%2 == 1, []string{"PUT", "POST", "PATCH"}[i%3]
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var order []string
			note := func(what string) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, what)
			}
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				note(r.Header.Get("X-User") + " begins")
				time.Sleep(time.Second)
				note(r.Header.Get("X-User") + " ends")
			})
			shared := memory.New(memory.Config{})
			one, two := server(t, shared, tagged, h), server(t, shared, tagged, h)
			go do(one, "carol", "PUT", "/a", "x")
			synctest.Wait()
			var all sync.WaitGroup
			all.Go(func() {
				take(t, one, "ann", "/a")
				note("locked")
			})
			var w *httptest.ResponseRecorder
			all.Go(func() { w = do(two, "bob", method, "/a", "x") })
			all.Wait()
			outcomes[w.Code == 200]++
			if w.Code == 200 {
				assert.Equal(t, []string{"carol begins", "carol ends", "bob begins", "bob ends", "locked"}, order)
				return
			}
			wantProblem(t, w, 409, problem.KindLocked)
			assert.Equal(t, []string{"carol begins", "carol ends", "locked"}, order)
		})
	}
	t.Log("let through before the lock, or not:", outcomes)
}

// TestLockWaitsForWritesUnderWay: nobody holds a lock while a write that came
// before it goes on.
func TestLockWaitsForWritesUnderWay(t *testing.T) {
	for _, method := range []string{"PUT", "POST"} {
		synctest.Test(t, func(t *testing.T) {
			docs := &documents{takes: 3 * time.Second}
			h := protect(t, lock.Config{}, docs)
			began := time.Now()
			go do(h, "bob", method, "/a", "x")
			synctest.Wait()
			take(t, h, "ann", "/a")
			assert.Equal(t, 3*time.Second, time.Since(began))
			assert.Len(t, docs.writes(), 1)
		})
	}
}

// TestLockOfAnotherPrincipal: a token leaks, in a log or a link, and is enough.
func TestLockOfAnotherPrincipal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{}
		shared := memory.New(memory.Config{})
		one, two := server(t, shared, false, docs), server(t, shared, true, docs)
		token := take(t, one, "ann", "/a")
		for _, h := range []http.Handler{one, two} {
			for _, method := range []string{"PUT", "POST", "LOCK", "UNLOCK"} {
				w := do(h, "eve", method, "/a", "", "Lock-Token", token)
				wantProblem(t, w, 409, problem.KindLocked)
				assert.Empty(t, w.Header().Get("Lock-Token"))
			}
		}
		assert.Empty(t, docs.writes())
		assert.Equal(t, http.StatusAccepted, do(two, "ann", "PUT", "/a", "x", "Lock-Token", token).Code, "it stands, on either server")

		l := layer(t, lock.Config{Store: shared})
		_, err := l.Renew(t.Context(), "/a", token, "eve", 0)
		assert.ErrorIs(t, err, lock.ErrLocked)
		assert.ErrorIs(t, l.Release(t.Context(), "/a", token, "eve"), lock.ErrLocked)
	})
}

// TestOneOfManyGetsTheLock: on two servers, as many clients as there are.
func TestOneOfManyGetsTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		servers := []http.Handler{server(t, shared, false, &documents{}), server(t, shared, true, &documents{})}
		var mu sync.Mutex
		codes := map[int]int{}
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				w := do(servers[i%2], fmt.Sprintf("user %d", i), "LOCK", "/a", "")
				mu.Lock()
				defer mu.Unlock()
				codes[w.Code]++
			})
		}
		all.Wait()
		assert.Equal(t, map[int]int{200: 1, 409: 63}, codes)
	})
}
