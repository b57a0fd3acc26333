package lease_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

func TestGateLetsOneInAtATime(t *testing.T) {
	bothStores(t, func(t *testing.T, m *model, s store.Store) {
		// Four servers, each with 16 writers of each of two resources.
		var mu sync.Mutex
		inside := map[string]int{}
		highest := map[string]uint64{}
		var all sync.WaitGroup
		for range 4 {
			g := gate(t, s, func(c *lease.GateConfig) { c.Wait = time.Hour })
			for i := range 32 {
				resource := []string{"a", "b"}[i%2]
				all.Go(func() {
					l, err := g.Enter(context.Background(), resource)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					inside[resource]++
					if inside[resource] != 1 {
						t.Errorf("%d inside %s", inside[resource], resource)
					}
					if l.Token() <= highest[resource] {
						t.Errorf("token %d after %d", l.Token(), highest[resource])
					}
					highest[resource] = l.Token()
					mu.Unlock()
					time.Sleep(10 * time.Millisecond)
					mu.Lock()
					inside[resource]--
					mu.Unlock()
					if err := l.Release(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
	})
}

func TestNestedStacksDoNotWaitForThemselves(t *testing.T) {
	none := func(c *lease.GateConfig) { c.Wait = -1 }
	bubble(t, "one gate inside another on one store", func(t *testing.T) {
		m := newModel()
		outer, err := gate(t, m, none).Enter(t.Context(), "r")
		require.NoError(t, err)
		inner, err := gate(t, m, none).Enter(outer, "r")
		require.NoError(t, err)
		require.Equal(t, outer.Token(), inner.Token())
		innermost, err := gate(t, m, none).Enter(inner, "r")
		require.NoError(t, err)
		require.Equal(t, outer.Token(), innermost.Token())

		require.NoError(t, innermost.Release(t.Context()))
		requireEnded(t, innermost, context.Canceled)
		requireLive(t, inner)
		require.NoError(t, inner.Release(t.Context()))
		requireLive(t, outer)
		_, err = gate(t, m, none).Enter(t.Context(), "r")
		require.ErrorIs(t, err, lease.ErrBusy, "the borrowers have left, the owner has not")
		require.NoError(t, outer.Release(t.Context()))
		require.Equal(t, 2, m.count("Create"))
	})
	bubble(t, "other gates in between", func(t *testing.T) {
		m, n := newModel(), newModel()
		a, err := gate(t, m, none).Enter(t.Context(), "a")
		require.NoError(t, err)
		b, err := gate(t, m, none).Enter(a, "b")
		require.NoError(t, err)
		elsewhere, err := gate(t, n, none).Enter(b, "a")
		require.NoError(t, err)
		require.Equal(t, 1, n.count("Create"), "another store is another gate")
		other, err := gate(t, m, none, func(c *lease.GateConfig) { c.Namespace = "n" }).Enter(elsewhere, "a")
		require.NoError(t, err)
		require.Equal(t, 3, m.count("Create"), "so is another namespace")
		again, err := gate(t, m, none).Enter(context.WithValue(other, valueKey{}, "v"), "a")
		require.NoError(t, err)
		require.Equal(t, a.Token(), again.Token())
		for _, l := range []*lease.Lease{again, other, elsewhere, b, a} {
			require.NoError(t, l.Release(t.Context()))
		}
		require.Equal(t, 3, m.count("Create"))
	})
	bubble(t, "in goroutines that share the context", func(t *testing.T) {
		m := newModel()
		g := gate(t, m, none)
		outer, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				l, err := g.Enter(outer, "r")
				if err != nil || l.Token() != outer.Token() {
					t.Error(l, err)
					return
				}
				_ = l.Release(outer)
			})
		}
		all.Wait()
		require.NoError(t, outer.Release(t.Context()))
	})
	bubble(t, "a borrower that outlives the owner is ended with it, even if its context was cut off", func(t *testing.T) {
		m := newModel()
		g := gate(t, m, none)
		outer, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		cutOff := context.WithoutCancel(outer)
		waits, err := g.Enter(cutOff, "r")
		require.NoError(t, err)
		looks, err := g.Enter(cutOff, "r")
		require.NoError(t, err)
		requireLive(t, waits)
		require.NoError(t, looks.Err())
		require.NoError(t, outer.Release(t.Context()))
		synctest.Wait()
		requireEnded(t, waits, context.Canceled)
		requireEnded(t, looks, context.Canceled)
	})
	bubble(t, "a borrower learns that the lease was lost", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: fail}))
		g := gate(t, m, none)
		outer, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		inner, err := g.Enter(context.WithoutCancel(outer), "r")
		require.NoError(t, err)
		deadline, ok := inner.Deadline()
		require.True(t, ok)
		outerDeadline, _ := outer.Deadline()
		require.Equal(t, outerDeadline, deadline)
		<-inner.Done()
		requireEnded(t, inner, lease.ErrLost)
		require.NoError(t, inner.Release(t.Context()), "it is not its own to lose")
	})
	bubble(t, "what was released or lost does not count", func(t *testing.T) {
		m := newModel()
		g := gate(t, m, none)
		released, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		stale := context.WithoutCancel(released)
		require.NoError(t, released.Release(t.Context()))
		own, err := g.Enter(stale, "r")
		require.NoError(t, err)
		require.Greater(t, own.Token(), released.Token())
		_, err = g.Enter(stale, "r")
		require.ErrorIs(t, err, lease.ErrBusy)
		require.NoError(t, own.Release(t.Context()))

		m.setFaults(on("Replace", fault{before: fail}))
		lost, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		stale = context.WithoutCancel(lost)
		<-lost.Done()
		_, err = g.Enter(stale, "r")
		require.ErrorIs(t, err, lease.ErrBusy, "its record still stands")
		time.Sleep(testLapse - testStop)
		own, err = g.Enter(stale, "r")
		require.NoError(t, err)
		require.NoError(t, own.Release(t.Context()))
	})
	bubble(t, "a borrowed lease is passed over once released, and its owner found behind it", func(t *testing.T) {
		m := newModel()
		g := gate(t, m, none)
		outer, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		inner, err := g.Enter(outer, "r")
		require.NoError(t, err)
		require.NoError(t, inner.Release(t.Context()))
		again, err := g.Enter(context.WithoutCancel(inner), "r")
		require.NoError(t, err)
		require.Equal(t, outer.Token(), again.Token())
		requireLive(t, again)
		require.NoError(t, again.Release(t.Context()))
		require.NoError(t, outer.Release(t.Context()))
	})
	bubble(t, "a borrower cannot settle what is not its own", func(t *testing.T) {
		g := gate(t, newModel(), none)
		outer, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		inner, err := g.Enter(outer, "r")
		require.NoError(t, err)
		_, err = inner.Settle(t.Context(), nil, nil, day)
		require.Error(t, err)
		require.NoError(t, outer.Release(t.Context()))
	})
	bubble(t, "a context that has ended enters nothing, borrowed or not", func(t *testing.T) {
		g := gate(t, newModel(), none)
		outer, err := g.Enter(t.Context(), "r")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(outer)
		cancel()
		_, err = g.Enter(ctx, "r")
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, outer.Release(t.Context()))
	})
}

func TestGateKeysAreDigestsThatCannotForgeEachOther(t *testing.T) {
	seen := map[string]string{}
	for _, namespace := range []string{"", "a", "ab", "a\x00", strings.Repeat("n", 1000)} {
		for _, resource := range []string{"", "b", "bc", "\x00b", strings.Repeat("r", 10_000)} {
			key := lease.GateKey(namespace, resource)
			require.Len(t, key, 32)
			require.Empty(t, seen[key])
			seen[key] = namespace + "/" + resource
		}
	}
	require.NotEqual(t, lease.GateKey("ab", "c"), lease.GateKey("a", "bc"))
	// A namespace and a resource that contain the lengths of others.
	length := func(n byte) string { return strings.Repeat("\x00", 7) + string([]byte{n}) }
	require.NotEqual(t, lease.GateKey("", "x"+length(1)+"y"), lease.GateKey(length(10)+"x", "y"))
	require.NotEqual(t, lease.GateKey("n"+length(1), "r"), lease.GateKey("n", length(1)+"r"))
}

func TestGateReportsFailuresOfTheStore(t *testing.T) {
	bubble(t, "and lets nobody in", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{before: func(context.Context) error { return store.ErrFull }}))
		l, err := gate(t, m).Enter(t.Context(), "r")
		require.ErrorIs(t, err, store.ErrFull)
		require.Nil(t, l)
	})
	bubble(t, "a store that hangs does not hang its callers", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{before: hang}))
		began := time.Now()
		_, err := gate(t, m).Enter(context.Background(), "r")
		require.ErrorIs(t, err, store.ErrUnavailable)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, lease.DefaultCallTimeout, time.Since(began))
		time.Sleep(lease.DefaultCallTimeout)
	})
}
