package idempotency_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
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

// paused is a server whose handler runs, cut off from the store for so long
// that others may take over from it; then it reaches the store again. The
// handler goes on until end is called.
func paused(t *testing.T, s store.Store, pay http.Handler, r *http.Request, change ...func(*idempotency.Config)) (*server, *pending) {
	t.Helper()
	a := serverOn(t, s, pay, append(change, rerun)...)
	first := start(a, r)
	synctest.Wait()
	a.wire.cut(true)
	time.Sleep(lapseTime)
	a.wire.cut(false)
	return a, first
}

func TestLateOwnerCannotOverwrite(t *testing.T) {
	bubble(t, "a successor's outcome", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, end := firstHangs(t)
		a, first := paused(t, shared, pay, post("k", "{}"))
		b := serverOn(t, shared, pay, rerun)
		assertCharge(t, 2, send(b, post("k", "{}")))
		end()
		first.answer()
		for _, v := range []*server{a, b} {
			assertCharge(t, 2, send(v, post("k", "{}")))
		}
		assert.Len(t, a.saw.of(middleware.EventLost), 1)
	})
	bubble(t, "nor does its outcome that arrives late", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay := taking(time.Second)
		a, b := serverOn(t, shared, pay, rerun), serverOn(t, shared, pay, rerun)
		a.wire.befall(lateWrite)
		first := start(a, post("k", "{}"))
		assertCharge(t, 1, first.answer(), "the work is done, and is not denied")
		time.Sleep(lapseTime)
		assertCharge(t, 2, send(b, post("k", "{}")))
		time.Sleep(time.Minute)
		assertCharge(t, 2, send(b, post("k", "{}")))
	})
	bubble(t, "as long as nobody has taken over it may record its own", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, end := firstHangs(t)
		_, first := paused(t, shared, pay, post("k", "{}"))
		end()
		assertCharge(t, 1, first.answer())
		assertCharge(t, 1, send(serverOn(t, shared, pay, rerun), post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

// lateWrite is a write that arrives when a successor is at work.
func lateWrite(s step) mishap {
	if s.method == "Replace" {
		return mishap{late: 20 * time.Second}
	}
	return mishap{}
}

func TestLateOwnerCannotRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay := stubborn(time.Minute)
		began := time.Now()
		a, b := serverOn(t, shared, pay, rerun), serverOn(t, shared, pay, rerun)
		a.wire.befall(func(s step) mishap {
			if time.Since(began) > stopTime {
				return mishap{}
			}
			return lateWrite(s)
		})
		first := start(a, post("k", "{}"))
		time.Sleep(lapseTime)
		second := start(b, post("k", "{}"))
		for range 45 {
			time.Sleep(time.Second)
			assertInFlight(t, send(a, post("k", "{}")))
		}
		assert.GreaterOrEqual(t, a.wire.calls("Replace"), 1, "it has tried to")
		assert.Equal(t, problem.KindRequestInFlight, kindOf(t, first.answer()))
		assertCharge(t, 2, second.answer())
		assertCharge(t, 2, send(a, post("k", "{}")))
		assert.Empty(t, b.saw.of(middleware.EventLost), "the successor keeps its claim")
		assert.EqualValues(t, 2, pay.runs.Load())
	})
}

func TestLateOwnerCannotRelease(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, int64){
		"after an answer that frees the key": answers(http.StatusTooManyRequests),
		"after Free": func(_ http.ResponseWriter, r *http.Request, _ int64) {
			a, _ := idempotency.FromContext(r.Context())
			a.Free()
		},
	} {
		bubble(t, name, func(t *testing.T) {
			shared := memory.New(memory.Config{})
			held := make(chan struct{})
			pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
				if n == 1 {
					<-held
					answer(w, r, n)
					return
				}
				time.Sleep(time.Minute)
				charged(w, n)
			}}
			a, first := paused(t, shared, pay, post("k", "{}"))
			b := serverOn(t, shared, pay, rerun)
			second := start(b, post("k", "{}"))
			time.Sleep(time.Second)
			close(held)
			first.answer()
			assertInFlight(t, send(a, post("k", "{}")), "the successor's claim stands")
			assertCharge(t, 2, second.answer())
			assertCharge(t, 2, send(a, post("k", "{}")))
			assert.Len(t, a.saw.of(middleware.EventLost), 1)
			assert.EqualValues(t, 2, pay.runs.Load())
		})
	}
}

func TestTakeoverIsCompareAndSet(t *testing.T) {
	orphan := func(t *testing.T) (s *memory.Store, pay *till) {
		s = memory.New(memory.Config{})
		pay, _ = firstHangs(t)
		a := serverOn(t, s, pay, rerun)
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapseTime)
		return s, pay
	}
	bubble(t, "another took over and has finished", func(t *testing.T) {
		s, pay := orphan(t)
		b, c := serverOn(t, s, pay, rerun), serverOn(t, s, pay, rerun)
		b.wire.befall(on("Replace", mishap{before: then(func() { assertCharge(t, 2, send(c, post("k", "{}"))) })}, 1))
		w := send(b, post("k", "{}"))
		assertCharge(t, 2, w)
		assert.True(t, replayed(w))
		assert.EqualValues(t, 2, pay.runs.Load())
	})
	bubble(t, "the owner has renewed its claim after all", func(t *testing.T) {
		s, pay := orphan(t)
		b := serverOn(t, s, pay, rerun)
		b.wire.befall(on("Replace", mishap{before: func(ctx context.Context) error {
			key := b.wire.keys()[0]
			seen, _, err := s.Get(ctx, key)
			require.NoError(t, err)
			_, renewed, err := s.Replace(ctx, key, seen.Version, store.Record{Head: seen.Head, TTL: keptTime})
			assert.True(t, renewed)
			return err
		}}, 1))
		assertInFlight(t, send(b, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "of many that come at once, one runs", func(t *testing.T) {
		s, pay := orphan(t)
		var all []*pending
		for range 32 {
			all = append(all, start(serverOn(t, s, pay, rerun, waiting(time.Minute)), post("k", "{}")))
		}
		for _, p := range all {
			assertCharge(t, 2, p.answer())
		}
		assert.EqualValues(t, 2, pay.runs.Load())
	})
}

func TestLeaseOfTheOwnerCounts(t *testing.T) {
	lasting := func(d time.Duration) func(*idempotency.Config) {
		return func(c *idempotency.Config) { c.Lease = d }
	}
	const long, short = time.Minute, time.Second
	lapse := long + short/10 // the margin is the taker's own
	bubble(t, "a live claim is not stolen", func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), taking(5*long)
		a, b := serverOn(t, shared, pay, rerun, lasting(long)), serverOn(t, shared, pay, rerun, lasting(short))
		first := start(a, post("k", "{}"))
		for range 290 {
			time.Sleep(time.Second)
			assertInFlight(t, send(b, post("k", "{}")))
		}
		assertCharge(t, 1, first.answer())
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "that of a dead owner is over when its own lease is", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, _ := firstHangs(t)
		a, b := serverOn(t, shared, pay, lasting(long)), serverOn(t, shared, pay, rerun, lasting(short))
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapse - 1)
		assertInFlight(t, send(b, post("k", "{}")))
		time.Sleep(1)
		assertCharge(t, 2, send(b, post("k", "{}")))
	})
	bubble(t, "so is what was recorded as unknown", func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), &till{}
		a, b := serverOn(t, shared, pay, rerun, lasting(long)), serverOn(t, shared, pay, rerun, lasting(short))
		pay.then = func(http.ResponseWriter, *http.Request, int64) { panic("boom") }
		panics(t, a, post("k", "{}"))
		pay.then = nil
		w := send(b, post("k", "{}"))
		assertInFlight(t, w, "what it started may go on until it notices")
		assert.Equal(t, "61", w.Header().Get("Retry-After"), "asking earlier is in vain")
		time.Sleep(lapse - 1)
		assertInFlight(t, send(b, post("k", "{}")))
		time.Sleep(1)
		assertCharge(t, 2, send(b, post("k", "{}")))
	})
}

func TestRenewalRacesCompletion(t *testing.T) {
	ends := map[string]struct {
		then  func(http.ResponseWriter, *http.Request, int64)
		again problem.Kind // "": the handler runs, or its answer is replayed
		runs  int64
	}{
		"an outcome":     {func(w http.ResponseWriter, _ *http.Request, n int64) { charged(w, n) }, "", 1},
		"a freed key":    {answers(http.StatusTooManyRequests), "", 2},
		"an unknown end": {answers(http.StatusBadGateway), problem.KindOutcomeUnknown, 1},
	}
	renewals := map[string]mishap{
		"a renewal whose answer comes later":      {after: after(2 * time.Second)},
		"a renewal that arrives later":            {before: after(2 * time.Second)},
		"a renewal whose answer is lost":          {after: broken},
		"a renewal whose answer never comes":      {after: hanging},
		"a renewal that is never heard of":        {before: hanging},
		"a renewal that arrives when all is over": {late: time.Minute},
	}
	for end, want := range ends {
		for name, m := range renewals {
			bubble(t, end+" meets "+name, func(t *testing.T) {
				shared := memory.New(memory.Config{})
				pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
					time.Sleep(renewTime + time.Second)
					want.then(w, r, n)
				}}
				h := serverOn(t, shared, pay)
				h.wire.befall(on("Replace", m, 1))
				first := start(h, post("k", "{}")).answer()
				time.Sleep(2 * time.Minute)
				assert.Empty(t, h.saw.of(middleware.EventLost))
				assert.Empty(t, h.saw.of(middleware.EventFailed))
				again := send(serverOn(t, shared, pay), post("k", "{}"))
				assert.Equal(t, want.again, kindOf(t, again))
				if want.again == "" {
					assert.Equal(t, first.Code, again.Code)
				}
				assert.Equal(t, want.runs, pay.runs.Load())
			})
		}
	}
}

func TestTokenIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		first := newPending()
		var tokens []uint64
		held := make(chan struct{})
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
			a, ok := idempotency.FromContext(context.WithValue(r.Context(), &first, "a derived one"))
			require.True(t, ok)
			token := a.Token()
			tokens = append(tokens, token)
			if n == 1 {
				for range 10 {
					time.Sleep(leaseTime)
					assert.Equal(t, token, a.Token(), "renewals leave it alone")
				}
				<-held
				assert.Equal(t, token, a.Token(), "and so does the loss of the claim")
				return
			}
			w.WriteHeader(http.StatusTooManyRequests) // frees the key
		}}
		a, b := serverOn(t, shared, pay, rerun), serverOn(t, shared, pay, rerun)
		first.start(a, post("k", "{}"))
		time.Sleep(10*leaseTime + time.Second)
		assert.Greater(t, a.wire.calls("Replace"), 20, "it was renewed")
		a.wire.cut(true)
		time.Sleep(lapseTime)
		for range 3 {
			send(b, post("k", "{}"))
		}
		close(held)
		first.answer()
		require.Len(t, tokens, 4)
		assert.IsIncreasing(t, tokens)
	})
}

func TestLateOwnerAnswersStandingOutcome(t *testing.T) {
	own := func(w http.ResponseWriter) {
		w.Header().Set("X-Own", "of the first run")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("first"))
	}
	late := func(t *testing.T, successor func(http.ResponseWriter, *http.Request, int64), first func(http.ResponseWriter)) (*server, *httptest.ResponseRecorder) {
		shared := memory.New(memory.Config{})
		held := make(chan struct{})
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
			if n > 1 {
				successor(w, r, n)
				return
			}
			<-held
			first(w)
		}}
		small := func(c *idempotency.Config) { c.MaxResponseBody = 1 << 10 }
		a := serverOn(t, shared, pay, rerun, small)
		p := newPending()
		p.w.Header().Set("X-Outside", "set before the layer")
		p.start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapseTime)
		a.wire.cut(false)
		b := serverOn(t, shared, pay, rerun, small)
		start(b, post("k", "{}"))
		time.Sleep(time.Second)
		close(held)
		w := p.answer()
		require.Len(t, a.saw.of(middleware.EventLost), 1, "the observer is told")
		return a, w
	}
	bubble(t, "the successor's, as a replay", func(t *testing.T) {
		_, w := late(t, func(w http.ResponseWriter, _ *http.Request, n int64) { charged(w, n) }, own)
		assertCharge(t, 2, w)
		assert.True(t, replayed(w))
		assert.Empty(t, w.Header().Get("X-Own"))
		assert.Equal(t, "set before the layer", w.Header().Get("X-Outside"))
	})
	bubble(t, "request-in-flight while the successor runs", func(t *testing.T) {
		_, w := late(t, func(w http.ResponseWriter, _ *http.Request, n int64) { time.Sleep(time.Minute); charged(w, n) }, own)
		time.Sleep(2 * time.Minute)
		assertInFlight(t, w)
		assert.Empty(t, w.Header().Get("X-Own"))
		assert.Equal(t, "set before the layer", w.Header().Get("X-Outside"))
	})
	bubble(t, "response-not-retained if that was too large", func(t *testing.T) {
		_, w := late(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
			w.Header().Set("Location", "/payments/2")
			_, _ = w.Write([]byte(strings.Repeat("x", 2<<10)))
		}, own)
		assert.Equal(t, problem.KindResponseNotRetained, kindOf(t, w))
		assert.Equal(t, "/payments/2", w.Header().Get("Location"))
	})
	bubble(t, "request-in-flight after a successor whose end is not known, for it will be run again", func(t *testing.T) {
		_, w := late(t, answers(http.StatusBadGateway), own)
		assertInFlight(t, w)
	})
	for name, frees := range map[string]func(http.ResponseWriter){
		"429": func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"503": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	} {
		bubble(t, "the successor's instead of a "+name+", which would say that nothing was done", func(t *testing.T) {
			_, w := late(t, func(w http.ResponseWriter, _ *http.Request, n int64) { charged(w, n) }, frees)
			assertCharge(t, 2, w)
			assert.True(t, replayed(w))
		})
	}
	bubble(t, "its own if the successor has freed the key", func(t *testing.T) {
		_, w := late(t, answers(http.StatusTooManyRequests), own)
		assert.Equal(t, http.StatusAccepted, w.Code)
		assert.Equal(t, "first", w.Body.String())
	})
	bubble(t, "its own if that was sent already", func(t *testing.T) {
		_, w := late(t, func(w http.ResponseWriter, _ *http.Request, n int64) { charged(w, n) }, func(w http.ResponseWriter) {
			own(w)
			assert.NoError(t, http.NewResponseController(w).Flush())
			_, _ = w.Write([]byte(" and last"))
		})
		assert.Equal(t, http.StatusAccepted, w.Code)
		assert.Equal(t, "first and last", w.Body.String())
	})
	bubble(t, "the operator's", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, end := firstHangs(t)
		a, first := paused(t, shared, pay, post("k", "{}"))
		b := serverOn(t, shared, pay)
		assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(b, post("k", "{}"))))
		ref := b.saw.of(middleware.EventRefused)[0].Key
		said := &idempotency.Outcome{Status: http.StatusOK, Body: []byte("it was paid by telephone")}
		require.NoError(t, b.layer.Resolve(t.Context(), ref, said))
		end()
		w := first.answer()
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, "it was paid by telephone", w.Body.String())
		require.Len(t, a.saw.of(middleware.EventLost), 1)
	})
}
