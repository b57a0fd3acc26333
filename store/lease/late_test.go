package lease_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

// succeed makes an owner that cannot renew, and its successor: one that found
// the record gone, or one that took it over. From then on the store works.
func succeed(t *testing.T, m *model, c lease.Claim) (late, successor *lease.Lease) {
	k := keeper(t, m)
	late = acquire(t, k, "key", c)
	m.setFaults(on("Replace", fault{before: fail}))
	time.Sleep(testLapse)
	m.setFaults(nil)
	other := keeper(t, m)
	if c.TTL == 0 {
		successor = acquire(t, other, "key", lease.Claim{Note: []byte("successor")})
	} else {
		seen := look(t, other, "key")
		require.True(t, seen.Orphan)
		var err error
		successor, _, err = other.Takeover(context.Background(), "key", seen, claim("successor"))
		require.NoError(t, err)
		require.NotNil(t, successor)
	}
	require.Greater(t, successor.Token(), late.Token())
	requireEnded(t, late, lease.ErrLost)
	return late, successor
}

// bothWays runs test with an owner whose record lapsed and with one whose
// record was taken over.
func bothWays(t *testing.T, test func(t *testing.T, m *model, late, successor *lease.Lease)) {
	for name, c := range map[string]lease.Claim{
		"after its record lapsed":         {},
		"after its record was taken over": {TTL: day},
	} {
		bubble(t, name, func(t *testing.T) {
			m := newModel()
			late, successor := succeed(t, m, c)
			test(t, m, late, successor)
			requireLive(t, successor)
			require.NoError(t, successor.Release(context.Background()))
		})
	}
}

func TestLateOwnerCannotOverwrite(t *testing.T) {
	bothWays(t, func(t *testing.T, m *model, late, _ *lease.Lease) {
		before, _, _ := m.Get(t.Context(), "key")
		standing, err := late.Settle(t.Context(), []byte("late"), []byte("outcome"), day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.True(t, standing.Held)
		require.Equal(t, "successor", string(standing.Note), "the owner learns who stands")
		after, _, _ := m.Get(t.Context(), "key")
		require.Equal(t, before.Version, after.Version)
	})
	bubble(t, "once its successor has settled", func(t *testing.T) {
		m := newModel()
		late, successor := succeed(t, m, lease.Claim{TTL: day})
		_, err := successor.Settle(t.Context(), []byte("its outcome"), nil, day)
		require.NoError(t, err)
		standing, err := late.Settle(t.Context(), []byte("late"), nil, day)
		require.ErrorIs(t, err, lease.ErrLost)
		require.False(t, standing.Held)
		require.Equal(t, "its outcome", string(standing.Note))
	})
}

func TestLateOwnerCannotRelease(t *testing.T) {
	bothWays(t, func(t *testing.T, m *model, late, _ *lease.Lease) {
		before, _, _ := m.Get(t.Context(), "key")
		require.ErrorIs(t, late.Release(t.Context()), lease.ErrLost)
		after, found, _ := m.Get(t.Context(), "key")
		require.True(t, found)
		require.Equal(t, before.Version, after.Version)
	})
}

func TestLateOwnerCannotRenew(t *testing.T) {
	bubble(t, "a renewal that arrives when the record is another's changes nothing", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		// The renewal is on its way for longer than the lease lasts.
		m.setFaults(on("Replace", fault{before: stubborn(2 * testLease)}))
		late := acquire(t, k, "key", lease.Claim{})
		time.Sleep(testStop)
		requireEnded(t, late, lease.ErrLost)
		time.Sleep(testLapse - testStop)
		m.setFaults(nil)
		successor := acquire(t, keeper(t, m, longLease), "key", lease.Claim{})
		time.Sleep(2 * testLease) // the renewal arrives
		synctest.Wait()
		standing, _, _ := m.Get(t.Context(), "key")
		require.Equal(t, successor.Token(), standing.Version)
		requireLive(t, successor)
		require.ErrorIs(t, late.Release(t.Context()), lease.ErrLost)
		require.NoError(t, successor.Release(t.Context()))
	})
	bubble(t, "a renewal that finds another's record ends the lease at once", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", lease.Claim{})
		_, err := m.Delete(t.Context(), "key", l.Token()) // as an operator might
		require.NoError(t, err)
		successor := acquire(t, keeper(t, m), "key", lease.Claim{})
		time.Sleep(testLease/3 - 1)
		requireLive(t, l)
		time.Sleep(1)
		synctest.Wait()
		requireEnded(t, l, lease.ErrLost)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
		requireLive(t, successor)
		require.NoError(t, successor.Release(t.Context()))
	})
	bubble(t, "a renewal that finds nothing ends the lease at once", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		_, err := m.Delete(t.Context(), "key", l.Token())
		require.NoError(t, err)
		time.Sleep(testLease / 3)
		synctest.Wait()
		requireEnded(t, l, lease.ErrLost)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
}

// longLease makes renewals too rare to matter.
func longLease(c *lease.Config) { c.Lease, c.Margin = time.Hour, time.Minute }
