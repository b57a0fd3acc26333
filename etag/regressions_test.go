package etag_test

import (
	"context"
	"fmt"
	"io"
	"math"
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

func TestNoLimitOverflows(t *testing.T) {
	docs := newDocuments(map[string]string{"/a": "one"})
	h := protect(t, etag.Config{MaxBody: math.MaxInt64}, docs)
	tag := tagOf(t, h, "/a")
	assert.Equal(t, 200, do(h, "PUT", "/a", "two", "If-Match", tag).Code)
	assert.Equal(t, 200, do(h, "PUT", "/a", "").Code)
	assert.Equal(t, 304, do(h, "GET", "/a", "", "If-None-Match", "*").Code)
}

// TestEveryMistakeIsReportedAtOnce, under the name that the server's author
// knows it by, also those that the gate finds.
func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := etag.New(etag.Config{
		Weak: true, Require: func(*http.Request) bool { return true }, StaleStatus: 428, Gate: 9, MaxBody: -1,
		GateLease: time.Nanosecond, MaxRun: -time.Second,
	})
	var named []string
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				walk(err)
			}
			return
		}
		mistake := (*store.ConfigError)(nil)
		if assert.ErrorAs(t, err, &mistake) {
			named = append(named, mistake.Field)
			assert.NotEmpty(t, mistake.Reason)
		}
	}
	walk(err)
	for _, field := range []string{"Weak", "StaleStatus", "Gate", "MaxBody", "GateLease", "MaxRun"} {
		assert.Contains(t, named, "etag.Config."+field)
	}
	for _, name := range named {
		assert.True(t, strings.HasPrefix(name, "etag.Config."), name)
	}
	_, err = etag.New(etag.Config{Gate: etag.GateNone, MaxBody: -1})
	assert.ErrorContains(t, err, "etag.Config.MaxBody")
}

// told collects what an observer is told, in a line each.
type told []string

var telling sync.Mutex // requests of one time come in no order

func (o *told) Observe(_ context.Context, e middleware.Event) {
	telling.Lock()
	defer telling.Unlock()
	*o = append(*o, fmt.Sprintf("%s %s %s %s %d %v", e.Kind, e.Method, e.Resource, e.Problem, e.Status, e.Err))
}

func TestEventsOfWhatGoesWrong(t *testing.T) {
	var events told
	h := protect(t, etag.Config{Observer: &events}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			panic("a fault")
		}
		_, _ = io.WriteString(w, "one")
	}))
	assert.Panics(t, func() { do(h, "PUT", "/a", "x") })
	require.Len(t, events, 1)
	assert.Contains(t, events[0], "failed PUT /a  0 etag: the handler did not return")
	events = nil
	do(h, "GET", "/a", "", "If-None-Match", `"x"`)
	assert.Equal(t, told{"passed GET /a  200 <nil>"}, events)

	events = nil
	asked := 0
	h = protect(t, etag.Config{Observer: &events, Current: func(*http.Request) (etag.State, error) {
		asked++
		return hashed("one"), errBrokenOff
	}}, newDocuments(map[string]string{"/a": "one"}))
	w := do(h, "GET", "/a", "", "If-None-Match", etag.Of([]byte("one")).String())
	assert.Equal(t, "200 one", fmt.Sprint(w.Code, " ", w.Body))
	assert.Empty(t, w.Header()["Etag"])
	assert.Equal(t, 1, asked)
	assert.Equal(t, told{"failed GET /a  0 the body broke off"}, events)
	for _, fields := range [][]string{{"If-Match", `"x"`}, {"If-Unmodified-Since", at(then)}} {
		wantProblem(t, do(h, "GET", "/a", "", fields...), 503, problem.KindValidatorUnavailable)
	}
}

func TestCurrentIsAskedOnceForEachRead(t *testing.T) {
	asked := 0
	h := protect(t, etag.Config{Current: func(r *http.Request) (etag.State, error) { asked++; return dated(r) }}, newDocuments(map[string]string{"/a": "one"}))
	for _, fields := range [][]string{nil, {"If-None-Match", `"v7"`}, {"If-None-Match", `"x"`}, {"If-Match", `"v7"`}, {"If-Match", `"x"`}} {
		for _, method := range []string{"GET", "HEAD"} {
			asked = 0
			do(h, method, "/a", "", fields...)
			assert.Equal(t, 1, asked, "%s %v", method, fields)
		}
	}
}

// TestSafeMethodsOfOthersAreLeftAlone: their answers are no representation of
// the resource, and its tag says nothing about them.
func TestSafeMethodsOfOthersAreLeftAlone(t *testing.T) {
	for _, method := range []string{"QUERY", "PROPFIND", "REPORT", "SEARCH", "OPTIONS", "TRACE"} {
		synctest.Test(t, func(t *testing.T) {
			var in inside
			h := protect(t, etag.Config{Require: func(*http.Request) bool { return true }, TagAfterWrite: true}, &in)
			var all sync.WaitGroup
			all.Go(func() { assert.Equal(t, 200, do(h, method, "/a", "x").Code) })
			all.Go(func() {
				w := do(h, method, "/a", "x", "If-Match", `"stale"`, "If-None-Match", "*")
				assert.Equal(t, 200, w.Code, method)
			})
			synctest.Wait()
			assert.EqualValues(t, 2, in.now.Load(), "%s waits for nobody", method)
			all.Wait()
			assert.EqualValues(t, 2, in.runs.Load(), "%s is asked for nothing", method)
		})
	}
}

// TestThePatternIsSeenOutside: a metric by route, say, reads it after the fact.
func TestThePatternIsSeenOutside(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/d/{id}", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"v7"`) })
	for name, c := range map[string]etag.Config{"answer": {}, "current": {Current: dated}, "no gate": {Gate: etag.GateNone}} {
		h := protect(t, c, mux)
		for _, method := range []string{"GET", "HEAD", "PUT", "POST"} {
			for _, fields := range []http.Header{nil, {"If-Match": {`"v7"`}}, {"If-None-Match": {`"v6"`}}} {
				r := httptest.NewRequest(method, "/d/1", http.NoBody)
				r.Header = fields.Clone()
				h.ServeHTTP(httptest.NewRecorder(), r)
				assert.Equal(t, "/d/{id}", r.Pattern, "%s %s %v", name, method, fields)
			}
		}
	}
}

// TestALeaseThatEndsDuringTheCheckEndsTheWrite before its handler: another may
// be inside by then.
func TestALeaseThatEndsDuringTheCheckEndsTheWrite(t *testing.T) {
	for name, lost := range map[string]bool{"MaxRun is over": false, "it was lost": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events told
				ran := false
				s := &forgetful{Store: memory.New(memory.Config{})}
				h := protect(t, etag.Config{Store: s, GateLease: time.Second, MaxRun: time.Minute, Observer: &events, Current: func(r *http.Request) (etag.State, error) {
					s.forgets.Store(lost)
					time.Sleep(10 * time.Minute)
					return dated(r)
				}}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran = true }))
				w := do(h, "PUT", "/a", "", "If-Match", `"v7"`)
				wantProblem(t, w, 409, problem.KindResourceBusy)
				assert.NotEmpty(t, w.Header().Get("Retry-After"))
				assert.False(t, ran)
				require.NotEmpty(t, events)
				last := events[len(events)-1]
				assert.Contains(t, last, "refused PUT /a resource-busy 409", "which is no failure of what Concord relies on")
				assert.NotContains(t, last, "<nil>")
			})
		})
	}
}

// forgetful is a store that, from some time on, has no record any more.
type forgetful struct {
	*memory.Store
	forgets atomic.Bool
}

func (s *forgetful) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if s.forgets.Load() {
		return store.Record{}, false, nil
	}
	return s.Store.Replace(ctx, key, version, r)
}

func TestABusyResourceIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in inside
		var events told
		h := protect(t, etag.Config{GateWait: -1, Observer: &events}, &in)
		var all sync.WaitGroup
		all.Go(func() { do(h, "PUT", "/a", "x") })
		synctest.Wait()
		wantProblem(t, do(h, "PUT", "/a", "x"), 409, problem.KindResourceBusy)
		all.Wait()
		require.Len(t, events, 2)
		assert.Contains(t, events[0], "refused PUT /a resource-busy 409")
		assert.Contains(t, events[1], "passed PUT /a")
	})
}

// TestNamespacesShareNoGate, on one store.
func TestNamespacesShareNoGate(t *testing.T) {
	for namespace, most := range map[string]int{"a": 1, "b": 2} {
		synctest.Test(t, func(t *testing.T) {
			var in inside
			shared := memory.New(memory.Config{})
			a := protect(t, etag.Config{Store: shared, Namespace: "a"}, &in)
			b := protect(t, etag.Config{Store: shared, Namespace: namespace}, &in)
			var all sync.WaitGroup
			all.Go(func() { do(a, "PUT", "/a", "x") })
			all.Go(func() { do(b, "PUT", "/a", "x") })
			synctest.Wait()
			assert.EqualValues(t, most, in.now.Load(), namespace)
			all.Wait()
		})
	}
}

// TestAStalledClientThatPrefersMuchHoldsNobodyUp: the problem that it is sent can
// be larger than what is held back.
func TestAStalledClientThatPrefersMuchHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat(`"`, 1000)
		h := protect(t, etag.Config{MaxBody: 1 << 10}, newDocuments(map[string]string{"/a": text}))
		slow := httptest.NewRecorder()
		go func() {
			r := httptest.NewRequest("PUT", "/a", strings.NewReader("x"))
			r.Header.Set("If-Match", `"old"`)
			r.Header.Set("Prefer", "return=representation")
			h.ServeHTTP(sleepyWriter{slow}, r)
		}()
		synctest.Wait()
		began := time.Now()
		assert.Equal(t, 200, do(h, "PUT", "/a", "y").Code)
		assert.Zero(t, time.Since(began))
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		wantProblem(t, slow, 412, problem.KindVersionMismatch, `"current":"`)
	})
}

// TestABodyBelongsToWhoeverReadIt: a layer further in leaves it to the one that
// did, and that one frees it.
func TestABodyBelongsToWhoeverReadIt(t *testing.T) {
	var body io.ReadCloser
	inner := layer(t, etag.Config{})
	h := protect(t, etag.Config{Store: memory.New(memory.Config{})}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			assert.Same(t, body, r.Body)
		})).ServeHTTP(w, func() *http.Request { body = r.Body; return r }())
		text, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "text", string(text))
	}))
	do(h, "PUT", "/a", "text")
	_, err := body.Read(make([]byte, 1))
	assert.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

// TestFieldBombsOfAnyName: what a request makes the layer allocate does not grow
// with its fields, of any name.
func TestFieldBombsOfAnyName(t *testing.T) {
	names := http.Header{}
	for i := range 100_000 {
		names[fmt.Sprint("X-", i)] = []string{"1"}
	}
	lines := func(line string, n int) []string {
		return strings.Split(strings.TrimSuffix(strings.Repeat(line+"\n", n), "\n"), "\n")
	}
	configs := map[string]etag.Config{"": {}, "current": {Current: dated}, "after": {TagAfterWrite: true}}
	for name, bomb := range map[string]http.Header{
		"short names in Connection": {"Connection": {strings.Repeat("a,", 1<<19)}},
		"long names in Connection":  {"Connection": {strings.Repeat("abcdefg,", 1<<17)}},
		"lines of Connection":       {"Connection": lines("a", 95_000)},
		"lines of Prefer":           {"Prefer": lines("a", 95_000)},
		"commas in Prefer":          {"Prefer": lines(strings.Repeat(",", 1000), 1000)},
		"lines of another field":    {"X-Other": lines("a", 175_000)},
		"names":                     names,
	} {
		for by, c := range configs {
			h := protect(t, c, newDocuments(map[string]string{"/a": "one"}))
			for _, method := range []string{"GET", "HEAD", "PUT"} {
				for _, field := range []string{"If-Match", "If-None-Match", "X-None"} {
					ask := func(bomb http.Header) uint64 {
						r := httptest.NewRequest(method, "/a", http.NoBody)
						r.Header = bomb.Clone()
						if r.Header == nil {
							r.Header = http.Header{}
						}
						r.Header.Set(field, `"old"`)
						return allocated(func() { h.ServeHTTP(httptest.NewRecorder(), r) })
					}
					assert.Less(t, ask(bomb), ask(nil)+16<<10, "%s %s with %s, by %s", method, name, field, by)
				}
			}
		}
	}
}
