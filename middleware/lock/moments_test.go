package lock_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// What happens between two calls of the store.

// meanwhile has f happen before the first call of a method about a lock.
func (s *faultyStore) meanwhile(method string, f func()) {
	s.began = func(called string) {
		if called == method {
			s.began = nil
			f()
		}
	}
}

func TestALockThatExpiresWhileItIsRenewedIsNotRenewed(t *testing.T) {
	for _, taken := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newFaultyStore()
			l := layer(t, lock.Config{Store: s})
			held, err := l.Acquire(t.Context(), "/a", "ann", "", time.Second)
			require.NoError(t, err)
			s.meanwhile("Replace", func() {
				time.Sleep(time.Second)
				if taken {
					_, err := l.Acquire(t.Context(), "/a", "bob", "", time.Minute)
					assert.NoError(t, err)
				}
			})
			_, err = l.Renew(t.Context(), "/a", held.Token, "ann", 0)
			if taken {
				assert.ErrorIs(t, err, lock.ErrLocked)
			} else {
				assert.ErrorIs(t, err, lock.ErrExpired)
			}
			_, locked, err := l.Holder(t.Context(), "/a")
			assert.NoError(t, err)
			assert.Equal(t, taken, locked)
		})
	}
}

func TestALockThatExpiresWhileItIsReleasedIsGone(t *testing.T) {
	for _, taken := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newFaultyStore()
			l := layer(t, lock.Config{Store: s})
			held, err := l.Acquire(t.Context(), "/a", "ann", "", time.Second)
			require.NoError(t, err)
			s.meanwhile("Delete", func() {
				time.Sleep(time.Second)
				if taken {
					_, err := l.Acquire(t.Context(), "/a", "bob", "", time.Minute)
					assert.NoError(t, err)
				}
			})
			assert.NoError(t, l.Release(t.Context(), "/a", held.Token, "ann"))
			_, locked, err := l.Holder(t.Context(), "/a")
			assert.NoError(t, err)
			assert.Equal(t, taken, locked, "the next one's lock stays")
		})
	}
}

// TestNothingRunsOnceTheGateIsLost while the layer looked at the lock: others
// may be inside by then.
func TestNothingRunsOnceTheGateIsLost(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, docs := newFaultyStore(), &documents{}
			h := protect(t, lock.Config{Store: s, MaxRun: time.Second}, docs)
			if !fails {
				s.Store = deafToReads{s.Store}
			}
			s.meanwhile("Get", func() { time.Sleep(time.Second) })
			wantProblem(t, do(h, "ann", "PUT", "/a", "x"), 409, problem.KindResourceBusy)
			assert.Empty(t, docs.writes())
		})
	}
}

// deafToReads answers also if nobody waits for it.
type deafToReads struct{ store.Store }

func (d deafToReads) Get(ctx context.Context, key string) (store.Record, bool, error) {
	return d.Store.Get(context.WithoutCancel(ctx), key)
}

// down is a store that cannot be reached.
type down struct{ store.Store }

func (*down) Get(context.Context, string) (store.Record, bool, error) {
	return store.Record{}, false, errLost
}

func (*down) Create(context.Context, string, store.Record) (store.Record, bool, error) {
	return store.Record{}, false, errLost
}

func (*down) Delete(context.Context, string, uint64) (bool, error) { return false, errLost }

func TestWithoutAStoreThereIsNoGateAndNothingRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{}
		h := protect(t, lock.Config{Store: &down{}}, docs)
		for _, method := range []string{"PUT", "POST", "LOCK"} {
			wantProblem(t, do(h, "ann", method, "/a", ""), 503, problem.KindStoreUnavailable)
		}
		assert.Empty(t, docs.writes())
		assert.Equal(t, 200, do(h, "ann", "GET", "/a", "").Code, "reads do without it")
		time.Sleep(time.Minute) // the gate makes sure that what it tried to create is gone
	})
}

// leaving is a store that fails to delete.
type leaving struct{ store.Store }

func (leaving) Delete(context.Context, string, uint64) (bool, error) { return false, errLost }

func TestAGateThatCannotBeOpenedIsToldToTheObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &observed{}
		h := protect(t, lock.Config{Store: &leaving{memory.New(memory.Config{})}, Observer: seen}, &documents{})
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x").Code, "it was done")
		last := seen.all()[len(seen.all())-1]
		assert.Equal(t, middleware.EventFailed, last.Kind)
		assert.ErrorIs(t, last.Err, errLost)
		time.Sleep(lease.DefaultCallTimeout) // it is tried so long, in the background
	})
}
