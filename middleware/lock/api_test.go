package lock_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
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

func TestAServerWithRoutesOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{}
		l := layer(t, lock.Config{})
		h := l.Handler(docs)
		_, locked, err := l.Holder(t.Context(), "/a")
		require.NoError(t, err)
		assert.False(t, locked)

		held, err := l.Acquire(t.Context(), "/a", "ann", "Ann", time.Minute)
		require.NoError(t, err)
		assert.Equal(t, time.Now().Add(time.Minute), held.Expires)
		assert.Equal(t, "Ann", held.Holder)
		assert.NotZero(t, held.Fence)

		shown, locked, err := l.Holder(t.Context(), "/a")
		require.NoError(t, err)
		assert.True(t, locked)
		assert.Equal(t, lock.Lock{Holder: "Ann", Expires: held.Expires, Fence: held.Fence}, shown, "never the token")

		_, err = l.Acquire(t.Context(), "/a", "bob", "Bob", 0)
		require.ErrorIs(t, err, lock.ErrLocked)
		p := problemOf(t, err)
		assert.Equal(t, problem.KindLocked, p.Kind)
		assert.Equal(t, "Ann", p.Extensions["holder"])
		wantProblem(t, do(h, "bob", "PUT", "/a", "x"), 409, problem.KindLocked)
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x", "Lock-Token", held.Token).Code)

		time.Sleep(30 * time.Second)
		renewed, err := l.Renew(t.Context(), "/a", held.Token, "ann", 0)
		require.NoError(t, err)
		assert.Equal(t, time.Now().Add(lock.DefaultTTL), renewed.Expires)
		renewed.Expires = held.Expires
		assert.Equal(t, held, renewed, "it is the same lock")

		require.NoError(t, l.Release(t.Context(), "/a", "<"+held.Token+">", "ann"))
		assert.ErrorIs(t, l.Release(t.Context(), "/a", held.Token, "ann"), lock.ErrExpired)
		_, err = l.Renew(t.Context(), "/a", held.Token, "ann", 0)
		require.ErrorIs(t, err, lock.ErrExpired)
		assert.Equal(t, 412, problemOf(t, err).Status)
	})
}

func problemOf(t *testing.T, err error) *problem.Problem {
	t.Helper()
	p, ok := problem.From(err)
	require.True(t, ok, "%v", err)
	return p
}

func TestTimesOfTheGoAPIAreBounded(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: 5 * time.Minute, time.Hour: 10 * time.Minute, 1: time.Second, -time.Hour: time.Second, 90 * time.Second: 90 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := layer(t, lock.Config{})
			held, err := l.Acquire(t.Context(), "/a", "ann", "", asked)
			require.NoError(t, err)
			assert.Equal(t, want, time.Until(held.Expires))
			held, err = l.Renew(t.Context(), "/a", held.Token, "ann", asked)
			require.NoError(t, err)
			assert.Equal(t, want, time.Until(held.Expires))
		})
	}
}

func TestWhatTheGoAPIRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := layer(t, lock.Config{})
		held, err := l.Acquire(t.Context(), "/a", "ann", "", 0)
		require.NoError(t, err)
		kind := func(err error) problem.Kind { return problemOf(t, err).Kind }
		_, err = l.Acquire(t.Context(), "/b", "", "", 0)
		assert.Equal(t, problem.KindPrincipalUnknown, kind(err))
		_, err = l.Renew(t.Context(), "/a", held.Token, "", 0)
		assert.Equal(t, problem.KindPrincipalUnknown, kind(err))
		_, err = l.Renew(t.Context(), "/a", "no token", "ann", 0)
		assert.Equal(t, problem.KindPreconditionMalformed, kind(err))
		assert.Equal(t, problem.KindPreconditionMalformed, kind(l.Release(t.Context(), "/a", "", "ann")))
		ended, end := context.WithCancel(t.Context())
		end()
		_, err = l.Acquire(ended, "/b", "ann", "", 0)
		assert.ErrorIs(t, err, context.Canceled)
		_, locked, err := l.Holder(t.Context(), "/b")
		assert.NoError(t, err)
		assert.False(t, locked)
	})
}

// TestAcquireWaitsForWritesAndRenewDoesNot: a client keeps its lock alive
// also while a slow write of its own is under way.
func TestAcquireWaitsForWritesAndRenewDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := layer(t, lock.Config{GateWait: time.Hour})
		h := l.Handler(&documents{takes: time.Minute})
		held, err := l.Acquire(t.Context(), "/a", "ann", "", 30*time.Second)
		require.NoError(t, err)
		go do(h, "ann", "PUT", "/a", "x", "Lock-Token", held.Token)
		synctest.Wait()
		time.Sleep(20 * time.Second)
		held, err = l.Renew(t.Context(), "/a", held.Token, "ann", 30*time.Second)
		require.NoError(t, err)
		assert.Equal(t, 30*time.Second, time.Until(held.Expires))
		time.Sleep(31 * time.Second) // the write goes on without its lock, and keeps others out
		began := time.Now()
		_, err = l.Acquire(t.Context(), "/a", "bob", "", 0)
		require.NoError(t, err)
		assert.Equal(t, 9*time.Second, time.Since(began))
	})
}

// TestAcquireInsideAHandler: the handler holds the gate already.
func TestAcquireInsideAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := layer(t, lock.Config{})
		h := l.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := l.Acquire(r.Context(), "/a", "ann", "", 0)
			assert.NoError(t, err)
		}))
		began := time.Now()
		assert.Equal(t, 200, do(h, "ann", "POST", "/a", "x").Code)
		assert.Zero(t, time.Since(began))
		wantProblem(t, do(h, "bob", "POST", "/a", "x"), 409, problem.KindLocked)
	})
}

// TestRenewalsOfOneLockAtOnce: two tabs that share a token, or a renewal that
// was delivered twice; none of them loses the lock.
func TestRenewalsOfOneLockAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := layer(t, lock.Config{Store: &turns{Store: memory.New(memory.Config{})}})
		held, err := l.Acquire(t.Context(), "/a", "ann", "", time.Minute)
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				renewed, err := l.Renew(t.Context(), "/a", held.Token, "ann", time.Minute)
				assert.NoError(t, err)
				assert.Equal(t, held.Fence, renewed.Fence)
			})
		}
		all.Wait()
		all.Go(func() { _, _ = l.Renew(t.Context(), "/a", held.Token, "ann", time.Minute) })
		all.Go(func() { assert.NoError(t, l.Release(t.Context(), "/a", held.Token, "ann")) })
		all.Wait()
	})
}

// turns lets others run before it replaces a record, so that they have all seen
// the same version.
type turns struct{ store.Store }

func (s *turns) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	time.Sleep(time.Microsecond)
	return s.Store.Replace(ctx, key, version, r)
}

func TestBreakEndsALockWhoeverHoldsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &observed{}
		l := layer(t, lock.Config{Holder: shows, Observer: seen})
		h := l.Handler(&documents{})
		broken, err := l.Break(t.Context(), "/a")
		assert.NoError(t, err)
		assert.False(t, broken)
		token := take(t, h, "ann", "/a")
		broken, err = l.Break(t.Context(), "/a")
		assert.NoError(t, err)
		assert.True(t, broken)
		wantProblem(t, do(h, "ann", "PUT", "/a", "x", "Lock-Token", token), 412, problem.KindVersionMismatch)
		take(t, h, "bob", "/a")
		var unlocked []string
		for _, e := range seen.all() {
			if e.Kind == middleware.EventUnlocked {
				unlocked = append(unlocked, e.Holder)
			}
		}
		assert.Equal(t, []string{"the ann"}, unlocked)
	})
}

func TestTheGoAPIFailsWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFaultyStore()
		l := layer(t, lock.Config{Store: s})
		held, err := l.Acquire(t.Context(), "/a", "ann", "", 0)
		require.NoError(t, err)
		s.fault = func(string) (bool, error) { return false, errLost }
		_, _, err = l.Holder(t.Context(), "/a")
		assert.ErrorIs(t, err, errLost)
		_, err = l.Break(t.Context(), "/a")
		assert.ErrorIs(t, err, errLost)
		_, err = l.Renew(t.Context(), "/a", held.Token, "ann", 0)
		assert.ErrorIs(t, err, errLost)
		err = l.Release(t.Context(), "/a", held.Token, "ann")
		assert.ErrorIs(t, err, errLost)
		w := httptest.NewRecorder()
		problem.JSON(w, httptest.NewRequest("POST", "/", nil), problemOf(t, err))
		wantProblem(t, w, 503, problem.KindStoreUnavailable)
	})
}

// TestAReleaseFollowsARenewal that comes between its look at the lock and its
// end of it.
func TestAReleaseFollowsARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFaultyStore()
		l := layer(t, lock.Config{Store: s})
		held, err := l.Acquire(t.Context(), "/a", "ann", "", time.Minute)
		require.NoError(t, err)
		s.began = func(method string) {
			if method == "Delete" {
				s.began = nil
				_, err := l.Renew(t.Context(), "/a", held.Token, "ann", time.Minute)
				assert.NoError(t, err)
			}
		}
		require.NoError(t, l.Release(t.Context(), "/a", held.Token, "ann"))
		_, locked, err := l.Holder(t.Context(), "/a")
		assert.NoError(t, err)
		assert.False(t, locked)
	})
}
