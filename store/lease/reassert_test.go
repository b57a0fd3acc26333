package lease_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store/lease"
)

// underWay is a lease whose transaction is about to settle it.
func underWay(t *testing.T, m *model) (*lease.Keeper, *lease.Lease, *unit) {
	t.Helper()
	k := keeper(t, m)
	l := acquire(t, k, "key", fixed("request"))
	tx := &unit{model: m}
	_, err := l.SettleIn(t.Context(), tx, []byte("outcome"), []byte("body"), day)
	require.NoError(t, err)
	return k, l, tx
}

func TestReassertDecides(t *testing.T) {
	bubble(t, "that a transaction has committed", func(t *testing.T) {
		m := newModel()
		k, l, tx := underWay(t, m)
		require.True(t, tx.commit())
		s, stands, err := l.Reassert(t.Context())
		require.NoError(t, err)
		require.False(t, stands)
		require.False(t, s.Held)
		require.Equal(t, "outcome", string(s.Note))
		require.Equal(t, "body", string(s.Record.Body))
		require.Equal(t, s.Record.Version, look(t, k, "key").Record.Version, "it was not touched")
	})
	bubble(t, "that one that deletes the record has", func(t *testing.T) {
		m := newModel()
		k := keeper(t, m)
		l := acquire(t, k, "key", fixed("request"))
		require.NoError(t, l.ReleaseIn(t.Context(), m))
		s, stands, err := l.Reassert(t.Context())
		require.NoError(t, err)
		require.False(t, stands)
		require.Zero(t, s)
		l.Abandon(t.Context())
		requireFree(t, k, "key")
	})
	bubble(t, "that it has not, and then it cannot any more", func(t *testing.T) {
		m := newModel()
		k, l, tx := underWay(t, m)
		s, stands, err := l.Reassert(t.Context())
		require.NoError(t, err)
		require.True(t, stands)
		require.True(t, s.Held)
		require.Equal(t, "request", string(s.Note))
		require.Greater(t, s.Record.Version, l.Token())
		require.False(t, tx.commit())
		require.NoError(t, l.Release(t.Context()))
		requireFree(t, k, "key")
	})
	bubble(t, "and a settlement outside knows the version that it wrote", func(t *testing.T) {
		m := newModel()
		k, l, _ := underWay(t, m)
		_, stands, err := l.Reassert(t.Context())
		require.NoError(t, err)
		require.True(t, stands)
		writes := m.count("Replace")
		_, err = l.Settle(t.Context(), []byte("unknown"), nil, day)
		require.NoError(t, err)
		require.Equal(t, 1, m.count("Replace")-writes)
		require.Equal(t, "unknown", string(look(t, k, "key").Note))
	})
	bubble(t, "that another has taken over, or has settled it", func(t *testing.T) {
		m := newModel()
		_, l, tx := underWay(t, m)
		taker := supplant(t, m, "key")
		s, stands, err := l.Reassert(t.Context())
		require.ErrorIs(t, err, lease.ErrLost)
		require.False(t, stands)
		require.Equal(t, "taker", string(s.Note))
		requireLive(t, taker)
		require.False(t, tx.commit())
		_, err = taker.Settle(t.Context(), []byte("outcome"), nil, day)
		require.NoError(t, err)
		s, stands, err = l.Reassert(t.Context())
		require.ErrorIs(t, err, lease.ErrLost)
		require.False(t, stands)
		require.Equal(t, "outcome", string(s.Note), "equal notes do not make it this lease's")
	})
	bubble(t, "for a transaction that holds the row, once that has ended", func(t *testing.T) {
		for name, commits := range map[string]bool{"commits": true, "rolls back": false} {
			m := newModel()
			_, l, tx := underWay(t, m)
			m.setFaults(on("Replace", fault{before: func(context.Context) error {
				time.Sleep(3 * time.Second)
				if m.setFaults(nil); commits {
					require.True(t, tx.commit())
				}
				return nil
			}}, 1))
			began := time.Now()
			s, stands, err := l.Reassert(t.Context())
			require.NoError(t, err, name)
			require.Equal(t, 3*time.Second, time.Since(began), name)
			require.Equal(t, !commits, stands, name)
			require.Equal(t, !commits, s.Held, name)
		}
	})
	bubble(t, "when its reply is lost, or the call is delivered twice", func(t *testing.T) {
		for name, f := range map[string]fault{"reply lost": {after: fail}, "call lost": {before: fail}, "twice": {twice: true}} {
			for _, commits := range []bool{true, false} {
				m := newModel()
				k, l, tx := underWay(t, m)
				if commits {
					require.True(t, tx.commit())
				}
				m.setFaults(on("Replace", f, m.count("Replace")+1))
				s, stands, err := l.Reassert(t.Context())
				require.NoError(t, err, name)
				require.Equal(t, !commits, stands, name)
				require.Equal(t, look(t, k, "key").Record.Version, s.Record.Version, name)
				m.setFaults(nil)
				if !commits {
					require.False(t, tx.commit(), name)
					require.NoError(t, l.Release(t.Context()), name)
					requireFree(t, k, "key")
				}
			}
		}
	})
	bubble(t, "although the caller's context has ended", func(t *testing.T) {
		_, l, _ := underWay(t, newModel())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, stands, err := l.Reassert(ctx)
		require.NoError(t, err)
		require.True(t, stands)
	})
	bubble(t, "although the time of the lease is over, and the lease abandoned", func(t *testing.T) {
		m := newModel()
		k, l, tx := underWay(t, m)
		time.Sleep(testLapse)
		requireEnded(t, l, lease.ErrMaxRun)
		l.Abandon(t.Context())
		_, stands, err := l.Reassert(t.Context())
		require.NoError(t, err)
		require.True(t, stands)
		require.False(t, tx.commit())
		requireEnded(t, l, lease.ErrMaxRun)
		require.False(t, look(t, k, "key").Orphan, "it was written just now")
	})
}

func TestReassertIsNotDecided(t *testing.T) {
	bubble(t, "by a store that gives no answer, and what stands protects", func(t *testing.T) {
		for name, f := range map[string]fault{"no call arrives": {before: fail}, "no reply arrives": {after: fail}} {
			m := newModel()
			k, l, tx := underWay(t, m)
			m.setFaults(on("Replace", f))
			began := time.Now()
			s, stands, err := l.Reassert(t.Context())
			require.ErrorIs(t, err, errReset, name)
			require.Equal(t, lease.DefaultCallTimeout, time.Since(began), name)
			require.NotErrorIs(t, err, lease.ErrLost, name)
			require.False(t, stands, name)
			require.Zero(t, s, name)
			require.Greater(t, m.count("Replace"), 10, name)
			m.setFaults(nil)
			require.Equal(t, "request", string(look(t, k, "key").Note), name)
			require.Equal(t, name == "no call arrives", tx.commit(), name)
			if name == "no reply arrives" { // whatever its version, it is this lease's to settle
				_, err = l.Settle(t.Context(), []byte("later"), nil, day)
				require.NoError(t, err)
				require.Equal(t, "later", string(look(t, k, "key").Note))
			}
		}
	})
	bubble(t, "by one that hangs, for CallTimeout", func(t *testing.T) {
		m := newModel()
		_, l, tx := underWay(t, m)
		m.setFaults(on("Replace", fault{before: hang}))
		began := time.Now()
		_, _, err := l.Reassert(t.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, lease.ErrLost)
		require.Equal(t, lease.DefaultCallTimeout, time.Since(began))
		m.setFaults(nil)
		require.True(t, tx.commit())
	})
	bubble(t, "by a record that nobody can read", func(t *testing.T) {
		m := newModel()
		_, l, _ := underWay(t, m)
		corrupt := scribble(t, m, "key")
		s, stands, err := l.Reassert(t.Context())
		require.ErrorIs(t, err, lease.ErrCorrupt)
		require.NotErrorIs(t, err, lease.ErrLost)
		require.False(t, stands)
		require.Equal(t, corrupt.Version, s.Record.Version)
	})
}

// TestReassertDoesNotTakeASuccessorsReleaseForACommit: that there is no record
// means what the transaction was to do only while nobody else can have been
// there.
func TestReassertDoesNotTakeASuccessorsReleaseForACommit(t *testing.T) {
	bubble(t, "one that came and went", func(t *testing.T) {
		m := newModel()
		_, l, tx := underWay(t, m)
		require.NoError(t, supplant(t, m, "key").Release(t.Context()))
		s, stands, err := l.Reassert(t.Context())
		require.ErrorIs(t, err, lease.ErrLost)
		require.False(t, stands)
		require.Zero(t, s)
		require.False(t, tx.commit())
	})
	bubble(t, "one that did while the answer was on its way", func(t *testing.T) {
		for _, call := range []string{"Replace", "Delete"} {
			m := newModel()
			_, l, _ := underWay(t, m)
			time.Sleep(testStop - 1)
			m.setFaults(on(call, fault{before: func(context.Context) error {
				m.setFaults(nil)
				return supplant(t, m, "key").Release(context.Background())
			}}))
			var err error
			if call == "Replace" {
				_, _, err = l.Reassert(t.Context())
			} else {
				err = l.ReleaseIn(t.Context(), m)
			}
			require.ErrorIs(t, err, lease.ErrLost, call)
		}
	})
	bubble(t, "nor the end of its record", func(t *testing.T) {
		_, l, _ := underWay(t, newModel())
		time.Sleep(day)
		_, _, err := l.Reassert(t.Context())
		require.ErrorIs(t, err, lease.ErrLost)
	})
}

func TestReassertDoesNotExtendTheLease(t *testing.T) {
	bubble(t, "in its owner's eyes, but in a taker's", func(t *testing.T) {
		m := newModel()
		k, l, _ := underWay(t, m)
		time.Sleep(testStop - 1)
		_, stands, err := l.Reassert(t.Context())
		require.NoError(t, err)
		require.True(t, stands)
		requireLive(t, l)
		time.Sleep(1)
		synctest.Wait()
		requireEnded(t, l, lease.ErrMaxRun)
		time.Sleep(testLapse - 2)
		require.False(t, look(t, k, "key").Orphan)
		time.Sleep(1)
		require.True(t, look(t, k, "key").Orphan)
	})
	bubble(t, "nor does one that arrives late bring back what is over", func(t *testing.T) {
		m := newModel()
		k, l, _ := underWay(t, m)
		m.setFaults(on("Replace", fault{before: stubborn(time.Minute)}, 1))
		go l.Reassert(t.Context())
		synctest.Wait()
		_, err := l.Settle(t.Context(), []byte("settled"), nil, day)
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		require.Equal(t, "settled", string(look(t, k, "key").Note))
	})
}
