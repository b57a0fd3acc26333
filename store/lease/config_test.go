package lease_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// fields are those that err, of a constructor, complains about.
func fields(t *testing.T, err error) (names []string) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		require.NoError(t, err)
		return nil
	}
	for _, e := range joined.Unwrap() {
		if _, nested := e.(interface{ Unwrap() []error }); nested {
			names = append(names, fields(t, e)...)
			continue
		}
		var mistake *store.ConfigError
		require.ErrorAs(t, e, &mistake)
		require.NotEmpty(t, mistake.Reason)
		names = append(names, mistake.Field)
	}
	return names
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := lease.New(lease.Config{
		Lease: -1, Margin: -1, MaxRun: -1, MaxWaiters: -1, CallTimeout: -1, PollMin: -1, PollMax: -1,
	})
	require.Equal(t, []string{"Store", "Lease", "Margin", "MaxRun", "MaxWaiters", "CallTimeout", "PollMin"}, fields(t, err))

	m := newModel()
	for name, c := range map[string]struct {
		config lease.Config
		fields []string
	}{
		"the zero value of the rest":         {lease.Config{Store: m}, nil},
		"a lease too short to renew":         {lease.Config{Store: m, Lease: lease.MinLease - 1}, []string{"Lease"}},
		"the shortest lease":                 {lease.Config{Store: m, Lease: lease.MinLease}, nil},
		"the longest lease":                  {lease.Config{Store: m, Lease: lease.MaxLease}, nil},
		"a lease taken for corrupt":          {lease.Config{Store: m, Lease: lease.MaxLease + 1}, []string{"Lease"}},
		"a margin that leaves half a lease":  {lease.Config{Store: m, Lease: time.Second, Margin: time.Second / 2}, []string{"Margin"}},
		"a first pause longer than the last": {lease.Config{Store: m, PollMin: 2, PollMax: 1}, []string{"PollMin"}},
		"a first pause over the default":     {lease.Config{Store: m, PollMin: time.Minute}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := lease.New(c.config)
			require.Equal(t, c.fields, fields(t, err))
		})
	}
}

// uncomparable would make a comparison of two stores panic.
type uncomparable struct {
	store.Store
	_ []int
}

func TestGateWantsAComparableStore(t *testing.T) {
	_, err := lease.NewGate(lease.GateConfig{Store: uncomparable{Store: newModel()}, Lease: -1})
	require.Equal(t, []string{"Lease", "Store"}, fields(t, err)[:2])
	_, err = lease.NewGate(lease.GateConfig{Store: polled{uncomparable{Store: newModel()}}})
	require.Equal(t, []string{"Store"}, fields(t, err), "however deep it is")
	_, err = lease.NewGate(lease.GateConfig{})
	require.Equal(t, []string{"Store"}, fields(t, err))
	_, err = lease.NewGate(lease.GateConfig{Store: &uncomparable{Store: newModel()}})
	require.NoError(t, err)
}
