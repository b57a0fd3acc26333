package middleware_test

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
)

// lentWriter is one that the server takes back when the request is answered, and
// gives to another, as that of HTTP/2 is.
type lentWriter struct {
	fields http.Header
	back   atomic.Bool
	late   atomic.Int64 // how often it was asked for its fields by then
}

func (w *lentWriter) Header() http.Header {
	runtime.Gosched()
	if w.back.Load() {
		w.late.Add(1)
	}
	return w.fields
}

func (w *lentWriter) WriteHeader(int)             {}
func (w *lentWriter) Write(p []byte) (int, error) { return len(p), nil }

// A goroutine that a handler leaves behind and that only looks at the fields must
// not reach the server's writer either: on HTTP/2 that panics, or it belongs to
// another request.
func TestAGoroutineLeftBehindDoesNotAskForTheFieldsOfAnother(t *testing.T) {
	for range 300 {
		w := &lentWriter{fields: http.Header{}}
		rec, _ := middleware.Record(w)
		rec.Enter(decide(middleware.Buffer), 1<<20)
		var left sync.WaitGroup
		stop := make(chan struct{})
		for range 4 {
			left.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						rec.Header()
					}
				}
			})
		}
		runtime.Gosched()
		rec.Leave()
		rec.Finish()
		w.back.Store(true)
		runtime.Gosched()
		close(stop)
		left.Wait()
		assert.Zero(t, w.late.Load())
	}
}
