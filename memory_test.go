package concord_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
)

// TestUntouchedRequestsCostNothing: those that no layer is concerned with reach
// the handler as they came, and nothing is allocated for them.
func TestUntouchedRequestsCostNothing(t *testing.T) {
	observed := observe(func(e middleware.Event) { t.Errorf("an event of a request that no layer is concerned with: %+v", e) })
	for name, c := range map[string]concord.Config{
		"all layers but locks":     {Observer: observed},
		"nothing lockable":         {Observer: observed, Lock: &lock.Config{Lockable: func(*http.Request) bool { return false }}},
		"a key required of others": {Observer: observed, Idempotency: idempotency.Config{Require: func(*http.Request) bool { return false }}},
		"everything off":           {Off: concord.LayerETag | concord.LayerIdempotency | concord.LayerCollapse},
	} {
		for _, method := range []string{http.MethodPost, http.MethodOptions, http.MethodTrace, "PROPFIND"} {
			t.Run(method+", "+name, func(t *testing.T) {
				var gotW http.ResponseWriter
				var gotR *http.Request
				h := newStack(t, c).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					gotW, gotR = w, r
					answers(w, r)
				}))
				w, r := &nowhere{make(http.Header)}, requestOf(method)
				h.ServeHTTP(w, r)
				assert.Same(t, w, gotW)
				assert.Same(t, r, gotR)
				assert.Zero(t, testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }))
			})
		}
	}
}

// slowReader is a client that takes its answer only once it may. What it is
// given it counts and forgets, so that the memory in use is that of the Stack.
type slowReader struct {
	nowhere
	may  <-chan struct{}
	held *atomic.Int64 // how many wait with their answer in hand
	got  int
}

func (s *slowReader) Write(p []byte) (int, error) {
	s.held.Add(1)
	<-s.may
	s.got += len(p)
	return len(p), nil
}

// inUse is how much memory is, in bytes.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // the first one leaves what pools hold
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAHundredReadersShareOneBuffer: a hundred that ask at once for the same
// 1 MiB make one run of the handler, and are answered from at most 2 MiB, however
// slowly all of them read.
func TestAHundredReadersShareOneBuffer(t *testing.T) {
	const readers, size = 100, 1 << 20
	synctest.Test(t, func(t *testing.T) {
		piece := make([]byte, 32<<10)
		var runs, held atomic.Int64
		all, may := make(chan struct{}), make(chan struct{})
		h := newStack(t, concord.Config{Lock: &lock.Config{}}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			runs.Add(1)
			<-all
			for range size / len(piece) {
				_, _ = w.Write(piece)
			}
		}))
		var done sync.WaitGroup
		clients := make([]*slowReader, readers)
		for i := range clients {
			clients[i] = &slowReader{nowhere: nowhere{make(http.Header)}, may: may, held: &held}
			r := httptest.NewRequest(http.MethodGet, "/report", nil)
			done.Go(func() { h.ServeHTTP(clients[i], r) })
		}
		synctest.Wait()
		before := inUse()
		close(all)
		synctest.Wait()
		require.EqualValues(t, readers, held.Load(), "all have their answer in hand")
		used := inUse() - before
		close(may)
		done.Wait()
		t.Logf("%d KiB in use while %d read", used>>10, readers)
		assert.EqualValues(t, 1, runs.Load())
		assert.Greater(t, used, int64(size/2), "what is measured is the buffer")
		assert.LessOrEqual(t, used, int64(2<<20))
		for _, c := range clients {
			assert.Equal(t, size, c.got)
		}
	})
}
