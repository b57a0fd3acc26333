package lease_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAStoreMayKeepTheContextOfACall: one that logs later, say, finds in it what
// belongs to that call, whatever has become of the lease.
func TestAStoreMayKeepTheContextOfACall(t *testing.T) {
	type name struct{}
	kept := map[string]context.Context{}
	m := newModel()
	m.setFaults(func(s step) fault {
		return fault{before: func(ctx context.Context) error {
			kept[s.method] = ctx //nolint:fatcontext // it is what the test is about
			return nil
		}}
	})
	acquiring := context.WithValue(t.Context(), name{}, "acquiring")
	l, _, err := keeper(t, m).Try(acquiring, "key", claim(""))
	require.NoError(t, err)
	require.NoError(t, l.Release(context.WithValue(t.Context(), name{}, "releasing")))
	require.Equal(t, "acquiring", kept["Create"].Value(name{}))
	require.Equal(t, "releasing", kept["Delete"].Value(name{}))
}
