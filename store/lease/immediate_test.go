package lease_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// immediate is a store that says of itself what the memory store does.
type immediate struct{ *model }

func (i immediate) Immediate() store.Store { return i }

// The owners of these leases look at the clock less often.
func TestOnAStoreThatAnswersAtOnce(t *testing.T) {
	// The pause of a process, in the middle of a call.
	pauseIn := func(method string, d time.Duration) func(step) fault {
		return on(method, fault{after: stubborn(d)}, 1)
	}
	bubble(t, "a lease that was over before it was had has ended when somebody looks", func(t *testing.T) {
		m := newModel()
		m.setFaults(pauseIn("Create", testStop))
		l := acquire(t, keeper(t, immediate{m}), "key", lease.Claim{})
		requireEnded(t, l, lease.ErrLost)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
		requireFree(t, keeper(t, m), "key")
	})
	bubble(t, "and by itself, if nobody looks", func(t *testing.T) {
		m := newModel()
		m.setFaults(pauseIn("Create", testStop))
		k := keeper(t, immediate{m})
		l := acquire(t, k, "key", lease.Claim{})
		<-l.Done()
		synctest.Wait()
		_, leases := lease.TimerIsSet(k)
		require.Zero(t, leases)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
	bubble(t, "a lease of which little is left ends in time", func(t *testing.T) {
		m := newModel()
		m.setFaults(pauseIn("Create", testStop-1))
		l := acquire(t, keeper(t, immediate{m}), "key", lease.Claim{Fixed: true})
		requireLive(t, l)
		time.Sleep(1)
		requireEnded(t, l, lease.ErrLost)
	})
	bubble(t, "a release that finds the record gone was not the one that deleted it", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, immediate{m}), "key", lease.Claim{})
		_, err := m.Delete(t.Context(), "key", l.Token()) // as an operator might
		require.NoError(t, err)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
	bubble(t, "such as the memory store", func(t *testing.T) {
		s := memory.New(memory.Config{})
		l := acquire(t, keeper(t, s), "key", lease.Claim{})
		_, err := s.Delete(t.Context(), "key", l.Token())
		require.NoError(t, err)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
	bubble(t, "but not a store that embeds one, and is slow", func(t *testing.T) {
		l, _, err := keeper(t, &slow{memory.New(memory.Config{})}).Try(t.Context(), "key", lease.Claim{})
		require.Error(t, err, "the claim was over before it was had")
		require.Nil(t, l)
	})
}

// slow embeds the memory store, as wrappers do that count calls or make them
// fail, and so has all of its methods.
type slow struct{ *memory.Store }

func (s *slow) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	time.Sleep(testLapse)
	return s.Store.Create(ctx, key, r)
}
