package lock_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// TestARenewalDoesNotWaitForAWriteOfItsOwn: a client keeps its lock alive while
// its own long write runs, and it lapsed because the renewal came too late.
func TestARenewalDoesNotWaitForAWriteOfItsOwn(t *testing.T) {
	for _, tagged := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			docs := &documents{takes: 30 * time.Second}
			h := server(t, memory.New(memory.Config{}), tagged, docs)
			token := take(t, h, "ann", "/a", "Timeout", "Second-10")
			var slow *httptest.ResponseRecorder
			go func() { slow = do(h, "ann", "PUT", "/a", "x", "Lock-Token", token) }()
			synctest.Wait()
			time.Sleep(2 * time.Second)
			began := time.Now()
			w := do(h, "ann", "LOCK", "/a", "", "Lock-Token", token, "Timeout", "Second-60")
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			assert.Zero(t, time.Since(began), "tagged %t", tagged)
			time.Sleep(29 * time.Second)
			synctest.Wait()
			require.NotNil(t, slow)
			assert.Equal(t, http.StatusAccepted, slow.Code)
			wantProblem(t, do(h, "bob", "LOCK", "/a", ""), 409, problem.KindLocked)
		})
	}
}

// TestAfterUnlockTheWriteUnderWayStillEndsFirst: UNLOCK does not wait for it, and
// whoever comes next does.
func TestAfterUnlockTheWriteUnderWayStillEndsFirst(t *testing.T) {
	for _, tagged := range []bool{false, true} {
		for _, next := range []string{"LOCK", "PUT"} {
			synctest.Test(t, func(t *testing.T) {
				docs := &documents{}
				h := server(t, memory.New(memory.Config{}), tagged, docs)
				token := take(t, h, "ann", "/a")
				go do(h, "ann", "PUT", "/a", "hers", "Lock-Token", token, "X-Takes", "30s")
				synctest.Wait()
				began := time.Now()
				require.Equal(t, http.StatusNoContent, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code)
				assert.Zero(t, time.Since(began))
				w := do(h, "bob", next, "/a", "his")
				assert.Less(t, w.Code, 300, w.Body)
				assert.Equal(t, "PUT /a hers", docs.writes()[0])
				assert.Equal(t, 30*time.Second, time.Since(began), "tagged %t, %s", tagged, next)
				assert.EqualValues(t, 1, docs.most.Load())
			})
		}
	}
}

// lateStore loses the connection on the first creates of locks, and what was sent
// on it arrives later than its errors: each after the next of these times.
type lateStore struct {
	*faultyStore
	after []time.Duration
}

func (s *lateStore) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if s.isLock(key, r.Head) && len(s.after) > 0 {
		time.AfterFunc(s.after[0], func() { _, _, _ = s.Store.Create(context.WithoutCancel(ctx), key, r) })
		s.after = s.after[1:]
		return store.Record{}, false, errLost
	}
	return s.faultyStore.Create(ctx, key, r)
}

// TestALockThatArrivesLateIsTakenBack: it kept everybody out for all its time to
// live, with a token that nobody has.
func TestALockThatArrivesLateIsTakenBack(t *testing.T) {
	for name, after := range map[string][]time.Duration{
		"at once":                {0, 0},
		"in half a second":       {500 * time.Millisecond, 500 * time.Millisecond},
		"one long after another": {time.Second, 17 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := protect(t, lock.Config{Store: &lateStore{newFaultyStore(), after}}, &documents{})
				wantProblem(t, do(h, "ann", "LOCK", "/a", ""), 503, problem.KindStoreUnavailable)
				for range 10 {
					time.Sleep(4 * time.Second)
					assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
				}
			})
		})
	}
}

// TestLockableKnowsAResourceHoweverItIsSpelled: a router that forgives a slash
// let writes past the lock of the resource that it took them to.
func TestLockableKnowsAResourceHoweverItIsSpelled(t *testing.T) {
	for _, target := range []string{
		"/documents/1", "/documents//1", "/documents/1/", "/documents%2F1", "/documents/./1", "/documents/1%2F",
	} {
		t.Run(target, func(t *testing.T) {
			docs := &documents{}
			forgiving := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.URL.Path = path.Clean(r.URL.Path)
				docs.ServeHTTP(w, r)
			})
			h := protect(t, lock.Config{Lockable: middleware.Routes("/documents/{id}")}, forgiving)
			take(t, h, "ann", "/documents/1")
			wantProblem(t, do(h, "bob", "PUT", target, "x"), 409, problem.KindLocked)
			assert.Empty(t, docs.writes())
		})
	}
}
