package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

// Inside of a transaction, which is what a Fixed lease is for, nothing else may
// write to the store either.
func TestAGateInsideAFixedLeaseIsNotRenewedAndEndsWithIt(t *testing.T) {
	short := func(c *lease.GateConfig) { c.Lease = testLease / 3 }
	fixed := lease.Claim{TTL: day, Fixed: true}

	bubble(t, "held for as long", func(t *testing.T) {
		m := newModel()
		outer := acquire(t, keeper(t, m), "claim", fixed)
		time.Sleep(time.Second)
		inner, err := gate(t, m, short).Enter(outer, "r")
		require.NoError(t, err)

		time.Sleep(testStop - 2*time.Second)
		requireLive(t, inner)
		require.Zero(t, m.count("Replace"), "neither is renewed")
		time.Sleep(time.Second)
		requireEnded(t, inner, lease.ErrMaxRun)
		requireEnded(t, outer, lease.ErrMaxRun)
	})

	bubble(t, "its record stands for as long", func(t *testing.T) {
		m := newModel()
		outer := acquire(t, keeper(t, m), "claim", fixed)
		_, err := gate(t, m, short).Enter(outer, "r")
		require.NoError(t, err)

		time.Sleep(testStop - time.Second)
		_, err = gate(t, m, short, func(c *lease.GateConfig) { c.Wait = -1 }).Enter(context.Background(), "r")
		require.ErrorIs(t, err, lease.ErrBusy, "by the lease of its own Config it would be over")
		next, err := gate(t, m, func(c *lease.GateConfig) { c.Wait = time.Minute }).Enter(context.Background(), "r")
		require.NoError(t, err, "a dead owner blocks it no longer than that")
		require.NoError(t, next.Release(context.Background()))
	})

	bubble(t, "through a gate that is borrowed", func(t *testing.T) {
		m := newModel()
		outer := acquire(t, keeper(t, m), "claim", fixed)
		first, err := gate(t, m, short).Enter(outer, "r")
		require.NoError(t, err)
		borrowed, err := gate(t, m, short).Enter(first, "r")
		require.NoError(t, err)
		_, err = gate(t, m, short).Enter(borrowed, "s")
		require.NoError(t, err)
		time.Sleep(testStop - time.Second)
		require.Zero(t, m.count("Replace"))
	})

	bubble(t, "in another store it is renewed as ever", func(t *testing.T) {
		m, other := newModel(), newModel()
		outer := acquire(t, keeper(t, m), "claim", fixed)
		inner, err := gate(t, other, short).Enter(outer, "r")
		require.NoError(t, err)
		time.Sleep(testStop - time.Second)
		requireLive(t, inner)
		require.NotZero(t, other.count("Replace"))
	})

	bubble(t, "its own MaxRun ends it before, and its record then lapses", func(t *testing.T) {
		m := newModel()
		brief := func(c *lease.GateConfig) { c.MaxRun = 2 * time.Second }
		outer := acquire(t, keeper(t, m), "claim", fixed)
		inner, err := gate(t, m, brief).Enter(outer, "r")
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		requireEnded(t, inner, lease.ErrMaxRun)
		requireLive(t, outer)
		next, err := gate(t, m, func(c *lease.GateConfig) { c.Wait = 3 * testMargin }).Enter(context.Background(), "r")
		require.NoError(t, err)
		require.NoError(t, next.Release(context.Background()))
	})

	bubble(t, "the longest lease outside of the widest margin", func(t *testing.T) {
		m := newModel()
		long := keeper(t, m, func(c *lease.Config) { c.Lease, c.Margin, c.MaxRun = lease.MaxLease, time.Second, 2*lease.MaxLease })
		outer := acquire(t, long, "claim", lease.Claim{TTL: 2 * day, Fixed: true})
		wide := func(c *lease.GateConfig) {
			c.Lease, c.Margin, c.MaxRun, c.Wait = time.Minute, 6*time.Second, 2*lease.MaxLease, -1
		}
		_, err := gate(t, m, wide).Enter(outer, "r")
		require.NoError(t, err)
		_, err = gate(t, m, wide).Enter(context.Background(), "r")
		require.ErrorIs(t, err, lease.ErrBusy, "its record can be read")
	})

	bubble(t, "inside of a lease that is renewed so is the gate", func(t *testing.T) {
		m := newModel()
		outer := acquire(t, keeper(t, m), "claim", claim(""))
		inner, err := gate(t, m, short).Enter(outer, "r")
		require.NoError(t, err)
		time.Sleep(day / 48)
		requireLive(t, inner)
		require.NoError(t, inner.Release(t.Context()))
		require.NoError(t, outer.Release(t.Context()))
	})
}
