package lease_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

func TestReleaseReportsAFailureOfTheStore(t *testing.T) {
	bubble(t, "when it has tried for CallTimeout", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim("request"))
		m.setFaults(on("Delete", fault{before: fail}))
		began := time.Now()
		require.ErrorIs(t, l.Release(t.Context()), errReset)
		require.Equal(t, lease.DefaultCallTimeout, time.Since(began))
		tries := m.count("Delete")
		require.Greater(t, tries, 10)
		require.Less(t, tries, 60)
		require.NoError(t, l.Release(t.Context()), "only the first call does anything")
		time.Sleep(testLapse)
		m.setFaults(nil)
		require.True(t, look(t, keeper(t, m), "key").Orphan)
	})
	bubble(t, "soon if the record lapses by itself, and goes on trying", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		m.setFaults(on("Delete", fault{before: fail}))
		began := time.Now()
		require.ErrorIs(t, l.Release(t.Context()), errReset)
		require.Less(t, time.Since(began), 100*time.Millisecond, "the answer to a client waits for it")
		require.NoError(t, l.Release(t.Context()), "only the first call does anything")
		time.Sleep(2 * time.Second)
		m.setFaults(nil)
		time.Sleep(time.Second)
		requireFree(t, keeper(t, m), "key")
	})
	bubble(t, "and for CallTimeout at most", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		m.setFaults(on("Delete", fault{before: fail}))
		require.ErrorIs(t, l.Release(t.Context()), errReset)
		time.Sleep(lease.DefaultCallTimeout)
		synctest.Wait()
		tries := m.count("Delete")
		time.Sleep(testLapse - lease.DefaultCallTimeout)
		require.Equal(t, tries, m.count("Delete"))
		m.setFaults(nil)
		requireFree(t, keeper(t, m), "key") // it lapsed
	})
	bubble(t, "and says why, not that its time is over", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim("request"))
		calls := 0
		m.setFaults(on("Delete", fault{before: func(ctx context.Context) error {
			if calls++; calls < 3 {
				return errReset
			}
			<-ctx.Done()
			return ctx.Err()
		}}))
		err := l.Release(t.Context())
		require.ErrorIs(t, err, errReset)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	})
	bubble(t, "at once if it is a refusal", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		m.setFaults(on("Delete", fault{before: func(context.Context) error { return store.ErrClosed }}))
		require.ErrorIs(t, l.Release(t.Context()), store.ErrClosed)
		require.Equal(t, 1, m.count("Delete"))
	})
	bubble(t, "in bounded time if it hangs", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		m.setFaults(on("Delete", fault{before: hang}))
		began := time.Now()
		err := l.Release(t.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, lease.ErrLost)
		require.Equal(t, lease.DefaultCallTimeout, time.Since(began))
	})
	bubble(t, "and not before the work has been told to stop", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		told := false
		m.setFaults(on("Delete", fault{before: func(context.Context) error {
			told = l.Err() != nil
			return nil
		}}))
		require.NoError(t, l.Release(t.Context()))
		require.True(t, told, "a successor could have come in while the context was alive")
	})
	bubble(t, "but not because the caller's context has ended", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, l.Release(ctx))
		requireFree(t, keeper(t, m), "key")
	})
}

// What an owner answers depends on it: if nobody came in, its answer is the only
// one that there is.
func TestReleaseTellsWhetherAnybodyCameIn(t *testing.T) {
	overMaxRun := func(t *testing.T, m *model) *lease.Lease {
		l := acquire(t, keeper(t, m, func(c *lease.Config) { c.MaxRun = testLease }), "key", claim(""))
		time.Sleep(testLease)
		requireEnded(t, l, lease.ErrMaxRun)
		return l
	}
	bubble(t, "nobody, though it was lost", func(t *testing.T) {
		m := newModel()
		err := overMaxRun(t, m).Release(t.Context())
		require.ErrorIs(t, err, lease.ErrLost)
		require.ErrorIs(t, err, lease.ErrMaxRun)
		require.NotErrorIs(t, err, lease.ErrTakenOver)
		requireFree(t, keeper(t, m), "key")
	})
	bubble(t, "nobody knows, though it was lost, if the store fails", func(t *testing.T) {
		m := newModel()
		l := overMaxRun(t, m)
		m.setFaults(on("Delete", fault{before: fail}))
		err := l.Release(t.Context())
		require.ErrorIs(t, err, errReset)
		require.ErrorIs(t, err, lease.ErrMaxRun)
		require.NotErrorIs(t, err, lease.ErrTakenOver)
	})
	bubble(t, "a successor, after it was lost", func(t *testing.T) {
		late, successor := succeed(t, newModel(), lease.Claim{TTL: day})
		err := late.Release(t.Context())
		require.ErrorIs(t, err, lease.ErrTakenOver)
		require.ErrorIs(t, err, lease.ErrLost)
		require.NoError(t, successor.Release(t.Context()))
	})
	bubble(t, "an operator, of whom it had not heard", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, immediate{m}), "key", claim(""))
		r, _, err := m.Get(t.Context(), "key")
		require.NoError(t, err)
		_, replaced, err := m.Replace(t.Context(), "key", r.Version, store.Record{Head: []byte("another's"), TTL: day})
		require.NoError(t, err)
		require.True(t, replaced)
		err = l.Release(t.Context())
		require.ErrorIs(t, err, lease.ErrTakenOver)
		require.ErrorIs(t, err, lease.ErrLost)
	})
}

func TestSettleKeepsTheKeyTaken(t *testing.T) {
	bubble(t, "the outcome replaces the claim and stays for its time", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", claim("request"))
		s, err := l.Settle(t.Context(), []byte("outcome"), []byte("body"), time.Hour)
		require.NoError(t, err)
		require.False(t, s.Held)
		require.Equal(t, "outcome", string(s.Note))
		requireEnded(t, l, context.Canceled)
		require.NoError(t, l.Release(t.Context()), "a deferred Release is harmless")
		_, err = l.Settle(t.Context(), nil, nil, time.Hour)
		require.Error(t, err)
		s = look(t, k, "key")
		require.Equal(t, "outcome", string(s.Note))
		require.Equal(t, "body", string(s.Record.Body))
		time.Sleep(time.Hour)
		requireFree(t, k, "key")
	})
	bubble(t, "the claim stays if the outcome cannot be written, and Release leaves it", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", claim("request"))
		m.setFaults(on("Replace", fault{before: fail}))
		_, err := l.Settle(t.Context(), []byte("outcome"), nil, time.Hour)
		require.ErrorIs(t, err, errReset)
		m.setFaults(nil)
		require.NoError(t, l.Release(t.Context()))
		require.Equal(t, "request", string(look(t, k, "key").Note))
	})
	bubble(t, "an outage that is shorter than CallTimeout loses no outcome", func(t *testing.T) {
		for _, f := range []fault{{before: fail}, {after: fail}} {
			m := newModel()
			k := keeper(t, m)
			l := acquire(t, k, "key", claim("request"))
			m.setFaults(on("Replace", f))
			over := time.AfterFunc(lease.DefaultCallTimeout-time.Second, func() { m.setFaults(nil) })
			_, err := l.Settle(t.Context(), []byte("outcome"), nil, time.Hour)
			require.NoError(t, err)
			over.Stop() // it may have been written all the same
			require.Equal(t, "outcome", string(look(t, k, "key").Note))
		}
	})
	bubble(t, "a renewal that hangs takes neither the time nor the outcome", func(t *testing.T) {
		for _, f := range []fault{{before: hang}, {after: hang}} {
			m := newModel()
			k := keeper(t, m)
			l := acquire(t, k, "key", claim("request"))
			m.setFaults(on("Replace", f))
			time.Sleep(testLease / 3)
			synctest.Wait()
			require.Equal(t, 1, m.count("Replace"))
			m.setFaults(on("Replace", fault{before: func(ctx context.Context) error {
				time.Sleep(10 * time.Millisecond) // as a store takes, that another connection leads to
				return ctx.Err()
			}}))
			began := time.Now()
			_, err := l.Settle(t.Context(), []byte("outcome"), nil, time.Hour)
			require.NoError(t, err)
			require.Less(t, time.Since(began), lease.DefaultCallTimeout/5)
			require.Equal(t, "outcome", string(look(t, k, "key").Note))
		}
	})
	bubble(t, "a record that moves on at each write is not taken for settled or released", func(t *testing.T) {
		m := newModel()
		s := &restless{model: m}
		l := acquire(t, keeper(t, s), "key", claim("request"))
		standing, err := l.Settle(t.Context(), []byte("outcome"), nil, day)
		require.Error(t, err)
		require.True(t, standing.Held)
		require.Equal(t, 3, s.writes)

		l = acquire(t, keeper(t, s), "other", claim(""))
		require.Error(t, l.Release(t.Context()))
		require.Equal(t, 3, m.count("Delete"))
	})
	bubble(t, "what is too large is refused before anything ends", func(t *testing.T) {
		k := keeper(t, newModel())
		l := acquire(t, k, "key", claim(""))
		_, err := l.Settle(t.Context(), make([]byte, lease.MaxNote+1), nil, day)
		require.ErrorIs(t, err, store.ErrTooLarge)
		requireLive(t, l)
		_, err = l.Settle(t.Context(), make([]byte, lease.MaxNote), nil, day)
		require.NoError(t, err)
		_, _, err = k.Try(t.Context(), "other", lease.Claim{Note: make([]byte, lease.MaxNote+1)})
		require.ErrorIs(t, err, store.ErrTooLarge)
	})
}

// restless renews a record just before its owner writes it, as renewals do that
// were long on their way.
type restless struct {
	*model
	writes int
}

func (r *restless) move(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	standing, _ := r.standing(key)
	r.put(key, store.Record{Head: standing.Head, TTL: day})
}

func (r *restless) Replace(ctx context.Context, key string, version uint64, record store.Record) (store.Record, bool, error) {
	r.writes++
	r.move(key)
	return r.model.Replace(ctx, key, version, record)
}

func (r *restless) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	r.move(key)
	return r.model.Delete(ctx, key, version)
}
