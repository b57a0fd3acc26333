package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

func TestLostCreateReplyDoesNotWedge(t *testing.T) {
	lostReply := fault{after: fail}
	bubble(t, "a caller that still waits gets its lease", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", lostReply, 1))
		k := keeper(t, m)
		l := acquire(t, k, "key", claim(""))
		require.Equal(t, 2, m.count("Create"))
		requireLive(t, l)
		require.Equal(t, l.Token(), look(t, k, "key").Record.Version)
		require.NoError(t, l.Release(t.Context()))
		requireFree(t, k, "key")
	})
	bubble(t, "it gets it if the first never arrived", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{before: fail}, 1))
		l := acquire(t, keeper(t, m), "key", claim(""))
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "what a caller that left had created is deleted", func(t *testing.T) {
		for name, f := range map[string]fault{"written": {after: hang}, "not written": {before: hang}} {
			m := newModel()
			m.setFaults(on("Create", f, 1))
			k := keeper(t, m)
			ctx, cancel := context.WithCancelCause(t.Context())
			gone := errors.New("client is gone")
			time.AfterFunc(time.Second, func() { cancel(gone) })
			began := time.Now()
			_, _, err := k.Try(ctx, "key", claim(""))
			require.ErrorIs(t, err, context.Canceled, name)
			require.ErrorIs(t, err, gone, name)
			require.Equal(t, time.Second, time.Since(began), "it is not held up: %s", name)
			synctest.Wait()
			requireFree(t, k, "key")
		}
	})
	bubble(t, "what is known too late is deleted, although the store goes on failing", func(t *testing.T) {
		m := newModel()
		m.setFaults(func(s step) fault {
			if s.method == "Create" && s.nth < 6 || s.method == "Delete" && s.nth < 3 {
				return lostReply
			}
			return fault{}
		})
		k := keeper(t, m)
		_, _, err := k.Try(t.Context(), "key", claim(""))
		require.ErrorIs(t, err, errReset)
		time.Sleep(lease.DefaultCallTimeout)
		requireFree(t, k, "key")
	})
	bubble(t, "a store that does not answer costs the caller CallTimeout, and is no end of its context", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{after: hang}, 1))
		k := keeper(t, m, func(c *lease.Config) { c.CallTimeout = time.Second })
		began := time.Now()
		_, _, err := k.Try(t.Context(), "key", claim(""))
		require.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		requireFree(t, k, "key")
	})
	bubble(t, "an answer after the lease is over gives no lease", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{after: stubborn(testStop)}, 1))
		k := keeper(t, m)
		l, _, err := k.Try(t.Context(), "key", claim(""))
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.Nil(t, l)
		requireFree(t, k, "key")
	})
	bubble(t, "a takeover whose reply is lost leaves the key taken", func(t *testing.T) {
		m := newModel()
		seen := orphan(t, m, "key")
		n := m.count("Replace")
		m.setFaults(on("Replace", fault{after: hang}, n+1))
		k := keeper(t, m, func(c *lease.Config) { c.CallTimeout = time.Second })
		_, _, err := k.Takeover(t.Context(), "key", seen, claim("taker"))
		require.ErrorIs(t, err, store.ErrUnavailable)
		time.Sleep(testLapse)
		require.True(t, look(t, k, "key").Orphan)
	})
	bubble(t, "a takeover that still waits gets its lease", func(t *testing.T) {
		m := newModel()
		seen := orphan(t, m, "key")
		m.setFaults(on("Replace", lostReply, m.count("Replace")+1))
		k := keeper(t, m)
		l, _, err := k.Takeover(t.Context(), "key", seen, claim("taker"))
		require.NoError(t, err)
		require.NotNil(t, l)
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "a refusal is an answer", func(t *testing.T) {
		for _, refusal := range []error{store.ErrFull, store.ErrClosed, store.ErrTooLarge, store.ErrInvalid} {
			m := newModel()
			m.setFaults(on("Create", fault{before: func(context.Context) error { return refusal }}))
			_, _, err := keeper(t, m).Try(t.Context(), "key", claim(""))
			require.ErrorIs(t, err, refusal)
			require.Equal(t, 1, m.count("Create"))
		}
	})
	bubble(t, "no more than MaxWaiters are followed up at once", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{before: fail}))
		k := keeper(t, m, func(c *lease.Config) { c.MaxWaiters, c.PollMin, c.PollMax = 2, time.Minute, time.Minute })
		for range 5 {
			_, _, err := k.Try(t.Context(), "key", claim(""))
			require.ErrorIs(t, err, errReset)
		}
		require.Equal(t, 5+2, m.count("Create"))
		time.Sleep(lease.DefaultCallTimeout)
	})
	bubble(t, "a context that has ended before sends nothing", func(t *testing.T) {
		m := newModel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := keeper(t, m).Try(ctx, "key", claim(""))
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, m.count("Create"))
	})
}

func TestDeliveredTwice(t *testing.T) {
	twice := fault{twice: true}
	bubble(t, "a create is its own", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", twice))
		l := acquire(t, keeper(t, m), "key", claim(""))
		r, _, _ := m.Get(t.Context(), "key")
		require.Equal(t, r.Version, l.Token())
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "so is a takeover", func(t *testing.T) {
		m := newModel()
		seen := orphan(t, m, "key")
		m.setFaults(on("Replace", twice))
		l, _, err := keeper(t, m).Takeover(t.Context(), "key", seen, claim(""))
		require.NoError(t, err)
		require.NotNil(t, l)
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "a renewal", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", twice, 1, 3, 5, 7, 9))
		l := acquire(t, keeper(t, m), "key", claim(""))
		time.Sleep(3 * testLease)
		requireLive(t, l)
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "a release", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Delete", twice))
		l := acquire(t, keeper(t, m), "key", claim(""))
		require.NoError(t, l.Release(t.Context()))
		requireFree(t, keeper(t, m), "key")
	})
	bubble(t, "a release, between which a successor came in", func(t *testing.T) {
		for _, reply := range []string{"of the second", "lost, so that it is sent again"} {
			m := newModel()
			l := acquire(t, keeper(t, m), "key", claim(""))
			var successor *lease.Lease
			m.setFaults(on("Delete", fault{before: func(context.Context) error {
				if _, err := m.Delete(context.Background(), "key", l.Token()); err != nil {
					return err
				}
				successor = acquire(t, keeper(t, m), "key", claim(""))
				if reply == "of the second" {
					return nil
				}
				return errReset
			}}, 1))
			require.NoError(t, l.Release(t.Context()), reply)
			require.Equal(t, successor.Token(), look(t, keeper(t, m), "key").Record.Version, reply)
			require.NoError(t, successor.Release(t.Context()))
		}
	})
	bubble(t, "a release, whose answers come when the lease would be over", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		var successor *lease.Lease
		m.setFaults(on("Delete", fault{before: func(context.Context) error {
			_, err := m.Delete(context.Background(), "key", l.Token())
			successor = acquire(t, keeper(t, m), "key", lease.Claim{})
			time.Sleep(testStop)
			return err
		}}, 1))
		require.NoError(t, l.Release(t.Context()))
		require.NoError(t, successor.Release(t.Context()))
	})
	bubble(t, "a release of a lease whose time was over before is lost", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		lease.StopTimer(l) // as in a process that was paused
		time.Sleep(testLapse)
		successor := acquire(t, keeper(t, m), "key", lease.Claim{})
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
		requireLive(t, successor)
		require.NoError(t, successor.Release(t.Context()))
	})
	bubble(t, "an outcome", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", twice))
		l := acquire(t, keeper(t, m), "key", claim(""))
		s, err := l.Settle(t.Context(), []byte("outcome"), nil, day)
		require.NoError(t, err)
		require.Equal(t, "outcome", string(s.Note))
	})
	bubble(t, "an outcome whose reply was lost", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{after: fail}, 1))
		l := acquire(t, keeper(t, m), "key", claim(""))
		s, err := l.Settle(t.Context(), []byte("outcome"), nil, day)
		require.NoError(t, err)
		require.False(t, s.Held)
	})
}
