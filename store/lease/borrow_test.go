package lease_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

func TestALeaseTellsWhetherItIsBorrowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, err := lease.NewGate(lease.GateConfig{Store: memory.New(memory.Config{})})
		require.NoError(t, err)
		outer, err := gate.Enter(t.Context(), "/a")
		require.NoError(t, err)
		inner, err := gate.Enter(outer, "/a")
		require.NoError(t, err)
		other, err := gate.Enter(outer, "/b")
		require.NoError(t, err)
		assert.False(t, outer.Borrowed())
		assert.True(t, inner.Borrowed())
		assert.False(t, other.Borrowed(), "another resource")
		for _, l := range []*lease.Lease{inner, other, outer} {
			assert.NoError(t, l.Release(t.Context()))
		}
	})
}
