package idempotency_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// bubble runs test on a clock of its own. Goroutines that are left over fail it.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// assertInFlight fails unless w says that the first request still runs.
func assertInFlight(t testing.TB, w *httptest.ResponseRecorder, why ...any) {
	t.Helper()
	assert.Equal(t, http.StatusConflict, w.Code, why...)
	assert.Contains(t, w.Body.String(), string(problem.KindRequestInFlight), why...)
	assert.NotEmpty(t, w.Header().Get("Retry-After"), why...)
}

// assertCharge fails unless w is the answer that says charge n.
func assertCharge(t testing.TB, n int64, w *httptest.ResponseRecorder, why ...any) {
	t.Helper()
	assert.Equal(t, http.StatusCreated, w.Code, why...)
	assert.Equal(t, fmt.Sprintf("{\"charge\":%d}\n", n), w.Body.String(), why...)
}

func TestHundredRacersOneRun(t *testing.T) {
	race := func(t *testing.T, wait time.Duration) (all []*httptest.ResponseRecorder) {
		shared := memory.New(memory.Config{})
		pay := taking(time.Second)
		a, b := serverOn(t, shared, pay, waiting(wait)), serverOn(t, shared, pay, waiting(wait))
		var racers []*pending
		for i := range 100 {
			racers = append(racers, start([]http.Handler{a, b}[i%2], post("k", "{}")))
		}
		for _, p := range racers {
			all = append(all, p.answer())
		}
		assert.EqualValues(t, 1, pay.runs.Load())
		return all
	}
	bubble(t, "the others are told that it is in flight", func(t *testing.T) {
		won := 0
		for _, w := range race(t, 0) {
			if w.Code == http.StatusCreated {
				won++
				assert.False(t, replayed(w))
				continue
			}
			assertInFlight(t, w)
		}
		assert.Equal(t, 1, won)
	})
	bubble(t, "or wait for its answer", func(t *testing.T) {
		first := 0
		for _, w := range race(t, time.Minute) {
			assertCharge(t, 1, w)
			if !replayed(w) {
				first++
			}
		}
		assert.Equal(t, 1, first)
	})
}

func TestResultVisibleBeforeRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), &till{}
		a, b := serverOn(t, shared, pay), serverOn(t, shared, pay)
		first := newPending()
		looked := 0
		a.wire.befall(on("Replace", mishap{
			before: then(func() { assertInFlight(t, send(b, post("k", "{}")), "before the outcome is written"); looked++ }),
			after: then(func() {
				w := send(b, post("k", "{}"))
				assertCharge(t, 1, w, "as soon as it is written")
				assert.True(t, replayed(w))
				assert.False(t, first.over(), "nobody was answered before")
				looked++
			}),
		}, 1))
		assertCharge(t, 1, first.start(a, post("k", "{}")).answer())
		assert.Equal(t, 2, looked)
		assert.Zero(t, a.wire.calls("Delete"), "claim and outcome are one record")
		assert.Equal(t, 1, a.wire.calls("Create"))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

func TestLiveClaimIsNotAnOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), taking(10*leaseTime+time.Second)
		a, b := serverOn(t, shared, pay, rerun), serverOn(t, shared, pay, rerun)
		first := start(a, post("k", "{}"))
		synctest.Wait()
		for range 50 {
			time.Sleep(2 * time.Second)
			assertInFlight(t, send(b, post("k", "{}")))
		}
		assertCharge(t, 1, first.answer())
		assertCharge(t, 1, send(b, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

func TestHandlerOutlivesLease(t *testing.T) {
	for name, policy := range map[string]func(*idempotency.Config){"Refuse": func(*idempotency.Config) {}, "Rerun": rerun} {
		bubble(t, name, func(t *testing.T) {
			shared := memory.New(memory.Config{})
			pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
				time.Sleep(5 * leaseTime)
				assert.NoError(t, r.Context().Err(), "it is the owner still")
				charged(w, n)
			}}
			a, b := serverOn(t, shared, pay, policy), serverOn(t, shared, pay, policy, waiting(time.Hour))
			first := start(a, post("k", "{}"))
			time.Sleep(2 * leaseTime)
			again := start(b, post("k", "{}"))
			assertCharge(t, 1, first.answer())
			assertCharge(t, 1, again.answer())
			assert.EqualValues(t, 1, pay.runs.Load())
			assert.Empty(t, a.saw.of(middleware.EventLost))
		})
	}
}

func TestZeroTTLIsNotUnset(t *testing.T) {
	bubble(t, "an outcome is gone at the instant at which its time is over, not before and not never", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		send(h, post("k", "{}"))
		time.Sleep(keptTime - 1)
		assertCharge(t, 1, send(h, post("k", "{}")))
		time.Sleep(1)
		assertCharge(t, 2, send(h, post("k", "{}")))
	})
	bubble(t, "a claim is an orphan at the instant at which its lease is over, not before and not never", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, _ := firstHangs(t)
		a, b := serverOn(t, shared, pay, rerun), serverOn(t, shared, pay, rerun)
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapseTime - 1)
		assertInFlight(t, send(b, post("k", "{}")))
		time.Sleep(1)
		assertCharge(t, 2, send(b, post("k", "{}")))
	})
	bubble(t, "a claim of which a store says that no time is left protects as long as it stands", func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), taking(time.Minute)
		a, b := serverOn(t, shared, pay), serverOn(t, shared, pay, waiting(time.Hour))
		none := func(s step) mishap { return mishap{alter: func(r *store.Record) { r.TTL = 0 }} }
		b.wire.befall(none)
		first := start(a, post("k", "{}"))
		synctest.Wait()
		again := start(b, post("k", "{}"))
		assertCharge(t, 1, first.answer())
		assertCharge(t, 1, again.answer(), "it waits, and not for ever")
		assert.Less(t, again.took, time.Minute+time.Second)
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

func TestExpiresBetweenClaimAndRead(t *testing.T) {
	bubble(t, "what stood in the way is gone when it is read", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		h.wire.befall(on("Create", mishap{gone: true}, 1, 2, 3, 4, 5))
		assertCharge(t, 1, send(h, post("k", "{}")))
	})
	bubble(t, "whenever it is looked at", func(t *testing.T) {
		for _, wait := range []time.Duration{0, time.Minute} {
			pay := &till{}
			h := serverOn(t, memory.New(memory.Config{}), pay, waiting(wait))
			h.wire.befall(func(s step) mishap { return mishap{gone: s.method == "Create"} })
			assertInFlight(t, send(h, post("k", "{}")))
			assert.Less(t, h.wire.calls("Create"), 50, "it gives up")
			assert.Zero(t, pay.runs.Load())
			h.wire.befall(nil)
			assertCharge(t, 1, send(h, post("k", "{}")))
		}
	})
	bubble(t, "an orphan expires while it is taken over", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, _ := firstHangs(t)
		a, b := serverOn(t, shared, pay, rerun), serverOn(t, shared, pay, rerun)
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapseTime)
		b.wire.befall(on("Replace", mishap{before: func(ctx context.Context) error {
			standing, _, err := shared.Get(ctx, a.wire.keys()[0])
			require.NoError(t, err)
			_, err = shared.Delete(ctx, a.wire.keys()[0], standing.Version)
			return err
		}}, 1))
		assertCharge(t, 2, send(b, post("k", "{}")))
		assert.Equal(t, 2, b.wire.calls("Create"))
	})
}

func TestCrashDoesNotBlockForADay(t *testing.T) {
	crash := func(t *testing.T, policy func(*idempotency.Config)) (b *server, pay *till) {
		shared := memory.New(memory.Config{})
		pay, _ = firstHangs(t)
		a := serverOn(t, shared, pay)
		b = serverOn(t, shared, pay, policy)
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		assertInFlight(t, send(b, post("k", "{}")))
		time.Sleep(lapseTime)
		return b, pay
	}
	bubble(t, "Rerun runs it again once the owner's lease is over", func(t *testing.T) {
		b, pay := crash(t, rerun)
		assertCharge(t, 2, send(b, post("k", "{}")))
		assertCharge(t, 2, send(b, post("k", "{}")))
		assert.EqualValues(t, 2, pay.runs.Load())
	})
	bubble(t, "Refuse says so from then on, until an operator has settled it", func(t *testing.T) {
		b, pay := crash(t, func(*idempotency.Config) {})
		w := send(b, post("k", "{}"))
		assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, w))
		assert.Empty(t, w.Header().Get("Retry-After"))
		var members struct {
			Started   time.Time
			Retryable *bool
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
		assert.Equal(t, time.Now().Add(-lapseTime).UTC(), members.Started)
		require.NotNil(t, members.Retryable)
		assert.False(t, *members.Retryable)
		told := b.saw.of(middleware.EventRefused)
		require.NoError(t, b.layer.Resolve(t.Context(), told[len(told)-1].Key, nil))
		assertCharge(t, 2, send(b, post("k", "{}")))
		assert.EqualValues(t, 2, pay.runs.Load())
	})
}

func TestLostCreateReplyDoesNotWedge(t *testing.T) {
	for name, m := range map[string]mishap{
		"the reply is lost":               {after: broken},
		"the call is lost":                {before: broken},
		"there is no reply for too long":  {after: hanging},
		"the call hangs, and never comes": {before: hanging},
	} {
		bubble(t, name, func(t *testing.T) {
			pay := &till{}
			h := serverOn(t, memory.New(memory.Config{}), pay)
			h.wire.befall(on("Create", m, 1))
			w := send(h, post("k", "{}"))
			if w.Code != http.StatusCreated {
				assert.Equal(t, problem.KindStoreUnavailable, kindOf(t, w))
				assert.Zero(t, pay.runs.Load())
			}
			synctest.Wait()
			assertCharge(t, 1, send(h, post("k", "{}")), "the key is not blocked by a claim without an owner")
			assert.EqualValues(t, 1, pay.runs.Load())
		})
	}
	bubble(t, "nor does one that the client did not wait for", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		r, leave := leaving(post("k", "{}"))
		h.wire.befall(on("Create", mishap{after: hanging}, 1))
		first := start(h, r)
		time.Sleep(time.Second)
		leave()
		first.answer()
		synctest.Wait()
		runs := pay.runs.Load()
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.LessOrEqual(t, pay.runs.Load()-runs, int64(1))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

func TestClaimsAreNeverEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{MaxRecords: 10, MaxBodyBytes: 1})
		pay := taking(time.Hour / 2)
		h := serverOn(t, shared, pay)
		var running []*pending
		for i := range 10 {
			running = append(running, start(h, post(fmt.Sprint(i), "{}")))
		}
		synctest.Wait()
		for i := range 100 {
			w := send(h, post(fmt.Sprint("other ", i), "{}", "Idempotency-Key", fmt.Sprintf(`"other %d"`, i)))
			assert.Equal(t, problem.KindStoreUnavailable, kindOf(t, w), "there is no room")
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
		}
		for i := range 10 {
			assertInFlight(t, send(h, post(fmt.Sprint(i), "{}")))
		}
		for _, p := range running {
			assert.Equal(t, http.StatusCreated, p.answer().Code)
		}
		assert.EqualValues(t, 10, pay.runs.Load())
	})
}

func TestPressureNeverReruns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{MaxBodyBytes: 4 << 10, Shards: 1})
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
			w.Header().Set("Location", "/payments"+r.URL.Path)
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(strings.Repeat("x", 1<<10)))
		}}
		h := serverOn(t, shared, pay)
		const many = 20
		for i := range many {
			require.Equal(t, http.StatusAccepted, send(h, post(fmt.Sprint(i), "{}")).Code)
		}
		whole, without := 0, 0
		for i := range many {
			w := send(h, post(fmt.Sprint(i), "{}"))
			if w.Code == http.StatusAccepted {
				whole++
				continue
			}
			without++
			assert.Equal(t, problem.KindResponseNotRetained, kindOf(t, w))
			assert.Equal(t, "/payments/payments", w.Header().Get("Location"))
			assert.Contains(t, w.Body.String(), `"original_status":202`)
		}
		assert.Positive(t, whole)
		assert.Positive(t, without)
		assert.EqualValues(t, many, pay.runs.Load())
	})
}

func TestNestedTwice(t *testing.T) {
	layers := func(t *testing.T, namespaces ...string) (nest func(http.Handler) http.Handler) {
		shared := memory.New(memory.Config{})
		var all []middleware.Middleware
		for _, name := range namespaces {
			l := newLayer(t, idempotency.Config{Store: shared, Namespace: name, Wait: time.Minute})
			all = append(all, l.Handler)
		}
		return middleware.Chain(all...)
	}
	same := func(t *testing.T) func(http.Handler) http.Handler {
		l := newLayer(t, idempotency.Config{Wait: time.Minute})
		return func(h http.Handler) http.Handler { return l.Handler(l.Handler(l.Handler(h))) }
	}
	nested := map[string]func(*testing.T) func(http.Handler) http.Handler{
		"one layer inside itself": same,
		"two layers of one store and namespace": func(t *testing.T) func(http.Handler) http.Handler {
			return layers(t, "a", "a")
		},
		"two namespaces": func(t *testing.T) func(http.Handler) http.Handler { return layers(t, "a", "b") },
		"two with another namespace between them": func(t *testing.T) func(http.Handler) http.Handler {
			return layers(t, "a", "b", "a")
		},
		"two with two others between them": func(t *testing.T) func(http.Handler) http.Handler {
			return layers(t, "a", "b", "c", "b", "a", "c")
		},
	}
	for name, nest := range nested {
		bubble(t, name, func(t *testing.T) {
			pay := &till{}
			h := nest(t)(pay)
			began := time.Now()
			assertCharge(t, 1, send(h, post("k", "{}")))
			w := send(h, post("k", "{}"))
			assertCharge(t, 1, w)
			assert.True(t, replayed(w))
			assert.Equal(t, "/payments/1", w.Header().Get("Location"))
			assert.Zero(t, time.Since(began), "none waits for another")
			assert.Equal(t, problem.KindKeyReused, kindOf(t, send(h, post("k", "[]"))))
			pay.then = func(http.ResponseWriter, *http.Request, int64) { panic("boom") }
			assert.Equal(t, "boom", panics(t, h, post("p", "{}")))
			assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("p", "{}"))))
			pay.then = answers(http.StatusTooManyRequests)
			assert.Equal(t, http.StatusTooManyRequests, send(h, post("f", "{}")).Code)
			pay.then = nil
			assert.Equal(t, http.StatusCreated, send(h, post("f", "{}")).Code)
		})
	}
	bubble(t, "a request that the handler starts with the same key is part of it while it runs, and not later", func(t *testing.T) {
		l := newLayer(t, idempotency.Config{})
		pay := &till{}
		inner := l.Handler(pay)
		var all sync.WaitGroup
		outer := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			inner.ServeHTTP(w, post("k", "{}").WithContext(ctx))
			all.Go(func() {
				time.Sleep(time.Second) // the outer one has ended by now
				w := send(inner, post("k", "{}").WithContext(context.WithoutCancel(ctx)))
				assertCharge(t, 1, w)
				assert.True(t, replayed(w))
			})
		}))
		assertCharge(t, 1, send(outer, post("k", "{}")))
		all.Wait()
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}
