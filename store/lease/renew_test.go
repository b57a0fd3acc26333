package lease_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

func TestHandlerOutlivesLease(t *testing.T) {
	bubble(t, "it is renewed, and nobody else gets in", func(t *testing.T) {
		m := newModel()
		l, err := gate(t, m).Enter(t.Context(), "r")
		require.NoError(t, err)
		other := gate(t, m, func(c *lease.GateConfig) { c.Wait = -1 })
		for range 100 {
			time.Sleep(testLease / 10)
			requireLive(t, l)
			_, err := other.Enter(t.Context(), "r")
			require.ErrorIs(t, err, lease.ErrBusy)
		}
		synctest.Wait()
		require.Equal(t, 30, m.count("Replace"), "at each third of the lease")
		require.NoError(t, l.Release(t.Context()))
		l, err = other.Enter(t.Context(), "r")
		require.NoError(t, err)
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "a store that fails for a while does not end it", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		m.setFaults(on("Replace", fault{before: fail}))
		time.Sleep(testStop - time.Second)
		m.setFaults(nil)
		time.Sleep(2 * testLease)
		requireLive(t, l)
		require.NoError(t, l.Release(t.Context()))
	})
	bubble(t, "a store that is down for too long ends it, to the instant", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: fail}))
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		time.Sleep(testStop - 1)
		requireLive(t, l)
		time.Sleep(1)
		synctest.Wait()
		requireEnded(t, l, lease.ErrLost)
		require.NotErrorIs(t, context.Cause(l), lease.ErrMaxRun)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
		requireFree(t, keeper(t, m), "key") // its record went all the same
	})
	bubble(t, "the lease counts from the sending, not from the answer", func(t *testing.T) {
		m := newModel()
		m.setFaults(func(s step) fault {
			switch {
			case s.method == "Create":
				return fault{after: delay(2 * time.Second)}
			case s.method == "Replace":
				return fault{before: fail}
			}
			return fault{}
		})
		began := time.Now()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		require.Equal(t, 2*time.Second, time.Since(began))
		<-l.Done()
		require.Equal(t, testStop, time.Since(began))
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
	bubble(t, "the same holds for a renewal", func(t *testing.T) {
		m := newModel()
		m.setFaults(func(s step) fault {
			switch {
			case s.method == "Replace" && s.nth == 1:
				return fault{after: delay(2 * time.Second)}
			case s.method == "Replace":
				return fault{before: fail}
			}
			return fault{}
		})
		began := time.Now()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		<-l.Done()
		require.Equal(t, testLease/3+testStop, time.Since(began))
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
	bubble(t, "an owner whose renewal hangs stops in time", func(t *testing.T) {
		m := newModel()
		m.setFaults(on("Replace", fault{before: stubborn(time.Hour)}))
		began := time.Now()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		<-l.Done()
		require.Equal(t, testStop, time.Since(began))
		requireEnded(t, l, lease.ErrLost)
		time.Sleep(time.Hour)
	})
	bubble(t, "an owner whose timer is late finds its context ended", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		lease.StopTimer(l) // as if the process had been paused
		time.Sleep(testStop - 1)
		require.NoError(t, l.Err())
		time.Sleep(1)
		requireEnded(t, l, lease.ErrLost)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
	})
}

func TestTokenIsStable(t *testing.T) {
	bubble(t, "over renewals", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", claim(""))
		token := l.Token()
		require.NotZero(t, token)
		for range 20 {
			time.Sleep(testLease / 3)
			synctest.Wait()
			require.Equal(t, token, l.Token())
		}
		require.Greater(t, look(t, k, "key").Record.Version, token, "the record did move on")
		require.NoError(t, l.Release(t.Context()))
		next := acquire(t, k, "key", claim(""))
		require.Greater(t, next.Token(), token)
		require.NoError(t, next.Release(t.Context()))
	})
}

func TestRenewalRacesCompletion(t *testing.T) {
	finish := map[string]func(*lease.Lease) error{
		"release": func(l *lease.Lease) error { return l.Release(context.Background()) },
		"settle": func(l *lease.Lease) error {
			_, err := l.Settle(context.Background(), []byte("done"), nil, day)
			return err
		},
	}
	faults := map[string]fault{
		"is under way":           {before: delay(time.Second)},
		"was written, no answer": {after: delay(time.Second)},
		"lost its reply":         {after: fail},
		"was delivered twice":    {twice: true},
		"hangs":                  {before: hang},
		"failed":                 {before: fail},
		"hung once written":      {after: hang},
	}
	for name, finish := range finish {
		for fault, f := range faults {
			bubble(t, name+" when a renewal "+fault, func(t *testing.T) {
				m := newModel()
				k := keeper(t, m)
				l := acquire(t, k, "key", claim(""))
				m.setFaults(on("Replace", f, 1))
				time.Sleep(testLease/3 + time.Millisecond)
				require.NoError(t, finish(l))
				requireEnded(t, l, context.Canceled)
				time.Sleep(2 * testLapse) // nothing comes after
				r, found, err := m.Get(t.Context(), "key")
				require.NoError(t, err)
				require.Equal(t, name == "settle", found)
				if found {
					s := look(t, k, "key")
					require.False(t, s.Held)
					require.Equal(t, "done", string(s.Note))
					require.Equal(t, s.Record.Version, r.Version)
				}
			})
		}
	}
	bubble(t, "a renewal that hangs in spite of its context does not hold up a release for ever", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", claim(""))
		m.setFaults(on("Replace", fault{before: stubborn(time.Hour)}))
		time.Sleep(testLease/3 + 1)
		began := time.Now()
		require.Error(t, l.Release(t.Context()))
		require.Equal(t, lease.DefaultCallTimeout, time.Since(began))
		time.Sleep(time.Hour)
	})
	bubble(t, "a record moved on by lost replies is renewed, not lost", func(t *testing.T) {
		m := newModel()
		l := acquire(t, keeper(t, m), "key", lease.Claim{})
		n := 0
		m.setFaults(func(s step) fault {
			if n++; s.method == "Replace" && (n%4 == 1 || n%4 == 2) {
				return fault{after: fail}
			}
			return fault{}
		})
		time.Sleep(20 * testLease)
		requireLive(t, l)
		require.NoError(t, l.Release(t.Context()))
	})
}

func TestHungHandlerIsBounded(t *testing.T) {
	maxRun := func(c *lease.GateConfig) { c.MaxRun, c.Wait = time.Minute, time.Hour }
	bubble(t, "its context ends, and others come in", func(t *testing.T) {
		m := newModel()
		began := time.Now()
		l, err := gate(t, m, maxRun).Enter(t.Context(), "r")
		require.NoError(t, err)
		deadline, ok := l.Deadline()
		require.True(t, ok)
		require.True(t, deadline.Equal(began.Add(time.Minute)))
		next, err := gate(t, m, maxRun).Enter(t.Context(), "r")
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), time.Minute+testLapse)
		requireEnded(t, l, lease.ErrMaxRun)
		requireEnded(t, l, lease.ErrLost)
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrMaxRun)
		requireLive(t, next)
		require.NoError(t, next.Release(t.Context()))
	})
	bubble(t, "to the instant, and is not renewed past it", func(t *testing.T) {
		m := newModel()
		l, err := gate(t, m, maxRun).Enter(t.Context(), "r")
		require.NoError(t, err)
		time.Sleep(time.Minute - 1)
		requireLive(t, l)
		time.Sleep(1)
		synctest.Wait()
		requireEnded(t, l, lease.ErrMaxRun)
		renewals := m.count("Replace")
		time.Sleep(time.Minute)
		require.Equal(t, renewals, m.count("Replace"))
	})
	bubble(t, "one that comes back after all gives the record back", func(t *testing.T) {
		m := newModel()
		l, err := gate(t, m, maxRun).Enter(t.Context(), "r")
		require.NoError(t, err)
		<-l.Done()
		require.ErrorIs(t, l.Release(t.Context()), lease.ErrMaxRun)
		_, found, _ := m.Get(t.Context(), lease.GateKey("", "r"))
		require.False(t, found)
	})
}

func TestOneTimerServesManyLeases(t *testing.T) {
	bubble(t, "a thousand are renewed, and nothing runs once they are released", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		var leases []*lease.Lease
		for i := range 1000 {
			leases = append(leases, acquire(t, k, string(rune('a'+i)), lease.Claim{}))
			time.Sleep(time.Millisecond)
		}
		set, n := lease.TimerIsSet(k)
		require.True(t, set)
		require.Equal(t, 1000, n)
		time.Sleep(10 * testLease)
		synctest.Wait()
		require.InDelta(t, 30*1000, m.count("Replace"), 1000)
		for i, l := range leases {
			requireLive(t, l)
			require.NoError(t, l.Release(t.Context()), i)
		}
		_, n = lease.TimerIsSet(k)
		require.Zero(t, n)
		time.Sleep(testLease / 3) // one call in vain
		synctest.Wait()
		set, _ = lease.TimerIsSet(k)
		require.False(t, set)
	})
	bubble(t, "a store that hangs for some delays neither the renewals nor the end of others", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		m.setFaults(func(s step) fault {
			if s.method == "Replace" && s.key != "fine" {
				return fault{before: stubborn(time.Hour)}
			}
			return fault{}
		})
		began := time.Now()
		var hanging []*lease.Lease
		for i := range 100 {
			hanging = append(hanging, acquire(t, k, string(rune('a'+i)), lease.Claim{}))
		}
		fine := acquire(t, k, "fine", lease.Claim{})
		for _, l := range hanging {
			<-l.Done()
			require.Equal(t, testStop, time.Since(began))
		}
		time.Sleep(5 * testLease)
		requireLive(t, fine)
		require.NoError(t, fine.Release(t.Context()))
		time.Sleep(time.Hour)
	})
	bubble(t, "releasing at once leaves the timer alone", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		began := time.Now()
		for range 1000 {
			require.NoError(t, acquire(t, k, "key", lease.Claim{}).Release(t.Context()))
			time.Sleep(time.Microsecond)
		}
		require.Equal(t, testLease/3, lease.TimerFiresAt(k), "as the first lease set it, at %v", began)
	})
}
