package collapse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/concordhttp/concord/middleware/collapse"
)

// A flush by a goroutine that the handler leaves behind comes at any moment, also
// when what the leader had has been given to the next request.
func TestAFlushThatIsLeftBehindHarmsNobody(t *testing.T) {
	var left sync.WaitGroup
	panicked := make(chan any, 1)
	h := layer(t, collapse.Config{Uncollapsible: 1}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 1000 { // so that to read the answer takes a while
			w.Header()[fmt.Sprint("X-", i)] = []string{"1"}
		}
		time.Sleep(500 * time.Microsecond) // the others come
		left.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					select {
					case panicked <- p:
					default:
					}
				}
			}()
			_ = http.NewResponseController(w).Flush()
		})
		time.Sleep(30 * time.Microsecond)
	}))
	for range 100 {
		var requests sync.WaitGroup
		for range 2 {
			requests.Go(func() {
				h.ServeHTTP(&guarded{w: httptest.NewRecorder()}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a", nil))
			})
		}
		requests.Wait()
	}
	left.Wait()
	select {
	case p := <-panicked:
		t.Fatal(p)
	default:
	}
}

// guarded is a client that several goroutines may write to.
type guarded struct {
	mu sync.Mutex
	w  *httptest.ResponseRecorder
}

func (g *guarded) Header() http.Header { return g.w.Header() }

func (g *guarded) WriteHeader(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.w.WriteHeader(status)
}

func (g *guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.w.Write(p)
}

func (g *guarded) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.w.Flush()
}
