package lease_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// bubble runs test on a clock of its own. Goroutines that are left over fail
// it.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// The times that tests count with, unless they say otherwise.
const (
	testLease  = 9 * time.Second
	testMargin = time.Second
	testStop   = testLease - testMargin // when an owner without an acknowledged renewal stops
	testLapse  = testLease + testMargin // when its record lapses, or is an orphan
	day        = 24 * time.Hour
)

func keeper(t testing.TB, s store.Store, change ...func(*lease.Config)) *lease.Keeper {
	t.Helper()
	c := lease.Config{Store: s, Lease: testLease, Margin: testMargin, MaxRun: time.Hour}
	for _, f := range change {
		f(&c)
	}
	k, err := lease.New(c)
	require.NoError(t, err)
	return k
}

func gate(t testing.TB, s store.Store, change ...func(*lease.GateConfig)) *lease.Gate {
	t.Helper()
	c := lease.GateConfig{Store: s, Lease: testLease, Margin: testMargin, MaxRun: time.Hour}
	for _, f := range change {
		f(&c)
	}
	g, err := lease.NewGate(c)
	require.NoError(t, err)
	return g
}

// claim is one as idempotency makes them: it outlives its owner.
func claim(note string) lease.Claim { return lease.Claim{Note: []byte(note), TTL: day} }

// acquire gets a lease that nothing stands in the way of.
func acquire(t testing.TB, k *lease.Keeper, key string, c lease.Claim) *lease.Lease {
	t.Helper()
	l, standing, err := k.Try(context.Background(), key, c)
	require.NoError(t, err)
	require.NotNil(t, l, "in the way: %+v", standing)
	return l
}

// look returns what stands under key, as a taker sees it.
func look(t testing.TB, k *lease.Keeper, key string) lease.Standing {
	t.Helper()
	l, standing, err := k.Try(context.Background(), key, lease.Claim{})
	require.NoError(t, err)
	require.Nil(t, l, "the key was free")
	return standing
}

// requireFree fails unless key can be acquired at once.
func requireFree(t testing.TB, k *lease.Keeper, key string) {
	t.Helper()
	l := acquire(t, k, key, lease.Claim{})
	require.NoError(t, l.Release(context.Background()))
}

func requireLive(t testing.TB, l *lease.Lease) {
	t.Helper()
	require.NoError(t, l.Err())
	select {
	case <-l.Done():
		require.Fail(t, "the context is done", "%v", context.Cause(l))
	default:
	}
}

// requireEnded fails unless the context of l has ended because of cause.
func requireEnded(t testing.TB, l *lease.Lease, cause error) {
	t.Helper()
	require.Error(t, l.Err())
	select {
	case <-l.Done():
	default:
		require.Fail(t, "the context is not done", fmt.Sprint(l.Err()))
	}
	require.ErrorIs(t, context.Cause(l), cause)
}
