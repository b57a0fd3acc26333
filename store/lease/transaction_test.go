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

// fixed is a claim of work that is done in a transaction.
func fixed(note string) lease.Claim {
	return lease.Claim{Note: []byte(note), TTL: day, Fixed: true}
}

// unit is a transaction of one write. What it answers is as if that had
// happened; it happens when it commits, if the record still has the version.
type unit struct {
	*model
	commit func() bool // nil: nothing was written
}

func (u *unit) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	standing, found, err := u.Get(ctx, key)
	if err != nil || !found || standing.Version != version {
		return standing, false, err
	}
	u.commit = func() bool {
		_, replaced, err := u.model.Replace(context.Background(), key, version, r)
		return replaced && err == nil
	}
	r.Version = version + 1
	return r, true, nil
}

func (u *unit) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	standing, found, err := u.Get(ctx, key)
	u.commit = func() bool {
		deleted, err := u.model.Delete(context.Background(), key, version)
		return deleted && err == nil
	}
	return found && standing.Version == version, err
}

// supplant lets the claim of l become an orphan that another takes over.
func supplant(t *testing.T, m *model, key string) *lease.Lease {
	t.Helper()
	time.Sleep(testLapse)
	k := keeper(t, m)
	seen := look(t, k, key)
	require.True(t, seen.Orphan)
	taker, _, err := k.Takeover(t.Context(), key, seen, claim("taker"))
	require.NoError(t, err)
	require.NotNil(t, taker)
	return taker
}

// scribble puts a record there that nobody can read.
func scribble(t *testing.T, m *model, key string) store.Record {
	t.Helper()
	standing, _, err := m.Get(t.Context(), key)
	require.NoError(t, err)
	r := store.Record{Head: []byte("\x01scribble"), TTL: day}
	if standing.Version == 0 {
		standing, _, err = m.Create(t.Context(), key, r)
	} else {
		standing, _, err = m.Replace(t.Context(), key, standing.Version, r)
	}
	require.NoError(t, err)
	return standing
}

func TestSettleIn(t *testing.T) {
	bubble(t, "the outcome stands once the transaction has committed, and not before", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", fixed("request"))
		tx := &unit{model: m}
		s, err := l.SettleIn(t.Context(), tx, []byte("outcome"), []byte("body"), time.Hour)
		require.NoError(t, err)
		require.False(t, s.Held)
		require.Equal(t, "outcome", string(s.Note))
		require.Equal(t, "body", string(s.Record.Body))
		requireLive(t, l)
		require.Equal(t, "request", string(look(t, k, "key").Note))
		require.True(t, tx.commit())
		requireLive(t, l) // what it ends is for Abandon to say
		l.Abandon(t.Context())
		s = look(t, k, "key")
		require.False(t, s.Held)
		require.Equal(t, "outcome", string(s.Note))
		require.Equal(t, "body", string(s.Record.Body))
		time.Sleep(time.Hour)
		requireFree(t, k, "key")
	})
	bubble(t, "after a rollback the lease is settled or released as ever", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "settled", fixed(""))
		_, err := l.SettleIn(t.Context(), &unit{model: m}, []byte("done"), nil, day)
		require.NoError(t, err)
		_, err = l.Settle(t.Context(), []byte("refused"), nil, day)
		require.NoError(t, err)
		require.Equal(t, "refused", string(look(t, k, "settled").Note))

		l = acquire(t, k, "released", fixed(""))
		_, err = l.SettleIn(t.Context(), &unit{model: m}, []byte("done"), nil, day)
		require.NoError(t, err)
		require.NoError(t, l.Release(t.Context()))
		requireFree(t, k, "released")
	})
	bubble(t, "a transaction that was overtaken cannot commit", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		tx := &unit{model: m}
		_, err := l.SettleIn(t.Context(), tx, []byte("outcome"), nil, day)
		require.NoError(t, err)
		taker := supplant(t, m, "key")
		require.False(t, tx.commit())
		require.NoError(t, taker.Release(t.Context()))
	})
	bubble(t, "a claim that nobody has taken over counts, however late", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		time.Sleep(day - 1)
		requireEnded(t, l, lease.ErrMaxRun)
		_, err := l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.NoError(t, err)
	})
	bubble(t, "of a record that is another's or gone it is lost", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		taker := supplant(t, m, "key")
		s, err := l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.NotErrorIs(t, err, lease.ErrCorrupt)
		require.Equal(t, "taker", string(s.Note))
		requireLive(t, taker)
		_, err = taker.Settle(t.Context(), []byte("first"), nil, day)
		require.NoError(t, err)
		s, err = l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.Equal(t, "first", string(s.Note))
		time.Sleep(day)
		s, err = l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.Zero(t, s)
	})
	bubble(t, "of a record that nobody can read it is lost too, and said to be corrupt", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		corrupt := scribble(t, m, "key")
		s, err := l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.ErrorIs(t, err, lease.ErrCorrupt)
		require.Equal(t, corrupt.Version, s.Record.Version)
	})
	bubble(t, "it recognises its own when the statement is delivered twice", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		m.setFaults(on("Replace", fault{twice: true}))
		s, err := l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.NoError(t, err)
		require.Equal(t, "outcome", string(s.Note))
	})
	bubble(t, "it makes one attempt, and ends nothing when that fails", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		m.setFaults(on("Replace", fault{before: fail}, 1))
		_, err := l.SettleIn(t.Context(), m, []byte("outcome"), nil, day)
		require.ErrorIs(t, err, errReset)
		require.NotErrorIs(t, err, lease.ErrLost)
		require.Equal(t, 1, m.count("Replace"))
		requireLive(t, l)
		_, err = l.Settle(t.Context(), []byte("outcome"), nil, day)
		require.NoError(t, err)
	})
	bubble(t, "the context is the caller's, as the transaction is", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := l.SettleIn(ctx, m, nil, nil, day)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, l.ReleaseIn(ctx, m), context.Canceled)
		requireLive(t, l)
	})
	bubble(t, "what cannot be written is refused before anything is sent", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		_, err := l.SettleIn(t.Context(), m, nil, nil, 0)
		require.ErrorIs(t, err, store.ErrInvalid)
		_, err = l.SettleIn(t.Context(), m, make([]byte, lease.MaxNote+1), nil, day)
		require.ErrorIs(t, err, store.ErrTooLarge)
		require.Zero(t, m.count("Replace"))
		requireLive(t, l)
	})
}

func TestReleaseIn(t *testing.T) {
	bubble(t, "the key is free once the transaction has committed, and not before", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", fixed(""))
		tx := &unit{model: m}
		require.NoError(t, l.ReleaseIn(t.Context(), tx))
		requireLive(t, l)
		require.True(t, look(t, k, "key").Held)
		require.True(t, tx.commit())
		l.Abandon(t.Context())
		requireFree(t, k, "key")
	})
	bubble(t, "of a record that is another's or gone it is lost", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		taker := supplant(t, m, "key")
		require.ErrorIs(t, l.ReleaseIn(t.Context(), m), lease.ErrLost)
		require.Equal(t, "taker", string(look(t, keeper(t, m), "key").Note))
		require.NoError(t, taker.Release(t.Context()))
		require.ErrorIs(t, l.ReleaseIn(t.Context(), m), lease.ErrLost)
	})
	bubble(t, "it recognises its own when the statement is delivered twice", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		m.setFaults(on("Delete", fault{twice: true}))
		require.NoError(t, l.ReleaseIn(t.Context(), m))
		requireFree(t, keeper(t, m), "key")
	})
	bubble(t, "it makes one attempt, and ends nothing when that fails", func(t *testing.T) {
		for _, method := range []string{"Delete", "Get"} {
			m := newModel()
			l := acquire(t, keeper(t, m), "key", fixed(""))
			m.setFaults(func(s step) fault {
				return fault{twice: s.method == "Delete", before: map[bool]func(context.Context) error{true: fail}[s.method == method]}
			})
			err := l.ReleaseIn(t.Context(), m)
			require.ErrorIs(t, err, errReset)
			require.NotErrorIs(t, err, lease.ErrLost)
			require.Equal(t, 1, m.count("Delete"))
			requireLive(t, l)
		}
	})
}

func TestAbandon(t *testing.T) {
	bubble(t, "leaves a claim as it stands, to become an orphan", func(t *testing.T) {
		for name, c := range map[string]lease.Claim{"fixed": fixed("request"), "renewed": claim("request")} {
			m := newModel()
			k := keeper(t, m)
			l := acquire(t, k, "key", c)
			time.Sleep(time.Second)
			l.Abandon(t.Context())
			requireEnded(t, l, context.Canceled)
			require.NotErrorIs(t, context.Cause(l), lease.ErrLost)
			_, leases := lease.TimerIsSet(k)
			require.Zero(t, leases, name)
			time.Sleep(testLapse - time.Second)
			synctest.Wait()
			require.Zero(t, m.count("Replace")+m.count("Delete"), name)
			require.True(t, look(t, k, "key").Orphan, name)
		}
	})
	bubble(t, "of Abandon, Release and Settle only the first does anything", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", fixed("request"))
		l.Abandon(t.Context())
		l.Abandon(t.Context())
		require.NoError(t, l.Release(t.Context()))
		_, err := l.Settle(t.Context(), nil, nil, day)
		require.Error(t, err)
		require.Equal(t, "request", string(look(t, k, "key").Note))

		l = acquire(t, k, "other", claim(""))
		require.NoError(t, l.Release(t.Context()))
		l.Abandon(t.Context())
		requireFree(t, k, "other")
	})
	bubble(t, "why it was lost before stays the reason", func(t *testing.T) {
		l := acquire(t, keeper(t, newModel()), "key", fixed(""))
		time.Sleep(testStop)
		synctest.Wait()
		l.Abandon(t.Context())
		requireEnded(t, l, lease.ErrMaxRun)
	})
	bubble(t, "a renewal under way is over when it returns", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim(""))
		m.setFaults(on("Replace", fault{after: stubborn(time.Second)}))
		time.Sleep(testLease / 3)
		synctest.Wait()
		began := time.Now()
		l.Abandon(t.Context())
		require.Equal(t, time.Second, time.Since(began))
	})
}

// TestABorrowedLeaseIsItsOwnersToEnd, in a transaction too.
func TestABorrowedLeaseIsItsOwnersToEnd(t *testing.T) {
	bubble(t, "and its record its owner's to write", func(t *testing.T) {
		m := newModel()
		g := gate(t, m)
		owner, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		l, err := g.Enter(owner, "r")
		require.NoError(t, err)
		_, err = l.SettleIn(t.Context(), m, nil, nil, day)
		require.Error(t, err)
		require.Error(t, l.ReleaseIn(t.Context(), m))
		_, _, err = l.Reassert(t.Context())
		require.Error(t, err)
		require.Zero(t, m.count("Replace")+m.count("Delete"))
		l.Abandon(t.Context())
		requireEnded(t, l, context.Canceled)
		requireLive(t, owner)
		require.NoError(t, owner.Release(t.Context()))
	})
}
