package idempotency_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
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

func TestClientDisconnectStillRecords(t *testing.T) {
	type key struct{}
	observing := func(t *testing.T) *till {
		return &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
			time.Sleep(2 * leaseTime)
			assert.NoError(t, r.Context().Err(), "the handler goes on")
			assert.Equal(t, "value", r.Context().Value(key{}), "with the values of the request")
			charged(w, n)
		}}
	}
	valued := func(r *http.Request) *http.Request {
		return r.WithContext(context.WithValue(r.Context(), key{}, "value"))
	}
	bubble(t, "while the handler runs", func(t *testing.T) {
		pay := observing(t)
		h := serverOn(t, memory.New(memory.Config{}), pay)
		r, leave := leaving(valued(post("k", "{}")))
		first := start(h, r)
		time.Sleep(leaseTime)
		leave()
		first.answer()
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "while the handler of one that has waited for its turn runs", func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), observing(t)
		h := serverOn(t, shared, pay, waiting(time.Minute))
		frees := serverOn(t, shared, &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
			time.Sleep(time.Second)
			w.WriteHeader(http.StatusTooManyRequests)
		}})
		start(frees, post("k", "{}"))
		synctest.Wait()
		r, leave := leaving(valued(post("k", "{}")))
		waited := start(h, r)
		time.Sleep(leaseTime)
		require.EqualValues(t, 1, pay.runs.Load(), "it is its turn")
		leave()
		waited.answer()
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "while the outcome is written", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		r, leave := leaving(post("k", "{}"))
		h.wire.befall(on("Replace", mishap{before: then(leave)}, 1))
		send(h, r)
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "before the claim nothing is done, and the key stays free", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		r, leave := leaving(post("k", "{}"))
		leave()
		send(h, r)
		assert.Zero(t, pay.runs.Load())
		assert.Zero(t, h.wire.calls("Create"))
	})
	bubble(t, "an orphan is not taken over for a client that is gone", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, _ := firstHangs(t)
		a, b := serverOn(t, shared, pay), serverOn(t, shared, pay, rerun)
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapseTime)
		r, leave := leaving(post("k", "{}"))
		b.wire.befall(on("Create", mishap{after: then(leave)}, 1))
		send(b, r)
		assert.Zero(t, b.wire.calls("Replace"))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "but it ends with MaxRun, and may record what it has done by then", func(t *testing.T) {
		var ended time.Duration
		began := time.Now()
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
			<-r.Context().Done()
			ended = time.Since(began)
			charged(w, n)
		}}
		h := serverOn(t, memory.New(memory.Config{}), pay, func(c *idempotency.Config) { c.MaxRun = time.Minute })
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Equal(t, time.Minute, ended)
		assertCharge(t, 1, send(h, post("k", "{}")))
	})
}

func TestStoreFailsAfterHandler(t *testing.T) {
	for name, m := range map[string]mishap{"it is down": {before: broken}, "it hangs": {before: hanging}} {
		bubble(t, name, func(t *testing.T) {
			shared, pay := memory.New(memory.Config{}), &till{}
			a, b := serverOn(t, shared, pay), serverOn(t, shared, pay)
			a.wire.befall(func(s step) mishap {
				if s.method == "Create" {
					return mishap{}
				}
				return m
			})
			first := send(a, post("k", "{}"))
			assertCharge(t, 1, first, "the work is done, and is not denied")
			told := a.saw.of(middleware.EventFailed)
			require.Len(t, told, 1, "an event says that it is not recorded")
			require.Error(t, told[0].Err)
			assert.Equal(t, http.StatusCreated, told[0].Status)
			for range 8 { // the first Settle took 5 s at most
				time.Sleep(time.Second / 2)
				assertInFlight(t, send(b, post("k", "{}")), "the claim protects")
			}
			time.Sleep(lapseTime)
			assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(b, post("k", "{}"))))
			time.Sleep(keptTime - time.Hour)
			assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(b, post("k", "{}"))), "as long as promised")
			require.NoError(t, b.layer.Resolve(t.Context(), told[0].Key, &idempotency.Outcome{Status: http.StatusCreated}))
			assert.Equal(t, http.StatusCreated, send(b, post("k", "{}")).Code)
			assert.EqualValues(t, 1, pay.runs.Load())
		})
	}
	bubble(t, "once, and then answers", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		h.wire.befall(on("Replace", mishap{after: broken}, 1))
		assertCharge(t, 1, send(h, post("k", "{}")))
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Empty(t, h.saw.of(middleware.EventFailed))
		assert.Empty(t, h.saw.of(middleware.EventLost))
	})
	bubble(t, "before a key is freed", func(t *testing.T) {
		pay := &till{then: answers(http.StatusTooManyRequests)}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		h.wire.befall(func(s step) mishap {
			if s.method == "Delete" {
				return mishap{before: broken}
			}
			return mishap{}
		})
		assert.Equal(t, http.StatusTooManyRequests, send(h, post("k", "{}")).Code)
		assert.Len(t, h.saw.of(middleware.EventFailed), 1)
		assertInFlight(t, send(h, post("k", "{}")), "the claim stays")
	})
}

// isDown fails unless w says that the store cannot be reached.
func isDown(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, problem.KindStoreUnavailable, kindOf(t, w))
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
}

func TestStoreDownIsNot409(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Minute} {
		for name, m := range map[string]mishap{
			"it is down": {before: broken},
			"it hangs":   {before: hanging},
			"it is full": {before: func(context.Context) error { return store.ErrFull }},
			"it closed":  {before: func(context.Context) error { return store.ErrClosed }},
		} {
			bubble(t, name+", with Wait "+wait.String(), func(t *testing.T) {
				shared, pay := memory.New(memory.Config{}), taking(time.Minute)
				a, b := serverOn(t, shared, pay), serverOn(t, shared, pay, waiting(wait))
				b.wire.befall(func(step) mishap { return m })
				isDown(t, send(b, post("k", "{}")))
				first := start(a, post("k", "{}"))
				synctest.Wait()
				isDown(t, send(b, post("k", "{}")))
				assert.Len(t, b.saw.of(middleware.EventFailed), 2)
				assert.EqualValues(t, 1, pay.runs.Load())
				first.answer()
				time.Sleep(time.Minute) // what was not answered is followed up
				b.wire.befall(nil)
				assertCharge(t, 1, send(b, post("k", "{}")))
				assert.EqualValues(t, 1, pay.runs.Load())
			})
		}
	}
	bubble(t, "when it goes down during the wait", func(t *testing.T) {
		shared, pay := memory.New(memory.Config{}), taking(time.Second)
		a, b := serverOn(t, shared, pay), serverOn(t, shared, pay, waiting(time.Minute))
		start(a, post("k", "{}"))
		synctest.Wait()
		waits := start(b, post("k", "{}"))
		synctest.Wait()
		b.wire.cut(true)
		isDown(t, waits.answer())
		time.Sleep(time.Minute) // the claim that was not answered is followed up
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "when it goes down before a takeover", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, _ := firstHangs(t)
		a, b := serverOn(t, shared, pay), serverOn(t, shared, pay, rerun)
		start(a, post("k", "{}"))
		synctest.Wait()
		a.wire.cut(true)
		time.Sleep(lapseTime)
		b.wire.befall(func(s step) mishap {
			if s.method == "Replace" {
				return mishap{before: broken}
			}
			return mishap{}
		})
		isDown(t, send(b, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
		time.Sleep(lapseTime)
		b.wire.befall(nil)
		assertCharge(t, 2, send(b, post("k", "{}")))
	})
}

// goexits reports whether h ended the goroutine that it ran on.
func goexits(h http.Handler, r *http.Request) bool {
	returned, done := false, make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(httptest.NewRecorder(), r)
		returned = true
	}()
	<-done
	return !returned
}

func TestPanicIsNotAFreeKey(t *testing.T) {
	ways := map[string]struct {
		end  func()
		want any // what comes out; nil: Goexit
	}{
		"a panic":            {func() { panic("boom") }, "boom"},
		"ErrAbortHandler":    {func() { panic(http.ErrAbortHandler) }, http.ErrAbortHandler},
		"runtime.Goexit":     {runtime.Goexit, nil},
		"a panic with Error": {func() { panic(problem.Duplicate("it is there")) }, nil},
	}
	moments := map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"within the answer": func(w http.ResponseWriter) { charged(w, 1) },
		"after a flush": func(w http.ResponseWriter) {
			charged(w, 1)
			_ = http.NewResponseController(w).Flush()
		},
		"after Free, which a panic overrules": nil,
	}
	for name, way := range ways {
		for moment, before := range moments {
			bubble(t, name+" "+moment, func(t *testing.T) {
				shared := memory.New(memory.Config{})
				pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
					if before != nil {
						before(w)
					} else {
						a, _ := idempotency.FromContext(r.Context())
						a.Free()
					}
					way.end()
				}}
				h, other := serverOn(t, shared, pay), serverOn(t, shared, pay, rerun)
				switch {
				case name == "runtime.Goexit":
					assert.True(t, goexits(h, post("k", "{}")), "it goes on")
				case way.want != nil:
					assert.Equal(t, way.want, panics(t, h, post("k", "{}")), "it goes on")
				default:
					assert.IsType(t, &problem.Problem{}, panics(t, h, post("k", "{}")))
				}
				pay.then = nil
				assert.Len(t, h.saw.of(middleware.EventUnknown), 1)
				assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("k", "{}"))))
				assert.Equal(t, problem.KindKeyReused, kindOf(t, send(h, post("k", "[]"))))
				time.Sleep(keptTime - time.Hour)
				assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("k", "{}"))))
				assert.EqualValues(t, 1, pay.runs.Load())
				assertCharge(t, 2, send(other, post("k", "{}")), "Rerun runs it again")
			})
		}
	}
	bubble(t, "nor one whose end cannot be recorded", func(t *testing.T) {
		pay := &till{then: func(http.ResponseWriter, *http.Request, int64) { panic("boom") }}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		h.wire.befall(func(s step) mishap {
			if s.method == "Replace" {
				return mishap{before: broken}
			}
			return mishap{}
		})
		assert.Equal(t, "boom", panics(t, h, post("k", "{}")))
		assert.Len(t, h.saw.of(middleware.EventFailed), 1)
		assertInFlight(t, send(h, post("k", "{}")))
		time.Sleep(lapseTime)
		assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("k", "{}"))))
	})
}
