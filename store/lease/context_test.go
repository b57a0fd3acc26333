package lease_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

type valueKey struct{}

func TestALeaseIsAContext(t *testing.T) {
	bubble(t, "it has its parent's values, and its own end", func(t *testing.T) {
		k := keeper(t, newModel())
		ctx := context.WithValue(t.Context(), valueKey{}, "value")
		l, _, err := k.Try(ctx, "key", claim(""))
		require.NoError(t, err)
		require.Equal(t, "value", l.Value(valueKey{}))
		requireLive(t, l)
		require.Equal(t, "value", l.Value(valueKey{}), "also once somebody has asked for Done")
		require.NoError(t, l.Release(t.Context()))
		requireEnded(t, l, context.Canceled)
		require.ErrorIs(t, l.Err(), context.Canceled)
	})
	bubble(t, "released before anybody waits for it", func(t *testing.T) {
		l := acquire(t, keeper(t, newModel()), "key", claim(""))
		require.NoError(t, l.Release(t.Context()))
		require.ErrorIs(t, l.Err(), context.Canceled)
		require.ErrorIs(t, context.Cause(l), context.Canceled)
		requireEnded(t, l, context.Canceled)
	})
	bubble(t, "lost before anybody waits for it", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: fail}))
		l := acquire(t, keeper(t, m), "key", claim(""))
		time.Sleep(testStop)
		require.ErrorIs(t, l.Err(), context.Canceled)
		require.ErrorIs(t, context.Cause(l), lease.ErrLost)
		child, cancel := context.WithCancel(l)
		defer cancel()
		require.ErrorIs(t, context.Cause(child), lease.ErrLost)
	})
	bubble(t, "it ends with its parent, for its parent's reason, and is still held", func(t *testing.T) {
		for _, waits := range []bool{false, true} {
			m := newModel()
			k := keeper(t, m)
			why := errors.New("why")
			ctx, cancel := context.WithCancelCause(t.Context())
			l, _, err := k.Try(ctx, "key", claim(""))
			require.NoError(t, err)
			if waits {
				l.Done()
			}
			cancel(why)
			requireEnded(t, l, why)
			time.Sleep(10 * testLease) // the work may not have noticed
			require.False(t, look(t, k, "key").Orphan)
			require.NoError(t, l.Release(t.Context()))
			requireEnded(t, l, why)
		}
	})
	bubble(t, "the first end is the cause, also if nobody has asked before the last", func(t *testing.T) {
		why := errors.New("why")
		for name, c := range map[string]struct {
			end  func(l *lease.Lease)
			want error
		}{
			"lost at MaxRun": {func(*lease.Lease) { time.Sleep(time.Hour) }, lease.ErrMaxRun},
			"released":       {func(l *lease.Lease) { require.NoError(t, l.Release(t.Context())) }, context.Canceled},
		} {
			for _, parentFirst := range []bool{false, true} {
				ctx, cancel := context.WithCancelCause(t.Context())
				l, _, err := keeper(t, newModel()).Try(ctx, "key", claim(""))
				require.NoError(t, err)
				want := c.want
				if parentFirst {
					cancel(why)
					want = why
				}
				c.end(l)
				synctest.Wait()
				cancel(why)
				require.Equal(t, want, context.Cause(l), "%s, parent first: %v", name, parentFirst)
				require.Equal(t, context.Canceled, l.Err())
				_ = l.Release(t.Context())
			}
		}
	})
	bubble(t, "its error does not change once it has one", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l, _, err := keeper(t, newModel()).Try(ctx, "key", claim(""))
		require.NoError(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, context.DeadlineExceeded, l.Err())
		require.NoError(t, l.Release(t.Context()))
		require.Equal(t, context.DeadlineExceeded, l.Err())
		require.Equal(t, context.DeadlineExceeded, context.Cause(l))
	})
	bubble(t, "its deadline is the earlier one", func(t *testing.T) {
		k := keeper(t, newModel(), func(c *lease.Config) { c.MaxRun = time.Minute })
		for outer, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Hour: time.Minute} {
			ctx, cancel := context.WithTimeout(t.Context(), outer)
			l, _, err := k.Try(ctx, "key", claim(""))
			require.NoError(t, err)
			deadline, ok := l.Deadline()
			require.True(t, ok)
			require.Equal(t, want, time.Until(deadline))
			require.NoError(t, l.Release(t.Context()))
			cancel()
		}
	})
	bubble(t, "its deadline can be read at the instant of a renewal", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim(""))
		want, _ := l.Deadline()
		for range 20 {
			time.Sleep(testLease / 3) // the race detector sees whether a lock is missing
			deadline, ok := l.Deadline()
			require.True(t, ok)
			require.Equal(t, want, deadline)
		}
		synctest.Wait()
		require.Equal(t, 20, m.count("Replace"))
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "contexts derived from it need no goroutine", func(t *testing.T) {
		g := gate(t, newModel())
		parent, stop := context.WithCancel(t.Context())
		defer stop()
		l, err := g.Enter(parent, "r")
		require.NoError(t, err)
		borrowed, err := g.Enter(context.WithoutCancel(l), "r")
		require.NoError(t, err)
		before := runtime.NumGoroutine()
		var children []context.Context
		for _, p := range []context.Context{l, borrowed} {
			for range 100 {
				child, cancel := context.WithTimeout(p, time.Hour)
				t.Cleanup(cancel)
				children = append(children, child)
			}
		}
		require.Less(t, runtime.NumGoroutine(), before+len(children)/2, "give or take what ends elsewhere")
		require.NoError(t, l.Release(t.Context()))
		synctest.Wait()
		for _, c := range children {
			require.ErrorIs(t, c.Err(), context.Canceled)
		}
		require.NoError(t, borrowed.Release(t.Context()))
	})
	bubble(t, "it is safe to use from everywhere at once", func(t *testing.T) {
		for range 50 {
			m := newModel()
			l := acquire(t, keeper(t, m), "key", claim(""))
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() { <-l.Done() })
				all.Go(func() { _ = l.Err(); _ = context.Cause(l) })
				all.Go(func() { _, _ = l.Deadline(); _ = l.Value(valueKey{}) })
				all.Go(func() {
					ctx, cancel := context.WithCancel(l)
					defer cancel()
					<-ctx.Done()
				})
				all.Go(func() { _ = l.Release(context.Background()) })
			}
			all.Wait()
			require.ErrorIs(t, l.Err(), context.Canceled)
		}
	})
}

func TestStoresGetABoundedContext(t *testing.T) {
	bubble(t, "with the caller's values and an early deadline", func(t *testing.T) {
		m := newModel()
		var inspected []string
		inspect := func(name string) fault {
			return fault{before: func(ctx context.Context) error {
				inspected = append(inspected, name)
				deadline, ok := ctx.Deadline()
				if !ok || time.Until(deadline) > lease.DefaultCallTimeout {
					t.Errorf("%s: deadline %v, %v", name, deadline, ok)
				}
				if ctx.Value(valueKey{}) != "value" {
					t.Errorf("%s: no value", name)
				}
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				if child.Err() != nil || child.Value(valueKey{}) != "value" || context.Cause(child) != nil {
					t.Errorf("%s: child has ended", name)
				}
				return nil
			}}
		}
		m.setFaults(func(s step) fault { return inspect(s.method) })
		ctx := context.WithValue(t.Context(), valueKey{}, "value")
		l, _, err := keeper(t, m).Try(ctx, "key", claim(""))
		require.NoError(t, err)
		require.NoError(t, l.Release(ctx))
		require.Equal(t, []string{"Create", "Delete"}, inspected)
	})
	bubble(t, "one that only ever looks at Err is told in time", func(t *testing.T) {
		m := newModel()
		spin := func(ctx context.Context) error {
			for ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return ctx.Err()
		}
		m.setFaults(on("Create", fault{before: spin}, 1))
		began := time.Now()
		_, _, err := keeper(t, m).Try(context.Background(), "key", claim(""))
		require.Error(t, err)
		require.InDelta(t, lease.DefaultCallTimeout, time.Since(began), float64(time.Millisecond))
		synctest.Wait()
		requireFree(t, keeper(t, m), "key")

		l := acquire(t, keeper(t, m), "key", claim(""))
		m.setFaults(on("Delete", fault{before: spin}))
		began = time.Now()
		require.Error(t, l.Release(t.Context()))
		require.InDelta(t, lease.DefaultCallTimeout, time.Since(began), float64(time.Millisecond))
	})
	bubble(t, "and the caller's own end, when it is acquiring", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Create", fault{before: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			require.Equal(t, time.Second, time.Until(deadline))
			for ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return ctx.Err()
		}}, 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := keeper(t, m).Try(ctx, "key", claim(""))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		requireFree(t, keeper(t, m), "key")
	})
}
