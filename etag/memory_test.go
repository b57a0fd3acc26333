package etag_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/etag"
)

// heldBy is how many bytes of live memory n requests take up while all of them
// are under way. Each ends when stop is closed.
func heldBy(n int, each func(stop <-chan struct{})) uint64 {
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the first one only empties the pools into their reserve
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() { each(stop) })
	}
	synctest.Wait()
	time.Sleep(time.Second / 2)
	synctest.Wait()
	after := live()
	close(stop)
	all.Wait()
	if after < before {
		return 0
	}
	return after - before
}

// TestMemoryIsWhatIsStated: whatever clients and handlers do, a request holds
// its body and its answer up to MaxBody each, and what net/http itself takes.
func TestMemoryIsWhatIsStated(t *testing.T) {
	const (
		requests = 8
		maxBody  = 256 << 10
		stated   = requests * (2*maxBody + 64<<10)
	)
	large := strings.Repeat("x", maxBody)
	for name, c := range map[string]struct {
		body    func(stop <-chan struct{}) io.Reader
		client  func(stop <-chan struct{}) http.ResponseWriter
		handler http.HandlerFunc
	}{
		"a body that never ends": {
			body:    func(stop <-chan struct{}) io.Reader { return &trickle{stop: stop, chunk: 100 << 10} },
			handler: func(http.ResponseWriter, *http.Request) {},
		},
		"a client that reads nothing of what it is sent": {
			client:  func(stop <-chan struct{}) http.ResponseWriter { return stalled{httptest.NewRecorder(), stop} },
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) },
		},
		"a client that reads nothing of an answer over the limit": {
			client: func(stop <-chan struct{}) http.ResponseWriter { return stalled{httptest.NewRecorder(), stop} },
			handler: func(w http.ResponseWriter, _ *http.Request) {
				for range 64 {
					_, _ = io.WriteString(w, large)
				}
			},
		},
		"a handler that never writes": {
			body:    func(<-chan struct{}) io.Reader { return strings.NewReader(large) },
			handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		},
	} {
		for _, method := range []string{"GET", "PUT"} {
			t.Run(name+", "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := protect(t, etag.Config{MaxBody: maxBody, Resource: func(r *http.Request) string { return r.URL.RawQuery }}, c.handler)
					var turn counter
					held := heldBy(requests, func(stop <-chan struct{}) {
						var w http.ResponseWriter = httptest.NewRecorder()
						if c.client != nil {
							w = c.client(stop)
						}
						var body io.Reader
						if c.body != nil {
							body = c.body(stop)
						}
						r, leave := leaving(httptest.NewRequest(method, "/a?"+turn.next(), body), stop)
						defer leave()
						h.ServeHTTP(w, r)
					})
					assert.Less(t, held, uint64(stated))
				})
			})
		}
	}
}
