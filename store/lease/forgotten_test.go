package lease_test

import (
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// TestAForgottenStoreIsNotKeptByATimer that was set for a lease which has been
// released: it would hold all records for seconds after their last user.
func TestAForgottenStoreIsNotKeptByATimer(t *testing.T) {
	forgotten := func() weak.Pointer[memory.Store] {
		s := memory.New(memory.Config{})
		k := keeper(t, s)
		l := acquire(t, k, "key", lease.Claim{})
		require.NoError(t, l.Release(t.Context()))
		armed, leases := lease.TimerIsSet(k)
		require.True(t, armed)
		require.Zero(t, leases)
		return weak.Make(s)
	}()
	runtime.GC()
	require.Nil(t, forgotten.Value())
}
