package collapse_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/singleflight"

	"github.com/concordhttp/concord/middleware/collapse"
)

// The ratios that count are to the bare handler and to singleflight, in the
// same run:
//
//	go test -run '^$' -bench . -benchmem ./middleware/collapse

// nowhere is a response writer that is used again for each request.
type nowhere struct{ h http.Header }

func (n *nowhere) Header() http.Header         { return n.h }
func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// requestOf has the 16 fields of a browser's request behind a proxy.
func requestOf(method string) *http.Request {
	r := httptest.NewRequest(method, "http://api.example/documents/1", nil)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "Dnt", "Origin",
		"Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Traceparent", "User-Agent", "X-Forwarded-For",
		"X-Request-Id",
	} {
		r.Header.Set(name, "some value of a usual length")
	}
	return r
}

var contentType = []string{"application/json"}

func serves(body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = contentType
		_, _ = w.Write(body)
	})
}

func bench(b *testing.B, h http.Handler, r *http.Request) {
	b.Helper()
	w := &nowhere{make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, r)
	}
}

func layer(tb testing.TB, c collapse.Config) *collapse.Layer {
	tb.Helper()
	l, err := collapse.New(c)
	require.NoError(tb, err)
	return l
}

func BenchmarkNothingToDo(b *testing.B) {
	h := layer(b, collapse.Config{}).Handler(serves(nil))
	for _, method := range []string{http.MethodOptions, http.MethodPost} {
		r := requestOf(method)
		b.Run(method+"/bare", func(b *testing.B) { bench(b, serves(nil), r) })
		b.Run(method+"/layer", func(b *testing.B) { bench(b, h, r) })
	}
	r := requestOf(http.MethodGet)
	r.Header.Set("Range", "bytes=0-99")
	b.Run("Range/bare", func(b *testing.B) { bench(b, serves(nil), r) })
	b.Run("Range/layer", func(b *testing.B) { bench(b, h, r) })
}

func BenchmarkNobodyToShareWith(b *testing.B) {
	body := make([]byte, 1<<10)
	r := requestOf(http.MethodGet)
	b.Run("bare", func(b *testing.B) { bench(b, serves(body), r) })
	b.Run("singleflight alone", func(b *testing.B) {
		var g singleflight.Group
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = g.Do("/documents/1", func() (any, error) { return body, nil })
		}
	})
	b.Run("layer", func(b *testing.B) { bench(b, layer(b, collapse.Config{}).Handler(serves(body)), r) })
}

// A round is a hundred identical requests, 99 of which wait for the first.
func BenchmarkHundredIdentical(b *testing.B) {
	const callers = 100
	body := make([]byte, 1<<10)
	var runs atomic.Int64
	release, start := make(chan struct{}), make(chan struct{})
	l := layer(b, collapse.Config{})
	h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		runs.Add(1)
		<-release
		serves(body).ServeHTTP(w, r)
	}))
	var done sync.WaitGroup
	for range callers {
		go func() {
			r, w := requestOf(http.MethodGet), &nowhere{make(http.Header)}
			for range start {
				clear(w.h)
				h.ServeHTTP(w, r)
				done.Done()
			}
		}()
	}
	b.ReportAllocs()
	for b.Loop() {
		done.Add(callers)
		for range callers {
			start <- struct{}{}
		}
		for l.Waiting() < callers-1 {
			runtime.Gosched()
		}
		release <- struct{}{}
		done.Wait()
	}
	close(start)
	b.ReportMetric(float64(runs.Load())/float64(b.N), "runs/op")
}
