package etag_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// Time in these tests is that of a synctest bubble: an hour costs nothing.

const writers = 64

// race sends the same conditional PUT from many clients at once, spread over
// servers, and returns how many were told that they succeeded.
func race(t *testing.T, docs *documents, tag string, servers ...http.Handler) int {
	t.Helper()
	var won, stale atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			w := do(servers[i%len(servers)], "PUT", "/a", fmt.Sprintf("by writer %d", i), "If-Match", tag)
			switch w.Code {
			case 200:
				won.Add(1)
			case 412:
				stale.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, writers, won.Load()+stale.Load(), "everybody else is told that the version is stale")
	assert.Equal(t, won.Load(), docs.writes.Load())
	return int(won.Load())
}

func TestTwoWritersOneWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := newDocuments(map[string]string{"/a": "one"})
		h := protect(t, etag.Config{GateWait: time.Minute}, slowly(docs))
		assert.Equal(t, 1, race(t, docs, etag.Of([]byte("one")).String(), h))
	})
	t.Run("WithoutTheGateTheyDoNot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // or else the test above shows nothing
			docs := newDocuments(map[string]string{"/a": "one"})
			h := protect(t, etag.Config{Gate: etag.GateNone}, slowly(docs))
			assert.Greater(t, race(t, docs, etag.Of([]byte("one")).String(), h), 1)
		})
	})
}

// slowly gives others time to come between the check and the write.
func slowly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		h.ServeHTTP(w, r)
	})
}

func TestTwoWritersOneWinsAcrossServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := newDocuments(map[string]string{"/a": "one"})
		shared := memory.New(memory.Config{})
		config := etag.Config{Store: shared, GateWait: time.Minute}
		first, second := protect(t, config, slowly(docs)), protect(t, config, slowly(docs))
		assert.Equal(t, 1, race(t, docs, etag.Of([]byte("one")).String(), first, second))
	})
}

// TestGateHeldUntilCommit: what a handler writes becomes visible at the commit
// that a middleware inside the layer makes after it. Were the gate opened when
// the handler ends, the second writer would read the old version and pass.
func TestGateHeldUntilCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		committed := newDocuments(map[string]string{"/a": "one"})
		transaction := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				committed.ServeHTTP(w, r)
				return
			}
			pending := newDocuments(nil)
			pending.ServeHTTP(w, r)
			time.Sleep(time.Second) // the commit is slow
			text, _ := pending.text("/a")
			committed.writes.Add(1)
			committed.put("/a", text)
		})
		h := protect(t, etag.Config{GateWait: time.Hour}, transaction)
		assert.Equal(t, 1, race(t, committed, etag.Of([]byte("one")).String(), h))
	})
}

// inside counts how many are inside a handler at once.
type inside struct{ now, most, runs atomic.Int64 }

// atLeast makes most n if it is less, whoever else does the same.
func atLeast(most *atomic.Int64, n int64) {
	for m := most.Load(); m < n && !most.CompareAndSwap(m, n); m = most.Load() {
	}
}

func (i *inside) ServeHTTP(http.ResponseWriter, *http.Request) {
	atLeast(&i.most, i.now.Add(1))
	i.runs.Add(1)
	time.Sleep(time.Second)
	i.now.Add(-1)
}

func TestGateSpellings(t *testing.T) {
	targets := []string{
		"http://api.example/a1", "http://api.example/a%31", "http://api.example//a1", "http://api.example/./a1",
		"http://api.example/b/../a1", "http://api.example/a1/", "http://api.example/%611", "http://API.EXAMPLE:8080/a1",
		"http://other.example/a1", "http://api.example/a1?x=1", "http://api.example/..//a1//.",
	}
	synctest.Test(t, func(t *testing.T) {
		var in inside
		h := protect(t, etag.Config{GateWait: time.Hour}, &in)
		var all sync.WaitGroup
		for _, target := range targets {
			all.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("PUT", target, nil)) })
		}
		all.Wait()
		assert.EqualValues(t, len(targets), in.runs.Load())
		assert.EqualValues(t, 1, in.most.Load(), "one resource, whatever its spelling")
	})
	synctest.Test(t, func(t *testing.T) {
		var in inside
		h := protect(t, etag.Config{}, &in)
		var all sync.WaitGroup
		for _, target := range []string{"/a", "/b", "/a/b", "/A"} {
			all.Go(func() { do(h, "PUT", target, "") })
		}
		all.Wait()
		assert.EqualValues(t, 4, in.most.Load(), "other resources do not wait")
	})
}

func TestNestedStacksDoNotWaitForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memory.New(memory.Config{})
		docs := newDocuments(map[string]string{"/a": "one"})
		inner := layer(t, etag.Config{Store: shared})
		outer := layer(t, etag.Config{Store: shared})
		h := outer.Handler(inner.Handler(inner.Handler(docs)))
		began := time.Now()
		tag := tagOf(t, h, "/a")
		assert.Equal(t, 200, do(h, "PUT", "/a", "two", "If-Match", tag).Code)
		assert.Equal(t, 412, do(h, "PUT", "/a", "three", "If-Match", tag).Code)
		assert.Equal(t, 200, do(h, "PUT", "/a", "three").Code)
		assert.Zero(t, time.Since(began), "nobody waited")
		assert.EqualValues(t, 2, docs.writes.Load())
	})
}

// sleepyReader is a body that takes an hour to arrive, and sleepyWriter a
// client that takes an hour to read.
type sleepyReader struct{ io.Reader }

func (s sleepyReader) Read(p []byte) (int, error) {
	time.Sleep(time.Hour)
	return s.Reader.Read(p)
}

type sleepyWriter struct{ *httptest.ResponseRecorder }

func (s sleepyWriter) Write(p []byte) (int, error) {
	time.Sleep(time.Hour)
	return s.ResponseRecorder.Write(p)
}

func TestSlowBodyHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := newDocuments(map[string]string{"/a": "one"})
		h := protect(t, etag.Config{}, docs)
		tag := tagOf(t, h, "/a")
		slow := httptest.NewRecorder()
		go func() {
			r := httptest.NewRequest("PUT", "/a", sleepyReader{strings.NewReader("slow")})
			r.Header.Set("If-Match", tag)
			h.ServeHTTP(slow, r)
		}()
		synctest.Wait()
		began := time.Now()
		assert.Equal(t, 200, do(h, "PUT", "/a", "fast", "If-Match", tag).Code)
		assert.Zero(t, time.Since(began))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		assert.Equal(t, 412, slow.Code, "judged when it arrived")
		text, _ := docs.text("/a")
		assert.Equal(t, "fast", text)
	})
}

func TestSlowReaderHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := newDocuments(nil)
		h := protect(t, etag.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			docs.ServeHTTP(w, r)
			_, _ = w.Write(make([]byte, 100<<10))
		}))
		slow := sleepyWriter{httptest.NewRecorder()}
		go h.ServeHTTP(slow, httptest.NewRequest("PUT", "/a", strings.NewReader("slow")))
		synctest.Wait()
		began := time.Now()
		assert.Equal(t, 200, do(h, "PUT", "/a", "fast").Code)
		assert.Zero(t, time.Since(began))
		time.Sleep(2 * time.Hour)
		assert.Equal(t, 200, slow.Code)
	})
}

func TestHungHandlerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var cancelled error
		h := protect(t, etag.Config{MaxRun: time.Minute, GateLease: 10 * time.Second, GateWait: 5 * time.Second},
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Hang") != "" {
					<-r.Context().Done()
					cancelled = context.Cause(r.Context())
					<-release // it ignores that it was told to stop
				}
			}))
		var hung sync.WaitGroup
		hung.Go(func() { do(h, "PUT", "/a", "x", "X-Hang", "1") })
		synctest.Wait()

		began := time.Now()
		w := do(h, "PUT", "/a", "x")
		wantProblem(t, w, 409, problem.KindResourceBusy, `"retryable":true`)
		assert.NotEmpty(t, w.Header().Get("Retry-After"))
		assert.Equal(t, 5*time.Second, time.Since(began), "waiting is bounded")

		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Error(t, cancelled, "told to stop after MaxRun")
		time.Sleep(15 * time.Second)
		assert.Equal(t, 200, do(h, "PUT", "/a", "x").Code, "and the gate opens although it did not")
		close(release)
		hung.Wait()
		assert.Equal(t, 200, do(h, "PUT", "/a", "x").Code, "its late release is nobody else's")
	})
}

func TestWhoPassesTheGate(t *testing.T) {
	for _, c := range []struct {
		gate   etag.Gate
		method string
		fields []string
		alone  bool
	}{
		{etag.GateAll, "PUT", nil, true},
		{etag.GateAll, "PATCH", nil, true},
		{etag.GateAll, "DELETE", nil, true},
		{etag.GateAll, "LOCK", nil, true},
		{etag.GateAll, "UNLOCK", nil, true},
		{etag.GateAll, "LOCK", []string{"Lock-Token", "<urn:uuid:>"}, false},
		{etag.GateAll, "UNLOCK", []string{"Lock-Token", "<urn:uuid:>"}, false},
		{etag.GateAll, "LOCK", []string{"Lock-Token", "<urn:uuid:>", "If-Match", "*"}, true},
		{etag.GateAll, "PUT", []string{"Lock-Token", "<urn:uuid:>"}, true},
		{etag.GateAll, "POST", nil, false},
		{etag.GateAll, "PROPPATCH", nil, false},
		{etag.GateAll, "POST", []string{"If-Match", "*"}, true},
		{etag.GateAll, "PROPPATCH", []string{"If-Match", "*"}, true},
		{etag.GateAll, "GET", []string{"If-Match", "*"}, false},
		{etag.GateAll, "OPTIONS", []string{"If-Match", "*"}, false},
		{etag.GateConditional, "PUT", nil, false},
		{etag.GateConditional, "PUT", []string{"If-Match", "*"}, true},
		{etag.GateNone, "PUT", []string{"If-Match", "*"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var in inside
			h := protect(t, etag.Config{Gate: c.gate, Current: dated}, &in)
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() { do(h, c.method, "/a", "x", c.fields...) })
			}
			all.Wait()
			assert.EqualValues(t, 2, in.runs.Load())
			assert.Equal(t, c.alone, in.most.Load() == 1, "gate %d, %s %v", c.gate, c.method, c.fields)
		})
	}
}

// brokenStore fails every call.
type brokenStore struct{ err error }

func (s *brokenStore) Get(context.Context, string) (store.Record, bool, error) {
	return store.Record{}, false, s.err
}

func (s *brokenStore) Create(context.Context, string, store.Record) (store.Record, bool, error) {
	return store.Record{}, false, s.err
}

func (s *brokenStore) Replace(context.Context, string, uint64, store.Record) (store.Record, bool, error) {
	return store.Record{}, false, s.err
}

func (s *brokenStore) Delete(context.Context, string, uint64) (bool, error) { return false, s.err }

func TestAStoreThatFailsLetsNothingThrough(t *testing.T) {
	for _, err := range []error{store.ErrUnavailable, store.ErrFull, store.ErrClosed, fmt.Errorf("secret host refused")} {
		synctest.Test(t, func(t *testing.T) {
			docs := newDocuments(map[string]string{"/a": "one"})
			var events []middleware.Event
			h := protect(t, etag.Config{Store: &brokenStore{err}, Observer: observerFunc(func(e middleware.Event) { events = append(events, e) })}, docs)
			w := do(h, "PUT", "/a", "x")
			wantProblem(t, w, 503, problem.KindStoreUnavailable, `"retryable":true`)
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
			assert.NotContains(t, w.Body.String(), "secret")
			assert.Zero(t, docs.writes.Load())
			require.Len(t, events, 1)
			assert.Equal(t, middleware.EventFailed, events[0].Kind)
			assert.ErrorIs(t, events[0].Err, err)
			assert.Equal(t, 200, do(h, "GET", "/a", "").Code, "reads do without the store")
			time.Sleep(time.Minute) // the gate makes sure that what it tried to create is gone
		})
	}
}

type observerFunc func(middleware.Event)

func (f observerFunc) Observe(_ context.Context, e middleware.Event) { f(e) }

func TestEventsSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []string
		h := protect(t, etag.Config{Observer: observerFunc(func(e middleware.Event) {
			events = append(events, fmt.Sprintf("%s %s %s %s %s %d %v %v", e.Layer, e.Kind, e.Method, e.Resource, e.Problem, e.Status, e.Wait, e.Run))
		})}, slowly(newDocuments(map[string]string{"/a": "one"})))
		tag := tagOf(t, h, "/a")
		do(h, "GET", "/a", "", "If-None-Match", tag)
		do(h, "PUT", "/a", "two", "If-Match", tag)
		do(h, "PUT", "/a", "two", "If-Match", tag)
		assert.Equal(t, []string{
			"etag not-modified GET /a  304 0s 0s",
			"etag passed PUT /a  200 0s 1ms",
			"etag refused PUT /a version-mismatch 412 0s 0s",
		}, events)
	})
}

// TestAClientThatLeavesWaitsNoMore: nobody keeps a place at the gate for a
// request that nobody waits for.
func TestAClientThatLeavesWaitsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in inside
		h := protect(t, etag.Config{GateWait: time.Hour}, &in)
		go do(h, "PUT", "/a", "x")
		synctest.Wait()
		ctx, leave := context.WithTimeout(t.Context(), time.Millisecond)
		defer leave()
		began := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "PUT", "/a", nil))
		assert.Equal(t, time.Millisecond, time.Since(began))
		assert.NotEqual(t, 200, w.Code)
		time.Sleep(time.Minute)
		assert.EqualValues(t, 1, in.runs.Load())
	})
}

// TestAHandlerThatOutlivesItsLeaseKeepsTheGate: the lease is renewed for as
// long as MaxRun allows.
func TestAHandlerThatOutlivesItsLeaseKeepsTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most, now atomic.Int64
		h := protect(t, etag.Config{GateLease: time.Second, GateWait: time.Hour, MaxRun: time.Hour},
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				atLeast(&most, now.Add(1))
				time.Sleep(time.Minute)
				assert.NoError(t, r.Context().Err())
				now.Add(-1)
			}))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { assert.Equal(t, 200, do(h, "PUT", "/a", "x").Code) })
		}
		all.Wait()
		assert.EqualValues(t, 1, most.Load())
	})
}
