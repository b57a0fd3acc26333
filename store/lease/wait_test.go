package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// bothStores runs test with a store that can be watched and one that cannot.
func bothStores(t *testing.T, test func(t *testing.T, m *model, s store.Store)) {
	bubble(t, "watched", func(t *testing.T) {
		m := newModel()
		test(t, m, m)
	})
	bubble(t, "polled", func(t *testing.T) {
		m := newModel()
		test(t, m, polled{m})
	})
}

func TestWaiterCap(t *testing.T) {
	bothStores(t, func(t *testing.T, m *model, s store.Store) {
		k := keeper(t, s, func(c *lease.Config) { c.MaxWaiters = 3 })
		l := acquire(t, k, "key", lease.Claim{})
		got := make(chan error, 10)
		for range cap(got) {
			go func() {
				l, err := k.Acquire(context.Background(), "key", lease.Claim{Wait: time.Minute})
				if err == nil {
					err = l.Release(context.Background())
				}
				got <- err
			}()
		}
		synctest.Wait()
		require.Len(t, got, 7)
		for range 7 {
			var busy *lease.BusyError
			err := <-got
			require.ErrorAs(t, err, &busy)
			require.ErrorIs(t, err, lease.ErrBusy)
			require.True(t, busy.Full)
		}
		require.NoError(t, l.Release(t.Context()))
		for range 3 {
			require.NoError(t, <-got, "who had a place is served")
		}
		l, err := k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Minute})
		require.NoError(t, err, "the places are free again")
		require.NoError(t, l.Release(t.Context()))
	})
}

func TestWaitIsBounded(t *testing.T) {
	bothStores(t, func(t *testing.T, m *model, s store.Store) {
		k := keeper(t, s)
		l := acquire(t, k, "key", claim("in the way"))
		began := time.Now()
		_, err := k.Acquire(t.Context(), "key", lease.Claim{Wait: 20 * time.Second})
		require.Equal(t, 20*time.Second, time.Since(began))
		var busy *lease.BusyError
		require.ErrorAs(t, err, &busy)
		require.False(t, busy.Full)
		require.Equal(t, "in the way", string(busy.Standing.Note))

		_, err = k.Acquire(t.Context(), "key", lease.Claim{})
		require.ErrorIs(t, err, lease.ErrBusy)
		require.Equal(t, 20*time.Second, time.Since(began), "no wait, no time")

		ctx, cancel := context.WithCancelCause(t.Context())
		left := errors.New("left")
		time.AfterFunc(time.Second, func() { cancel(left) })
		_, err = k.Acquire(ctx, "key", lease.Claim{Wait: time.Hour})
		require.ErrorIs(t, err, left)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, lease.ErrBusy)
		require.Equal(t, 21*time.Second, time.Since(began))

		ctx, cancelTimeout := context.WithTimeout(t.Context(), time.Second)
		defer cancelTimeout()
		_, err = k.Acquire(ctx, "key", lease.Claim{Wait: time.Hour})
		require.ErrorIs(t, err, context.DeadlineExceeded)

		require.Zero(t, lease.InLine(k, "key"))
		require.NoError(t, l.Release(t.Context()))
	})
}

func TestWaitersComeInOrder(t *testing.T) {
	bothStores(t, func(t *testing.T, m *model, s store.Store) {
		k := keeper(t, s)
		l := acquire(t, k, "key", lease.Claim{})
		order := make(chan int, 64)
		for i := range cap(order) {
			go func() {
				l, err := k.Acquire(context.Background(), "key", lease.Claim{Wait: time.Hour})
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second) // work
				order <- i
				if err := l.Release(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			time.Sleep(time.Millisecond) // let it get in line
			synctest.Wait()
		}
		require.Equal(t, 64, lease.InLine(k, "key"))
		before := m.count("Create")
		require.NoError(t, l.Release(t.Context()))
		for i := range cap(order) {
			require.Equal(t, i, <-order)
		}
		synctest.Wait()
		if s == store.Store(m) {
			require.LessOrEqual(t, m.count("Create")-before, 2*64, "one looks, the others wait for their turn")
		}
		require.Zero(t, lease.InLine(k, "key"))
	})
	bubble(t, "and one that has just come does not pass them", func(t *testing.T) {
		k := keeper(t, polled{newModel()}, func(c *lease.Config) { c.PollMin, c.PollMax = time.Minute, time.Minute })
		l := acquire(t, k, "key", claim(""))
		order := make(chan string, 2)
		come := func(name string) {
			l, err := k.Acquire(context.Background(), "key", lease.Claim{TTL: day, Wait: time.Hour})
			if err != nil {
				t.Error(err)
				return
			}
			order <- name
			_ = l.Release(context.Background())
		}
		go come("first")
		synctest.Wait()
		require.NoError(t, l.Release(t.Context())) // which the first will see when it looks again
		go come("second")
		require.Equal(t, "first", <-order)
		require.Equal(t, "second", <-order)
		synctest.Wait()
	})
	bubble(t, "and one that leaves the line holds nobody up", func(t *testing.T) {
		k := keeper(t, newModel())
		l := acquire(t, k, "key", lease.Claim{})
		first, leave := context.WithCancel(t.Context())
		go func() { _, _ = k.Acquire(first, "key", lease.Claim{Wait: time.Hour}) }()
		synctest.Wait()
		got := make(chan error)
		go func() {
			l, err := k.Acquire(context.Background(), "key", lease.Claim{Wait: time.Hour})
			if err == nil {
				err = l.Release(context.Background())
			}
			got <- err
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		require.Equal(t, 1, lease.InLine(k, "key"))
		require.NoError(t, l.Release(t.Context()))
		require.NoError(t, <-got)
	})
}

func TestWaitingEndsWhenItCannotHelp(t *testing.T) {
	bothStores(t, func(t *testing.T, m *model, s store.Store) {
		k := keeper(t, s)
		l := acquire(t, k, "key", claim("first"))
		got := make(chan error)
		go func() {
			_, err := k.Acquire(context.Background(), "key", lease.Claim{Wait: day})
			got <- err
		}()
		time.Sleep(time.Minute)
		_, err := l.Settle(t.Context(), []byte("outcome"), nil, day)
		require.NoError(t, err)
		var busy *lease.BusyError
		require.ErrorAs(t, <-got, &busy)
		require.Equal(t, "outcome", string(busy.Standing.Note), "which is what a duplicate waits for")
		require.LessOrEqual(t, time.Since(m.records["key"].written), time.Second)
	})
}

// An owner that dies leaves its claim unchanged, which no watcher reports; the
// waiter must notice all the same that there is nothing to wait for any more.
func TestWaiterNoticesAnOrphan(t *testing.T) {
	bothStores(t, func(t *testing.T, m *model, s store.Store) {
		k := keeper(t, s)
		m.setFaults(on("Replace", fault{before: fail}))
		acquire(t, k, "key", claim("dies"))
		began := time.Now()
		_, err := k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Hour})
		var busy *lease.BusyError
		require.ErrorAs(t, err, &busy)
		require.True(t, busy.Standing.Orphan)
		require.InDelta(t, testLapse, time.Since(began), float64(time.Second))
	})
}

func TestWatchThatFailsIsPolled(t *testing.T) {
	bubble(t, "for as long as the record stands", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Watch", fault{before: fail}))
		k := keeper(t, m)
		l := acquire(t, k, "key", lease.Claim{})
		time.AfterFunc(time.Minute, func() { _ = l.Release(context.Background()) })
		began := time.Now()
		next, err := k.Acquire(t.Context(), "key", lease.Claim{Wait: time.Hour})
		require.NoError(t, err)
		require.InDelta(t, time.Minute, time.Since(began), float64(time.Second))
		require.Less(t, m.count("Create"), 2000)
		require.NoError(t, next.Release(t.Context()))
	})
}
