package lock_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/lock"
)

// The ratios that count are to the bare handler, in the same run:
//
//	go test -run '^$' -bench . -benchmem ./middleware/lock

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
		"X-User",
	} {
		r.Header.Set(name, "some value of a usual length")
	}
	return r
}

var contentType = []string{"application/json"}

func bare() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = contentType
		w.WriteHeader(http.StatusNoContent)
	})
}

func TestWhatItIsNotConcernedWithCostsNoAllocation(t *testing.T) {
	w := &nowhere{make(http.Header)}
	h := protect(t, lock.Config{}, bare())
	none := protect(t, lock.Config{Lockable: func(*http.Request) bool { return false }}, bare())
	get, put := requestOf("GET"), requestOf("PUT")
	assert.Zero(t, testing.AllocsPerRun(100, func() { h.ServeHTTP(w, get) }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { none.ServeHTTP(w, put) }))
}

func BenchmarkLayer(b *testing.B) {
	none := lock.Config{Lockable: func(*http.Request) bool { return false }}
	for _, c := range []struct {
		name, method string
		h            http.Handler
	}{
		{"GET bare", "GET", bare()},
		{"GET", "GET", protect(b, lock.Config{}, bare())},
		{"PUT bare", "PUT", bare()},
		{"PUT not lockable", "PUT", protect(b, none, bare())},
		{"PUT unlocked", "PUT", protect(b, lock.Config{}, bare())},
		{"PUT under a lock", "PUT", protect(b, lock.Config{}, bare())},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := requestOf(c.method)
			if c.name == "PUT under a lock" {
				w := do(c.h, r.Header.Get("X-User"), "LOCK", "/documents/1", "")
				r.Header.Set("Lock-Token", w.Header().Get("Lock-Token"))
			}
			w := &nowhere{make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				c.h.ServeHTTP(w, r)
			}
		})
	}
}
