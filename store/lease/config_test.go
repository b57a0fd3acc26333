package lease_test

import (
	"math"
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

// longest is as good as no bound at all.
const longest time.Duration = math.MaxInt64

func TestTheLongestDurationsAreNoBound(t *testing.T) {
	for name, change := range map[string]func(*lease.Config){
		"MaxRun":              func(c *lease.Config) { c.MaxRun = longest },
		"CallTimeout":         func(c *lease.Config) { c.CallTimeout = longest },
		"PollMax":             func(c *lease.Config) { c.PollMax = longest },
		"PollMin and PollMax": func(c *lease.Config) { c.PollMin, c.PollMax = longest, longest },
		"all of them": func(c *lease.Config) {
			c.MaxRun, c.CallTimeout, c.PollMin, c.PollMax = longest, longest, longest, longest
		},
	} {
		bubble(t, name, func(t *testing.T) {
			m := newModel()
			k := keeper(t, polled{m}, change)
			time.Sleep(time.Second) // so that the longest from now on is past the end of time
			l := acquire(t, k, "key", lease.Claim{})
			deadline, ok := l.Deadline()
			require.True(t, ok)
			require.Positive(t, time.Until(deadline))
			time.Sleep(3 * testLease)
			requireLive(t, l)
			// Whoever waits is bounded by its own wait, however long the pauses are.
			_, err := k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Minute})
			require.ErrorIs(t, err, lease.ErrBusy)
			requireLive(t, l)
			m.setFaults(on("Delete", fault{before: delay(time.Second)})) // needs a context that lasts
			require.NoError(t, l.Release(t.Context()))
			l, err = k.Acquire(t.Context(), "key", lease.Claim{Wait: longest, TTL: longest})
			require.NoError(t, err)
			_, err = l.Settle(t.Context(), nil, nil, longest)
			require.NoError(t, err)
		})
	}
	bubble(t, "a pause of any length ends with the call", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Delete", fault{before: fail}))
		k := keeper(t, m, func(c *lease.Config) { c.PollMin, c.PollMax = longest, longest })
		l := acquire(t, k, "key", lease.Claim{})
		began := time.Now()
		require.ErrorIs(t, l.Release(t.Context()), errReset)
		require.Equal(t, lease.DefaultCallTimeout, time.Since(began))
	})
}
