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

func TestFixed(t *testing.T) {
	bubble(t, "it is never written by a renewal, and ends in time", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		began := time.Now()
		l := acquire(t, k, "key", fixed(""))
		deadline, ok := l.Deadline()
		require.True(t, ok)
		require.Equal(t, testStop, deadline.Sub(began))
		time.Sleep(testStop - 1)
		synctest.Wait()
		requireLive(t, l)
		time.Sleep(1)
		synctest.Wait()
		requireEnded(t, l, lease.ErrMaxRun)
		time.Sleep(day - testStop - 1)
		synctest.Wait()
		require.Zero(t, m.count("Replace"))
		set, leases := lease.TimerIsSet(k)
		require.False(t, set)
		require.Zero(t, leases)
		require.True(t, look(t, k, "key").Orphan)
	})
	bubble(t, "its record is an orphan like any other", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		acquire(t, k, "key", fixed(""))
		time.Sleep(testLapse - 1)
		require.False(t, look(t, k, "key").Orphan)
		time.Sleep(1)
		require.True(t, look(t, k, "key").Orphan)
	})
	bubble(t, "its time runs from the sending of the claim", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{before: delay(2 * time.Second)}))
		began := time.Now()
		l := acquire(t, keeper(t, m), "key", fixed(""))
		<-l.Done()
		require.Equal(t, testStop, time.Since(began))
		require.Zero(t, m.count("Replace"))
	})
	bubble(t, "an answer after that gives no lease", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{after: stubborn(testStop)}, 1))
		k := keeper(t, m)
		l, _, err := k.Try(t.Context(), "key", fixed(""))
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.Nil(t, l)
		requireFree(t, k, "key")
	})
	bubble(t, "a shorter MaxRun counts", func(t *testing.T) {
		m := newModel()
		began := time.Now()
		l := acquire(t, keeper(t, m, func(c *lease.Config) { c.MaxRun = time.Second }), "key", fixed(""))
		<-l.Done()
		requireEnded(t, l, lease.ErrMaxRun)
		require.Equal(t, time.Second, time.Since(began))
	})
	bubble(t, "without a timer the clock ends it", func(t *testing.T) {
		l := acquire(t, keeper(t, newModel()), "key", fixed(""))
		lease.StopTimer(l) // as in a process that was paused
		time.Sleep(testStop)
		requireEnded(t, l, lease.ErrMaxRun)
	})
}

func TestSeize(t *testing.T) {
	for name, stand := range map[string]func(t *testing.T, m *model){
		"a live claim": func(t *testing.T, m *model) { acquire(t, keeper(t, m), "key", fixed("dead")) },
		"an orphan":    func(t *testing.T, m *model) { orphan(t, m, "key") },
		"an outcome": func(t *testing.T, m *model) {
			_, err := acquire(t, keeper(t, m), "key", claim("")).Settle(t.Context(), []byte("unknown"), []byte("body"), day)
			require.NoError(t, err)
		},
		"bytes that nobody can read": func(t *testing.T, m *model) { scribble(t, m, "key") },
		"the next version's record": func(t *testing.T, m *model) {
			_, _, err := m.Create(t.Context(), "key", store.Record{Head: []byte{2, 1}, TTL: day})
			require.NoError(t, err)
		},
	} {
		bubble(t, name+" is acquired by its version", func(t *testing.T) {
			m := newModel()
			stand(t, m)
			seen, found, err := m.Get(t.Context(), "key")
			require.NoError(t, err)
			require.True(t, found)
			k := keeper(t, m)
			for _, version := range []uint64{seen.Version - 1, seen.Version + 1} {
				l, standing, _ := k.Seize(t.Context(), "key", store.Record{Version: version}, claim("seized"))
				require.Nil(t, l, "another version stands")
				require.Equal(t, seen.Version, standing.Record.Version)
			}
			l, standing, err := k.Seize(t.Context(), "key", seen, claim("seized"))
			require.NoError(t, err)
			require.Zero(t, standing)
			require.NotNil(t, l)
			requireLive(t, l)
			require.Greater(t, l.Token(), seen.Version)
			require.Equal(t, "seized", string(look(t, k, "key").Note))
			_, err = l.Settle(t.Context(), []byte("settled"), nil, day)
			require.NoError(t, err)
			require.Equal(t, "settled", string(look(t, k, "key").Note))
		})
	}
	bubble(t, "its owner finds out when it renews or settles", func(t *testing.T) {
		m := newModel()
		owner := acquire(t, keeper(t, m), "key", claim("owner"))
		seen, _, _ := m.Get(t.Context(), "key")
		k := keeper(t, m)
		l, _, err := k.Seize(t.Context(), "key", seen, claim("seized"))
		require.NoError(t, err)
		time.Sleep(testLease / 3)
		synctest.Wait()
		requireEnded(t, owner, lease.ErrLost)
		_, err = owner.Settle(t.Context(), []byte("late"), nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.Equal(t, "seized", string(look(t, k, "key").Note))
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "of many one succeeds", func(t *testing.T) {
		m := newModel()
		seen := scribble(t, m, "key")
		winner := oneOfMany(t, m, func(k *lease.Keeper) (*lease.Lease, lease.Standing, error) {
			return k.Seize(context.Background(), "key", seen, claim("winner"))
		})
		require.NoError(t, winner.Release(t.Context()))
	})
	bubble(t, "what is gone stays gone, and what cannot be read is said to be corrupt", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l, standing, err := k.Seize(t.Context(), "key", store.Record{Version: 7}, claim(""))
		require.NoError(t, err)
		require.Nil(t, l)
		require.Zero(t, standing)
		corrupt := scribble(t, m, "key")
		l, standing, err = k.Seize(t.Context(), "key", store.Record{Version: 7}, claim(""))
		require.ErrorIs(t, err, lease.ErrCorrupt)
		require.Nil(t, l)
		require.Equal(t, corrupt.Version, standing.Record.Version)
	})
	bubble(t, "no record cannot be seized, nor with a claim that is none", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		_, _, err := k.Seize(t.Context(), "key", store.Record{}, claim(""))
		require.ErrorIs(t, err, store.ErrInvalid)
		_, _, err = k.Seize(t.Context(), "key", store.Record{Version: 1}, lease.Claim{TTL: 1})
		require.ErrorIs(t, err, store.ErrInvalid)
		require.Zero(t, m.count("Create")+m.count("Replace"))
	})
	bubble(t, "it recognises its own when the reply is lost, or the call delivered twice", func(t *testing.T) {
		for name, f := range map[string]fault{"reply lost": {after: fail}, "call lost": {before: fail}, "twice": {twice: true}} {
			m := newModel()
			seen := scribble(t, m, "key")
			m.setFaults(on("Replace", f, 1))
			l, _, err := keeper(t, m).Seize(t.Context(), "key", seen, claim("seized"))
			require.NoError(t, err, name)
			require.NotNil(t, l, name)
			require.NoError(t, l.Release(t.Context()), name)
			requireFree(t, keeper(t, m), "key")
		}
	})
	bubble(t, "one without an answer leaves the key taken", func(t *testing.T) {
		m := newModel()
		seen := scribble(t, m, "key")
		m.setFaults(on("Replace", fault{after: hang}, 1))
		k := keeper(t, m, func(c *lease.Config) { c.CallTimeout = time.Second })
		_, _, err := k.Seize(t.Context(), "key", seen, claim("seized"))
		require.ErrorIs(t, err, store.ErrUnavailable)
		time.Sleep(testLapse)
		require.True(t, look(t, k, "key").Orphan)
	})
}
