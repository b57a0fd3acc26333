package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// evasive has a record in the way of the first Create that is gone by the time
// that it can be read.
type evasive struct {
	*model
	found bool
}

func (e *evasive) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if !e.found {
		e.found = true
		time.Sleep(time.Second)
		return store.Record{}, false, nil
	}
	return e.model.Create(ctx, key, r)
}

func TestALeaseIsCountedFromWhenItsCallerLookedAtTheClock(t *testing.T) {
	asked := func() lease.Claim { return lease.Claim{Now: time.Now(), Fixed: true} }
	requireEndsAfter := func(t *testing.T, d time.Duration, l *lease.Lease) {
		t.Helper()
		time.Sleep(d - 1)
		requireLive(t, l)
		time.Sleep(1)
		requireEnded(t, l, lease.ErrMaxRun)
	}
	bubble(t, "if it is had at once", func(t *testing.T) {
		c := asked()
		time.Sleep(time.Second)
		requireEndsAfter(t, testStop-time.Second, acquire(t, keeper(t, newModel()), "key", c))
	})
	bubble(t, "but not at the second attempt", func(t *testing.T) {
		requireEndsAfter(t, testStop, acquire(t, keeper(t, &evasive{model: newModel()}), "key", asked()))
	})
	for name, inLine := range map[string]bool{"nor after it was waited for": false, "nor after it was waited for in line": true} {
		bubble(t, name, func(t *testing.T) {
			m := newModel()
			k := keeper(t, m)
			first := acquire(t, k, "key", lease.Claim{})
			time.AfterFunc(time.Second, func() { _ = first.Release(t.Context()) })
			if inLine { // behind one who does not see that the key is free, and leaves
				m.setFaults(on("Watch", fault{before: stubborn(2 * time.Second)}, 1))
				go func() { _, _ = k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Second / 2}) }()
				time.Sleep(time.Second / 4)
			}
			c := asked()
			c.Wait = time.Minute
			l, err := k.Acquire(t.Context(), "key", c)
			require.NoError(t, err)
			requireEndsAfter(t, testStop, l)
		})
	}
}
