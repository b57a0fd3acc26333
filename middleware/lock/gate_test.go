package lock_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

func TestWritesOfOneResourceRunOneAtATime(t *testing.T) {
	for _, method := range []string{"PUT", "POST", "DELETE"} {
		synctest.Test(t, func(t *testing.T) {
			docs := &documents{takes: time.Second}
			shared := memory.New(memory.Config{})
			c := lock.Config{Store: shared, GateWait: time.Hour}
			one, two := protect(t, c, docs), protect(t, c, docs)
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() { do(one, "ann", method, "/a", "") })
				all.Go(func() { do(two, "bob", method, "/a", "") })
			}
			all.Wait()
			assert.Len(t, docs.writes(), 10)
			assert.EqualValues(t, 1, docs.most.Load())
		})
	}
}

func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{GateWait: time.Second}, &documents{takes: time.Minute})
		go do(h, "ann", "PUT", "/a", "x")
		synctest.Wait()
		for _, method := range []string{"PUT", "LOCK"} {
			began := time.Now()
			members := wantProblem(t, do(h, "bob", method, "/a", ""), 409, problem.KindResourceBusy)
			assert.Equal(t, true, members["retryable"])
			assert.Equal(t, time.Second, time.Since(began))
		}
		time.Sleep(time.Minute)
	})
}

// TestAHungHandlerIsBounded: it is told to stop, and keeps nobody out for ever.
func TestAHungHandlerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, seen := make(chan struct{}), &observed{}
		h := protect(t, lock.Config{MaxRun: time.Minute, GateWait: time.Hour, Observer: seen},
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.Method == "PUT" {
					<-r.Context().Done()
					assert.ErrorIs(t, context.Cause(r.Context()), lease.ErrMaxRun)
					<-release
				}
			}))
		go do(h, "ann", "PUT", "/a", "x")
		synctest.Wait()
		take(t, h, "bob", "/a")
		close(release)
		synctest.Wait()
		kinds := map[middleware.EventKind]int{}
		for _, e := range seen.all() {
			kinds[e.Kind]++
		}
		assert.Equal(t, 1, kinds[middleware.EventLost])
	})
}

// slowBody is a body that takes an hour to arrive, and slowReader a client that
// takes an hour to read.
type slowBody struct{ io.Reader }

func (s slowBody) Read(p []byte) (int, error) {
	time.Sleep(time.Hour)
	return s.Reader.Read(p)
}

type slowReader struct{ *httptest.ResponseRecorder }

func (s slowReader) Write(p []byte) (int, error) {
	time.Sleep(time.Hour)
	return s.ResponseRecorder.Write(p)
}

func TestASlowBodyHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{}
		h := protect(t, lock.Config{}, docs)
		slow := httptest.NewRecorder()
		go h.ServeHTTP(slow, httptest.NewRequest("PUT", "/a", slowBody{strings.NewReader("slow")}))
		synctest.Wait()
		began := time.Now()
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "fast").Code)
		assert.Zero(t, time.Since(began))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		assert.Equal(t, http.StatusAccepted, slow.Code)
		assert.Equal(t, []string{"PUT /a fast", "PUT /a slow"}, docs.writes())
	})
}

func TestASlowReaderHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{Holder: shows}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 100<<10))
		}))
		began := time.Now()
		slow := func(method string, fields ...string) {
			r := httptest.NewRequest(method, "/a", nil)
			r.Header.Set("X-User", "ann")
			for i := 0; i < len(fields); i += 2 {
				r.Header.Set(fields[i], fields[i+1])
			}
			go h.ServeHTTP(slowReader{httptest.NewRecorder()}, r)
			synctest.Wait()
		}
		slow("PUT")
		slow("LOCK") // granted, whenever it gets to know that
		slow("PUT")  // refused
		token := do(h, "bob", "LOCK", "/b", "").Header().Get("Lock-Token")
		slow("UNLOCK", "Lock-Token", token) // of another resource: refused
		wantProblem(t, do(h, "bob", "PUT", "/a", "x"), 409, problem.KindLocked)
		assert.Zero(t, time.Since(began))
		time.Sleep(3 * time.Hour)
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{}
		h := protect(t, lock.Config{MaxBody: 10}, docs)
		members := wantProblem(t, do(h, "ann", "PUT", "/a", strings.Repeat("x", 11)), 413, problem.KindBodyTooLarge)
		assert.EqualValues(t, 10, members["limit"])
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", strings.Repeat("x", 10)).Code)
		assert.Equal(t, []string{"PUT /a xxxxxxxxxx"}, docs.writes())
	})
}

func TestAPanicOpensTheGateAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &observed{}
		h := protect(t, lock.Config{Observer: seen}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}))
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { do(h, "ann", "PUT", "/a", "x") })
		began := time.Now()
		take(t, h, "ann", "/a")
		assert.Zero(t, time.Since(began))
		assert.Equal(t, middleware.EventFailed, seen.all()[0].Kind)
	})
}

// TestWithinTheGateOfEntityTags: the gate is passed once for both layers, and
// what stands outside holds the answer back.
func TestWithinTheGateOfEntityTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := &countingStore{Store: memory.New(memory.Config{})}
		tags, err := etag.New(etag.Config{Store: counted})
		require.NoError(t, err)
		docs := &documents{}
		h := tags.Handler(protect(t, lock.Config{Store: counted}, docs))
		token := take(t, h, "ann", "/a", "If-Match", "*")
		counted.calls = nil
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x", "Lock-Token", token).Code)
		assert.Equal(t, []string{"Create", "Get", "Delete"}, counted.calls, "one passage, and one look")
		wantProblem(t, do(h, "ann", "PUT", "/a", "x", "Lock-Token", token, "If-Match", `"stale"`), 412, problem.KindVersionMismatch)
		wantProblem(t, do(h, "bob", "LOCK", "/b", "", "If-Match", `"stale"`), 412, problem.KindVersionMismatch)
		assert.Equal(t, 204, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code)
	})
}

// TestNestedTwiceItDoesNotWaitForItself: two layers, or one twice, on one store.
func TestNestedTwiceItDoesNotWaitForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		l := layer(t, lock.Config{Store: shared})
		docs := &documents{}
		h := layer(t, lock.Config{Store: shared}).Handler(l.Handler(l.Handler(docs)))
		began := time.Now()
		token := take(t, h, "ann", "/a")
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x", "Lock-Token", token).Code)
		wantProblem(t, do(h, "bob", "PUT", "/a", "x"), 409, problem.KindLocked)
		assert.Equal(t, 204, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code)
		assert.Zero(t, time.Since(began))
		assert.Equal(t, []string{"PUT /a x"}, docs.writes())
	})
}

func TestAnAnswerIsHeldBackUntilItIsFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		h := protect(t, lock.Config{}, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(rw, "one")
			assert.Zero(t, w.Body.Len(), "held back")
			assert.NoError(t, http.NewResponseController(rw).Flush())
			assert.Equal(t, "one", w.Body.String())
			assert.Equal(t, http.StatusCreated, w.Code)
			_, _ = io.WriteString(rw, "two")
		}))
		h.ServeHTTP(w, httptest.NewRequest("POST", "/a", nil))
		assert.Equal(t, "onetwo", w.Body.String())
	})
}

func TestWhereTheGateIsAnothersNothingIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		gate, err := lease.NewGate(lease.GateConfig{Store: shared})
		require.NoError(t, err)
		pass, err := gate.Enter(t.Context(), "/a")
		require.NoError(t, err)
		w := httptest.NewRecorder()
		h := protect(t, lock.Config{Store: shared}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(rw, "one")
			assert.Equal(t, "one", w.Body.String(), "whoever holds the gate sees to that")
			assert.NoError(t, r.Context().Err())
		}))
		h.ServeHTTP(w, httptest.NewRequestWithContext(pass, "PUT", "/a", nil))
		assert.Equal(t, 200, w.Code)
		assert.NoError(t, pass.Err(), "it is still inside")
		assert.NoError(t, pass.Release(t.Context()))
	})
}

// TestARefusalIsMarked: a layer further out, such as that of idempotency keys,
// then knows that nothing was done.
func TestARefusalIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{}, &documents{})
		token := take(t, h, "ann", "/a")
		refused := func(fields ...string) bool {
			rec, _ := middleware.Record(httptest.NewRecorder())
			r := httptest.NewRequest("PUT", "/a", nil)
			r.Header.Set("X-User", "ann")
			for i := 0; i < len(fields); i += 2 {
				r.Header.Set(fields[i], fields[i+1])
			}
			h.ServeHTTP(rec, r)
			return rec.Refused()
		}
		assert.True(t, refused())
		assert.True(t, refused("Lock-Token", "x"))
		assert.False(t, refused("Lock-Token", token))
	})
}
