package idempotency_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

// spend begins a transaction, enters account into its ledger, and replaces the
// record at "key" by one that says so.
func spend(t *testing.T, s *txMemory, account string) (*txUnit, store.Record) {
	t.Helper()
	found, exists, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	if !exists {
		found, exists, err = s.Create(t.Context(), "key", store.Record{Head: []byte("claim"), TTL: time.Hour})
		require.NoError(t, err)
		require.True(t, exists)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	tx, err := s.Begin(ctx)
	require.NoError(t, err)
	u := txLedger(tx.Context(ctx))
	_, err = u.enter(account)
	require.NoError(t, err)
	_, replaced, err := tx.Replace(ctx, "key", found.Version, store.Record{Head: []byte(account), TTL: time.Hour})
	require.NoError(t, err)
	require.True(t, replaced)
	return u, found
}

// standsAt returns the head at "key" once all has come to its end.
func standsAt(t *testing.T, s *txMemory) string {
	t.Helper()
	time.Sleep(5 * time.Minute)
	r, _, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	return string(r.Head)
}

func TestTxMemory(t *testing.T) {
	for name, c := range map[string]struct {
		plan txPlan
		done bool
		err  error
	}{
		"nothing befalls it":           {done: true},
		"it takes its time":            {plan: txPlan{takes: 10 * time.Second}, done: true},
		"it takes too long":            {plan: txPlan{takes: time.Hour}, err: errTxEnded},
		"it fails":                     {plan: txPlan{commit: txFails}, err: errTxFailed},
		"no answer comes":              {plan: txPlan{commit: txHangs}, done: true, err: errTxUnclear},
		"no answer comes, nor a write": {plan: txPlan{commit: txDies}, err: errTxUnclear},
		"it is done later":             {plan: txPlan{commit: txLate, takes: 30 * time.Second}, done: true, err: errTxUnclear},
		"it would be done too late":    {plan: txPlan{commit: txLate, takes: time.Hour}, err: errTxUnclear},
		"it is never done":             {plan: txPlan{commit: txNever, takes: 30 * time.Second}, err: errTxUnclear},
		"it is done without a word":    {plan: txPlan{commit: txDoneUnsaid}, done: true, err: errTxUnclear},
		"a statement had failed":       {plan: txPlan{failAt: 3}, err: errTxAborted},
	} {
		bubble(t, name, func(t *testing.T) {
			s := newTxMemory()
			s.befall(func(int) txPlan { return c.plan })
			u, _ := spend(t, s, "spent")
			if c.plan.failAt > 0 {
				_, err := u.enter("too much")
				require.ErrorIs(t, err, errTxStatement)
				_, _, err = u.Get(t.Context(), "key")
				require.ErrorIs(t, err, errTxAborted)
			}
			answer := make(chan error, 1)
			go func() { answer <- u.Commit() }()
			want, entries := "claim", 0
			if c.done {
				want, entries = "spent", 1
			}
			require.Equal(t, want, standsAt(t, s))
			require.Equal(t, entries, s.count("spent"))
			s.stop()
			require.ErrorIs(t, <-answer, c.err)
			_, err := u.enter("more")
			require.Error(t, err)
			require.Error(t, u.Rollback())
		})
	}
	bubble(t, "what is rolled back was never there", func(t *testing.T) {
		s := newTxMemory()
		u, _ := spend(t, s, "spent")
		require.NoError(t, u.Rollback())
		require.Equal(t, "claim", standsAt(t, s))
		require.Empty(t, s.committed())
	})
	bubble(t, "one that its context leaves behind is rolled back", func(t *testing.T) {
		s := newTxMemory()
		u, _ := spend(t, s, "spent")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.ErrorIs(t, u.Commit(), errTxEnded)
		require.Equal(t, "claim", standsAt(t, s))
	})
	bubble(t, "who would write what it holds waits, and readers do not", func(t *testing.T) {
		for _, commits := range []bool{true, false} {
			s := newTxMemory()
			u, found := spend(t, s, "spent")
			began := time.Now()
			r, _, err := s.Get(t.Context(), "key")
			require.NoError(t, err)
			require.Equal(t, "claim", string(r.Head))
			require.Zero(t, time.Since(began))
			time.AfterFunc(time.Second, func() {
				if commits {
					_ = u.Commit()
				} else {
					_ = u.Rollback()
				}
			})
			_, replaced, err := s.Replace(t.Context(), "key", found.Version, store.Record{Head: []byte("other"), TTL: time.Hour})
			require.NoError(t, err)
			require.Equal(t, time.Second, time.Since(began))
			require.Equal(t, !commits, replaced)
		}
	})
	bubble(t, "without the lock a compare-and-set outside comes first", func(t *testing.T) {
		s := newTxMemory()
		s.befall(func(int) txPlan { return txPlan{commit: txLate, takes: time.Second, unlocked: true} })
		u, found := spend(t, s, "spent")
		require.ErrorIs(t, u.Commit(), errTxUnclear)
		synctest.Wait()
		_, replaced, err := s.Replace(t.Context(), "key", found.Version, store.Record{Head: []byte("other"), TTL: time.Hour})
		require.NoError(t, err)
		require.True(t, replaced)
		require.Equal(t, "other", standsAt(t, s))
		require.Empty(t, s.committed())
	})
	bubble(t, "of two the second waits, and finds that it is too late", func(t *testing.T) {
		s := newTxMemory()
		u, found := spend(t, s, "spent")
		other, err := s.Begin(t.Context())
		require.NoError(t, err)
		time.AfterFunc(time.Second, func() { _ = u.Commit() })
		_, deleted, err := other.Replace(t.Context(), "key", found.Version, store.Record{TTL: time.Hour})
		require.NoError(t, err)
		require.False(t, deleted)
		require.NoError(t, other.Commit())
		require.Equal(t, "spent", standsAt(t, s))
	})
	bubble(t, "it sees its own writes, and nobody else does", func(t *testing.T) {
		s := newTxMemory()
		tx, err := s.Begin(t.Context())
		require.NoError(t, err)
		r, created, err := tx.Create(t.Context(), "key", store.Record{Head: []byte("own"), TTL: time.Hour})
		require.NoError(t, err)
		require.True(t, created)
		own, found, err := tx.Get(t.Context(), "key")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, r.Version, own.Version)
		_, found, err = s.Get(t.Context(), "key")
		require.NoError(t, err)
		require.False(t, found)
		deleted, err := tx.Delete(t.Context(), "key", r.Version)
		require.NoError(t, err)
		require.True(t, deleted)
		require.NoError(t, tx.Commit())
		require.Empty(t, standsAt(t, s))
	})
}
