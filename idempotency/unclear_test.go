package idempotency_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// planned is a server on s whose first transaction goes as planned.
func planned(t *testing.T, s store.Store, tx *txMemory, p txPlan, change ...func(*idempotency.Config)) *server {
	t.Helper()
	tx.befall(func(n int) txPlan {
		if n == 1 {
			return p
		}
		return txPlan{}
	})
	return serverOn(t, s, booking(nil), change...)
}

func TestUnclearCommitIsDecidedByCompareAndSet(t *testing.T) {
	done := map[string]txPlan{
		"it was done, and the answer was lost":  {commit: txDoneUnsaid},
		"it is done before the question":        {commit: txDoneUnsaid, takes: 2 * time.Second},
		"it is under way, and the lock is kept": {commit: txLate, takes: 2 * time.Second},
	}
	for name, plan := range done {
		bubble(t, name, func(t *testing.T) {
			s := newTxMemory()
			h := planned(t, s, s, plan)
			assertCharge(t, 1, send(h, post("k", "{}")), "it is done, and is not denied")
			time.Sleep(time.Minute)
			assertCharge(t, 1, send(h, post("k", "{}")))
			assert.Equal(t, 1, s.count("k"))
			assert.Len(t, h.saw.of(middleware.EventPassed), 1)
		})
	}
	undone := map[string]txPlan{
		"it was not done":                          {commit: txFails},
		"it is rolled back later":                  {commit: txNever, takes: 2 * time.Second},
		"it is under way, and comes second":        {commit: txLate, takes: 2 * time.Second, unlocked: true},
		"it would come when the lease is over":     {commit: txLate, takes: lapseTime, unlocked: true},
		"it is rolled back, and nothing is locked": {commit: txNever, takes: 2 * time.Second, unlocked: true},
	}
	for name, plan := range undone {
		bubble(t, name, func(t *testing.T) {
			s := newTxMemory()
			h := planned(t, s, s, plan)
			isRolledBack(t, s, h, start(h, post("k", "{}")))
			time.Sleep(time.Minute)
			assert.Equal(t, 1, s.count("k"), "what is decided stays so")
		})
	}
	bubble(t, "of an answer whose key is freed", func(t *testing.T) {
		s := newTxMemory()
		frees := func(c *idempotency.Config) {
			c.Keep = func(int, http.Header) idempotency.Disposition { return idempotency.Free }
		}
		h := planned(t, s, s, txPlan{commit: txDoneUnsaid}, frees)
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Equal(t, 1, s.count("k"))
		assertCharge(t, 2, send(h, post("k", "{}")))
	})
}

func TestUndecidedCommit(t *testing.T) {
	for name, plan := range map[string]txPlan{"done": {commit: txDoneUnsaid}, "not done": {commit: txFails}} {
		bubble(t, "it was "+name+", and the store cannot be asked", func(t *testing.T) {
			s := &txHook{txMemory: newTxMemory()}
			a, b := planned(t, s, s.txMemory, plan), serverOn(t, s, booking(nil))
			s.commit = func(commit func() error) error {
				a.wire.befall(func(c step) mishap {
					if c.method == "Replace" {
						return mishap{before: broken}
					}
					return mishap{}
				})
				return commit()
			}
			w := send(a, post("k", "{}"))
			assert.Equal(t, problem.KindStoreUnavailable, kindOf(t, w))
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
			told := a.saw.of(middleware.EventFailed)
			require.Len(t, told, 1)
			assert.ErrorIs(t, told[0].Err, errCut)
			s.commit = nil
			if name == "not done" {
				assertInFlight(t, send(b, post("k", "{}")), "the claim protects: it might yet be done")
				time.Sleep(lapseTime)
			}
			w = send(b, post("k", "{}"))
			assertCharge(t, 1, w)
			assert.Equal(t, name == "done", replayed(w))
			assert.Equal(t, 1, s.count("k"))
		})
	}
}

func TestSlowCommit(t *testing.T) {
	bubble(t, "within the lease", func(t *testing.T) {
		s := newTxMemory()
		h := planned(t, s, s, txPlan{takes: stopTime - 1})
		p := start(h, post("k", "{}"))
		assertCharge(t, 1, p.answer())
		assert.Equal(t, stopTime-1, p.took, "nothing is answered before")
		assert.Equal(t, 1, s.count("k"))
	})
	bubble(t, "longer than the lease, which the database enforces", func(t *testing.T) {
		s := newTxMemory()
		h := planned(t, s, s, txPlan{takes: lapseTime - 1})
		isRolledBack(t, s, h, start(h, post("k", "{}")))
	})
	bubble(t, "longer than the lease, which it does not, and nobody came", func(t *testing.T) {
		s := newTxMemory()
		h := planned(t, s, s, txPlan{takes: time.Minute, unlocked: true})
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Equal(t, 1, s.count("k"))
		assertCharge(t, 1, send(h, post("k", "{}")))
	})
}

// overtakenUnderWay returns a request whose commit comes just too late, and the
// one under the same key that has taken over and still runs.
func overtakenUnderWay(t *testing.T, s *txMemory) (first, second *pending) {
	t.Helper()
	a := planned(t, s, s, txPlan{takes: lapseTime + time.Second, unlocked: true})
	b := serverOn(t, s, booking(func(w http.ResponseWriter, _ *http.Request, n int64) {
		time.Sleep(5 * time.Second)
		charged(w, n)
	}))
	first = start(a, post("k", "{}"))
	time.Sleep(lapseTime)
	return first, start(b, post("k", "{}"))
}

// The commit of the first server takes so long that others come in between.
func TestCommitThatIsTakenOver(t *testing.T) {
	slow := txPlan{takes: time.Minute, unlocked: true}
	overtaken := func(t *testing.T, plan txPlan, successor *till, change ...func(*idempotency.Config)) (*txMemory, *server, *pending) {
		s := newTxMemory()
		a, b := planned(t, s, s, plan, change...), serverOn(t, s, successor)
		first := start(a, post("k", "{}"))
		time.Sleep(lapseTime)
		send(b, post("k", "{}"))
		return s, a, first
	}
	bubble(t, "by one that was done", func(t *testing.T) {
		pay := booking(nil)
		pay.runs.Store(1)
		s, a, first := overtaken(t, slow, pay)
		assertCharge(t, 2, first.answer())
		assert.True(t, replayed(first.answer()))
		assert.Equal(t, 1, s.count("k"))
		assert.Len(t, a.saw.of(middleware.EventLost), 1)
	})
	bubble(t, "by one that still runs", func(t *testing.T) {
		s := newTxMemory()
		first, second := overtakenUnderWay(t, s)
		assertInFlight(t, first.answer())
		assertCharge(t, 1, second.answer())
		assert.Equal(t, 1, s.count("k"))
	})
	bubble(t, "by one that failed, and is on record", func(t *testing.T) {
		s, _, first := overtaken(t, slow, booking(answers(http.StatusConflict)))
		assert.Equal(t, http.StatusConflict, first.answer().Code)
		assert.True(t, replayed(first.answer()))
		assert.Zero(t, s.count("k"))
	})
	for name, keep := range map[string]idempotency.Disposition{"kept": idempotency.Keep, "freed": idempotency.Free} {
		bubble(t, "by one that did nothing and has freed the key, while its own was to be "+name, func(t *testing.T) {
			s, a, first := overtaken(t, slow, booking(answers(http.StatusTooManyRequests)), func(c *idempotency.Config) {
				c.Keep = func(int, http.Header) idempotency.Disposition { return keep }
			})
			w := first.answer()
			assert.NotEqual(t, http.StatusCreated, w.Code, "nothing was done, and it must not say so")
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
			assert.Zero(t, s.count("k"))
			assertCharge(t, 2, send(a, post("k", "{}")))
			assert.Equal(t, 1, s.count("k"))
		})
	}
}

func TestOutcomeThatIsSettledByAnother(t *testing.T) {
	// While the transaction is about to write its outcome, the record is not
	// its own any more.
	meanwhile := func(t *testing.T, then func(s *txHook, v *server, key string)) (*txHook, *pending) {
		s := &txHook{txMemory: newTxMemory()}
		h := serverOn(t, s, booking(nil))
		s.settle = func() error {
			s.settle = nil
			then(s, h, h.wire.keys()[0])
			return nil
		}
		p := start(h, post("k", "{}"))
		p.answer()
		return s, p
	}
	bubble(t, "it answers with that one's", func(t *testing.T) {
		s, p := meanwhile(t, func(s *txHook, v *server, key string) {
			r, _, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			_, _, err = s.Store.Replace(t.Context(), key, r.Version, store.Record{Head: []byte("?"), TTL: time.Hour})
			require.NoError(t, err)
			send(v, post("k", "{}"))
			ref := v.saw.of(middleware.EventFailed)
			require.NotEmpty(t, append(ref, v.saw.of(middleware.EventRefused)...))
			require.NoError(t, v.layer.Resolve(t.Context(), ref[0].Key, &idempotency.Outcome{Status: http.StatusAccepted}))
		})
		assert.Equal(t, http.StatusAccepted, p.w.Code)
		assert.True(t, replayed(p.w))
		assert.Zero(t, s.count("k"), "and rolls back")
	})
	bubble(t, "if it is gone it may be sent again", func(t *testing.T) {
		s, p := meanwhile(t, func(s *txHook, _ *server, key string) {
			r, _, err := s.Get(context.Background(), key)
			require.NoError(t, err)
			_, err = s.Store.Delete(context.Background(), key, r.Version)
			require.NoError(t, err)
		})
		assertInFlight(t, p.w)
		assert.Zero(t, s.count("k"))
	})
}
