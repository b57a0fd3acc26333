package collapse_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/collapse"
	"github.com/concordhttp/concord/store"
)

// holding is a client that has been given the answer, and takes it when told to.
type holding struct {
	nowhere
	given *sync.WaitGroup
	take  chan struct{}
	got   int
}

func (h *holding) Write(p []byte) (int, error) {
	h.given.Done()
	<-h.take
	h.got += len(p)
	return len(p), nil
}

func TestHundredAnswersOfOneMebibyteTakeTwo(t *testing.T) {
	for name, pieces := range map[string]int{"written at once": 1, "written in pieces": 64} {
		t.Run(name, func(t *testing.T) {
			const callers, size = 100, 1 << 20
			content := bytes.Repeat([]byte("x"), size/pieces)
			release := make(chan struct{})
			l := layer(t, collapse.Config{})
			h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				<-release
				for range pieces {
					_, _ = w.Write(content)
				}
			}))
			var given, done sync.WaitGroup
			given.Add(callers)
			take := make(chan struct{})
			clients := make([]*holding, callers)
			for i := range clients {
				clients[i] = &holding{nowhere: nowhere{http.Header{}}, given: &given, take: take}
				done.Go(func() { h.ServeHTTP(clients[i], get("/a")) })
			}
			for l.Waiting() < callers-1 {
				runtime.Gosched()
			}
			before := heap()
			close(release)
			given.Wait()
			held := int64(heap()) - int64(before)
			close(take)
			done.Wait()
			for _, c := range clients {
				require.Equal(t, size, c.got)
			}
			assert.LessOrEqual(t, held, int64(2<<20))
			assert.GreaterOrEqual(t, held, int64(1<<20), "or else it was not measured when it was held")
		})
	}
}

func heap() uint64 {
	for range 3 { // pools give up what they hold at the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector, pools forget on purpose")
	}
	h := layer(t, collapse.Config{}).Handler(serves([]byte("body")))
	w := &nowhere{http.Header{}}
	allocs := func(r *http.Request) float64 {
		return testing.AllocsPerRun(500, func() {
			clear(w.h)
			h.ServeHTTP(w, r)
		})
	}
	for _, method := range []string{"OPTIONS", "POST", "DELETE"} {
		assert.Zero(t, allocs(requestOf(method)), method)
	}
	r := requestOf("GET")
	r.Header.Set("Range", "bytes=0-1")
	assert.Zero(t, allocs(r), "Range")
	assert.LessOrEqual(t, allocs(requestOf("GET")), 5.0, "nobody to share with")
}

func TestConfigReportsEveryMistake(t *testing.T) {
	_, err := collapse.New(collapse.Config{
		Neutral: []string{"X-Fine", "range", "not a name", "", "Cookie", "authorization", "Cache-Control"},
		MaxWait: -1, MaxRun: -1, Uncollapsible: -1, MaxBody: -1, MaxFollowers: -1,
	})
	var fields []string
	for _, mistake := range err.(interface{ Unwrap() []error }).Unwrap() {
		var c *store.ConfigError
		require.ErrorAs(t, mistake, &c)
		fields = append(fields, fmt.Sprintf("%s=%v", strings.TrimPrefix(c.Field, "collapse.Config."), c.Value))
	}
	assert.Equal(t, []string{
		"Neutral=range", "Neutral=not a name", "Neutral=", "Neutral=Cookie", "Neutral=authorization", "Neutral=Cache-Control",
		"MaxWait=-1ns", "MaxRun=-1ns", "Uncollapsible=-1ns", "MaxBody=-1", "MaxFollowers=-1",
	}, fields)
	_, err = collapse.New(collapse.Config{Neutral: []string{"Cookie"}, Principal: middleware.DangerouslyShared})
	require.NoError(t, err)
}

// observer collects events.
type observer struct {
	mu     sync.Mutex
	events []middleware.Event
}

func (o *observer) Observe(_ context.Context, e middleware.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

func (o *observer) kinds() (kinds []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		kinds = append(kinds, fmt.Sprintf("%s %s %s %s %d wait %s run %s", e.Layer, e.Kind, e.Method, e.Resource, e.Status, e.Wait, e.Run))
	}
	return kinds
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen observer
		s := newReport()
		s.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) {
			w.Header().Set("Vary", "User-Agent")
			w.WriteHeader(404)
		}
		h := layer(t, collapse.Config{Observer: &seen}).Handler(s)
		a := start(h, get("/a//"))
		synctest.Wait()
		time.Sleep(time.Second)
		b, c := start(h, get("/a//")), start(h, get("/a//", "User-Agent", "1"))
		synctest.Wait()
		time.Sleep(time.Second)
		close(s.release)
		<-a.done
		<-b.done
		<-c.done
		assert.ElementsMatch(t, []string{
			"collapse passed GET /a 404 wait 0s run 2s",
			"collapse collapsed GET /a 404 wait 1s run 0s",
			"collapse passed GET /a 404 wait 1s run 0s",
		}, seen.kinds())

		seen.events = nil
		s.answer = func(http.ResponseWriter, *http.Request, int64) { panic("oops") }
		<-start(h, get("/b")).done
		assert.Equal(t, []string{"collapse failed GET /b 0 wait 0s run 0s"}, seen.kinds())
	})
}

func TestEventsTellWhatWasAskedForWhateverTheHandlerMakesOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen observer
		s := newReport()
		s.answer = func(w http.ResponseWriter, r *http.Request, _ int64) {
			r.URL.Path = "/a"
			w.Header().Set("Cache-Control", "private")
		}
		h := layer(t, collapse.Config{Observer: &seen}).Handler(s)
		leader := start(h, get("/api/a"))
		synctest.Wait()
		follower := start(h, get("/api/a"))
		synctest.Wait()
		close(s.release)
		<-leader.done
		<-follower.done
		assert.Equal(t, slices.Repeat([]string{"collapse passed GET /api/a 200 wait 0s run 0s"}, 2), seen.kinds())
	})
}

// The storm lets everything happen at once: what a request gets must be its own
// in all that it depends on, and no older than the last write that it knows of.
func TestStorm(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const workers, resources = 16, 3
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	var values, known [resources]atomic.Int64
	var runs, asked atomic.Int64
	l := layer(t, collapse.Config{MaxBody: 1 << 10, MaxFollowers: 8, MaxWait: 20 * time.Millisecond, Uncollapsible: time.Millisecond})
	h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resource := int(r.URL.Path[1] - '0')
		if r.Method != http.MethodGet {
			values[resource].Add(1)
			return
		}
		n := runs.Add(1)
		if n%13 == 0 {
			w.Header().Set("Cache-Control", "private")
		}
		body := fmt.Sprintf("%d %s %d ", resource, r.Header.Get("Cookie"), values[resource].Load())
		if n%3 == 0 {
			runtime.Gosched()
		}
		_, _ = io.WriteString(w, body)
		switch n % 11 {
		case 0:
			panic(http.ErrAbortHandler)
		case 1, 2:
			_ = http.NewResponseController(w).Flush()
		case 3:
			_, _ = w.Write(bytes.Repeat([]byte(" "), 4<<10))
		}
		if n%17 == 0 && r.Context().Err() != nil {
			return
		}
		_, _ = io.WriteString(w, "end")
	}))
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			for range rounds {
				resource, user := random.IntN(resources), fmt.Sprint("u", random.IntN(2))
				path := fmt.Sprint("/", resource)
				if random.IntN(10) == 0 {
					<-start(h, request("PUT", path)).done
					now := values[resource].Load()
					for old := known[resource].Load(); old < now && !known[resource].CompareAndSwap(old, now); {
						old = known[resource].Load()
					}
					continue
				}
				least := known[resource].Load()
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(5) == 0 {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), time.Duration(random.IntN(200))*time.Microsecond)
				}
				asked.Add(1)
				p := start(h, get(path, "Cookie", user).WithContext(ctx))
				<-p.done
				cancel()
				if p.panicked != nil {
					assert.Equal(t, http.ErrAbortHandler, p.panicked)
					continue
				}
				if p.Code != 200 {
					continue
				}
				var gotResource int
				var gotUser string
				var got int64
				_, err := fmt.Sscan(p.Body.String(), &gotResource, &gotUser, &got)
				if err != nil && ctx.Err() != nil {
					continue
				}
				if assert.NoError(t, err, "%q", p.Body) {
					assert.Equal(t, resource, gotResource)
					assert.Equal(t, user, gotUser)
					assert.GreaterOrEqual(t, got, least, "older than a write that was known")
				}
				if ctx.Err() == nil {
					assert.True(t, strings.HasSuffix(p.Body.String(), "end"), "an answer without its end looks complete")
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d requests, %d runs", asked.Load(), runs.Load())
	assert.Less(t, runs.Load(), asked.Load(), "some were shared")
	wantNothingLeft(t, l)
}
