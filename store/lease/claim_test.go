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

// orphan leaves a claim whose owner is dead.
func orphan(t *testing.T, m *model, key string) lease.Standing {
	t.Helper()
	k := keeper(t, m)
	m.setFaults(on("Replace", fault{before: fail}))
	acquire(t, k, key, claim("dead"))
	time.Sleep(testLapse)
	synctest.Wait()
	m.setFaults(nil)
	seen := look(t, k, key)
	require.True(t, seen.Orphan)
	return seen
}

// oneOfMany has many keepers try at once for the same record, with the note
// "winner", and returns the lease of the only one that gets it.
func oneOfMany(t *testing.T, m *model, try func(*lease.Keeper) (*lease.Lease, lease.Standing, error)) (winner *lease.Lease) {
	t.Helper()
	won := make(chan *lease.Lease, 16)
	for range cap(won) {
		k := keeper(t, m)
		go func() {
			l, standing, err := try(k)
			if err != nil || (l == nil && string(standing.Note) != "winner") {
				t.Errorf("lost to %q, %v", standing.Note, err)
			}
			won <- l
		}()
	}
	for range cap(won) {
		if l := <-won; l != nil {
			require.Nil(t, winner, "two have the same record")
			winner = l
		}
	}
	require.NotNil(t, winner)
	return winner
}

func TestTakeoverIsCompareAndSet(t *testing.T) {
	bubble(t, "of many takers one succeeds", func(t *testing.T) {
		m := newModel()
		seen := orphan(t, m, "key")
		winner := oneOfMany(t, m, func(k *lease.Keeper) (*lease.Lease, lease.Standing, error) {
			return k.Takeover(context.Background(), "key", seen, claim("winner"))
		})
		require.Greater(t, winner.Token(), seen.Record.Version)
		require.NoError(t, winner.Release(t.Context()))
	})
	bubble(t, "an outcome that came in meanwhile stands", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		m.setFaults(on("Replace", fault{before: fail}))
		late := acquire(t, k, "key", claim("late"))
		time.Sleep(testLapse)
		synctest.Wait()
		m.setFaults(nil)
		seen := look(t, k, "key")
		// Lost by the clock, but nobody has taken over: the outcome counts.
		settled, err := late.Settle(t.Context(), []byte("done"), []byte("body"), day)
		require.NoError(t, err)
		require.Equal(t, "done", string(settled.Note))
		l, standing, err := k.Takeover(t.Context(), "key", seen, claim("taker"))
		require.NoError(t, err)
		require.Nil(t, l)
		require.False(t, standing.Held)
		require.Equal(t, "done", string(standing.Note))
		require.Equal(t, "body", string(standing.Record.Body))
	})
	bubble(t, "one that was taken over and released leaves nothing to take", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		seen := orphan(t, m, "key")
		first, _, err := k.Takeover(t.Context(), "key", seen, claim("first"))
		require.NoError(t, err)
		require.NoError(t, first.Release(t.Context()))
		l, standing, err := k.Takeover(t.Context(), "key", seen, claim("second"))
		require.NoError(t, err)
		require.Nil(t, l)
		require.Zero(t, standing)
	})
}

func TestLiveClaimIsNotAnOrphan(t *testing.T) {
	bubble(t, "while its owner renews it", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", claim("alive"))
		for range 200 {
			time.Sleep(testLease / 20)
			seen := look(t, k, "key")
			require.True(t, seen.Held)
			require.False(t, seen.Orphan, "age %v", seen.Record.Age)
			seen.Orphan = true // what a caller believes does not count
			taken, standing, err := k.Takeover(t.Context(), "key", seen, claim("thief"))
			require.NoError(t, err)
			require.Nil(t, taken)
			require.Equal(t, seen.Record.Version, standing.Record.Version)
		}
		requireLive(t, l)
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "until its lease and the margin are over, to the instant", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		m.setFaults(on("Replace", fault{before: fail}))
		acquire(t, k, "key", claim("dead"))
		time.Sleep(testLapse - 1)
		require.False(t, look(t, k, "key").Orphan)
		time.Sleep(1)
		require.True(t, look(t, k, "key").Orphan)
	})
	bubble(t, "nor is an outcome, however old", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", claim(""))
		_, err := l.Settle(t.Context(), nil, nil, day)
		require.NoError(t, err)
		time.Sleep(day - 1)
		seen := look(t, k, "key")
		require.False(t, seen.Orphan)
		taken, _, err := k.Takeover(t.Context(), "key", seen, claim("thief"))
		require.NoError(t, err)
		require.Nil(t, taken)
	})
}

func TestLeaseOfTheOwnerCounts(t *testing.T) {
	short := func(c *lease.Config) { c.Lease, c.Margin = time.Second, 100*time.Millisecond }
	bubble(t, "to a taker whose own is shorter", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: fail}))
		acquire(t, keeper(t, m), "key", claim("long"))
		taker := keeper(t, m, short)
		time.Sleep(testLease)
		seen := look(t, taker, "key")
		require.Equal(t, testLease, seen.Lease)
		require.False(t, seen.Orphan)
		time.Sleep(100 * time.Millisecond)
		require.True(t, look(t, taker, "key").Orphan, "after the record's lease and the taker's margin")
	})
	bubble(t, "to a taker whose own is longer", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: fail}))
		acquire(t, keeper(t, m, short), "key", claim("short"))
		time.Sleep(time.Second + testMargin)
		seen := look(t, keeper(t, m), "key")
		require.Equal(t, time.Second, seen.Lease)
		require.True(t, seen.Orphan)
	})
	bubble(t, "at a gate, where the record lapses", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: fail}))
		owner, err := gate(t, m).Enter(t.Context(), "r")
		require.NoError(t, err)
		taker := gate(t, m, func(c *lease.GateConfig) { c.Lease, c.Margin, c.Wait = time.Second, time.Millisecond, time.Hour })
		began := time.Now()
		l, err := taker.Enter(t.Context(), "r")
		require.NoError(t, err)
		require.Equal(t, testLapse, time.Since(began))
		requireEnded(t, owner, lease.ErrLost)
		m.setFaults(nil)
		require.NoError(t, l.Release(t.Context()))
	})
}

func TestZeroTTLIsNotUnset(t *testing.T) {
	bubble(t, "an outcome needs a time to live", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim(""))
		_, err := l.Settle(t.Context(), nil, nil, 0)
		require.ErrorIs(t, err, store.ErrInvalid)
		requireLive(t, l) // and may be settled properly
		_, err = l.Settle(t.Context(), nil, nil, time.Second)
		require.NoError(t, err)
		time.Sleep(time.Second)
		requireFree(t, keeper(t, m), "key")
	})
	bubble(t, "a claim may not lapse before its owner stops", func(t *testing.T) {
		k := keeper(t, newModel())
		for _, ttl := range []time.Duration{-1, 1, testLease, testLapse - 1} {
			_, _, err := k.Try(t.Context(), "key", lease.Claim{TTL: ttl})
			require.ErrorIs(t, err, store.ErrInvalid, "%v", ttl)
		}
		requireFree(t, k, "key")
	})
	bubble(t, "a record with nothing left is about to go, and is waited for", func(t *testing.T) {
		for name, s := range map[string]func(*model) store.Store{
			"watched": func(m *model) store.Store { return zeroTTL{m} },
			"polled":  func(m *model) store.Store { return polled{zeroTTL{m}} },
		} {
			m := newModel()
			m.setFaults(on("Replace", fault{before: fail}))
			acquire(t, keeper(t, m), "key", lease.Claim{})
			l, err := keeper(t, s(m)).Acquire(t.Context(), "key", lease.Claim{Wait: time.Minute})
			require.NoError(t, err, name)
			require.NoError(t, l.Release(t.Context()))
			require.Less(t, m.count("Create"), 5000, "%s: it must not spin", name)
		}
	})
}

// zeroTTL is a store that rounds what remains of a record down to nothing, and
// whose watchers wake at once.
type zeroTTL struct{ *model }

func (z zeroTTL) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	standing, created, err := z.model.Create(ctx, key, r)
	standing.TTL = 0
	return standing, created, err
}

func (z zeroTTL) Watch(context.Context, string, uint64) error { return nil }

func TestExpiresBetweenClaimAndRead(t *testing.T) {
	bubble(t, "once", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, &vanishing{model: m, times: 1}), "key", claim(""))
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "whenever one looks", func(t *testing.T) {
		k := keeper(t, &vanishing{model: newModel(), times: 1 << 30})
		l, standing, err := k.Try(t.Context(), "key", claim(""))
		require.NoError(t, err)
		require.Nil(t, l)
		require.Zero(t, standing)
		began := time.Now()
		_, err = k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Second})
		require.ErrorIs(t, err, lease.ErrBusy)
		require.Equal(t, time.Second, time.Since(began))
	})
	bubble(t, "while somebody waits", func(t *testing.T) {
		v := &vanishing{model: newModel(), times: 20}
		l, err := keeper(t, v).Acquire(t.Context(), "key", lease.Claim{Wait: time.Minute})
		require.NoError(t, err)
		require.NoError(t, l.Release(t.Context()))
	})
}

// vanishing says so many times that a record was in the way and is gone.
type vanishing struct {
	*model
	times int
}

func (v *vanishing) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if v.times--; v.times >= 0 {
		return store.Record{}, false, nil
	}
	return v.model.Create(ctx, key, r)
}

func TestCorruptRecord(t *testing.T) {
	good := acquire(t, keeper(t, newModel()), "key", claim("note"))
	t.Cleanup(func() { _ = good.Release(context.Background()) })
	valid := lease.EncodedHead(good)
	with := func(at int, b byte) []byte {
		h := append([]byte(nil), valid...)
		h[at] = b
		return h
	}
	for name, head := range map[string][]byte{
		"no head":              nil,
		"a head cut short":     valid[:25],
		"a foreign head":       []byte(`{"holder":"somebody else's format"}`),
		"an unknown state":     with(1, 3),
		"no state":             with(1, 0),
		"a lease of centuries": with(18, 0x7f),
		"a negative lease":     with(18, 0xff),
		"no lease":             append(append([]byte(nil), valid[:18]...), 0, 0, 0, 0, 0, 0, 0, 0),
		"the next version":     with(0, 2),
	} {
		bubble(t, name, func(t *testing.T) {
			m := newModel()
			k := keeper(t, m)
			put, _, err := m.Create(t.Context(), "key", store.Record{Head: head, TTL: day})
			require.NoError(t, err)
			time.Sleep(2 * testLapse) // whatever it is, it is old

			l, standing, err := k.Try(t.Context(), "key", claim(""))
			require.Nil(t, l)
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.Equal(t, name == "the next version" || name == "a foreign head", errors.Is(err, lease.ErrUnknownVersion))
			require.Equal(t, put.Version, standing.Record.Version, "it is shown, so that an operator can overwrite it")

			began := time.Now()
			_, err = k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Minute})
			require.ErrorIs(t, err, lease.ErrCorrupt)
			require.Equal(t, began, time.Now(), "waiting cannot help")

			l, _, err = k.Takeover(t.Context(), "key", standing, claim(""))
			require.Nil(t, l)
			require.ErrorIs(t, err, lease.ErrCorrupt)

			after, found, _ := m.Get(t.Context(), "key")
			require.True(t, found)
			require.Equal(t, put.Version, after.Version, "nothing was written")
		})
	}
	bubble(t, "at a gate", func(t *testing.T) {
		m := newModel()
		g := gate(t, m)
		key := lease.GateKey("", "r")
		_, _, err := m.Create(t.Context(), key, store.Record{Head: []byte("?"), TTL: time.Minute})
		require.NoError(t, err)
		_, err = g.Enter(t.Context(), "r")
		require.ErrorIs(t, err, lease.ErrCorrupt)
	})
	bubble(t, "found by its owner, who has lost it", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim(""))
		_, replaced, err := m.Replace(t.Context(), "key", l.Token(), store.Record{Head: []byte("?"), TTL: day})
		require.NoError(t, err)
		require.True(t, replaced)
		_, err = l.Settle(t.Context(), nil, nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.ErrorIs(t, err, lease.ErrCorrupt)
	})
}

func TestRecordsOfTheNextVersion(t *testing.T) {
	bubble(t, "are told apart from damaged ones", func(t *testing.T) {
		m := newModel()
		_, _, err := m.Create(t.Context(), "key", store.Record{Head: []byte{2, 1, 2, 3}, TTL: day})
		require.NoError(t, err)
		_, _, err = keeper(t, m).Try(t.Context(), "key", claim(""))
		require.ErrorIs(t, err, lease.ErrUnknownVersion)
		require.ErrorContains(t, err, "unknown version 2")
	})
}
