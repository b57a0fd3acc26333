package idempotency_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

// The ratios that count are to the bare handler and to SHA-256 of the body, in
// the same run:
//
//	go test -run '^$' -bench Layer -benchmem ./idempotency

// nowhere is a response writer that is used again for each request.
type nowhere struct{ h http.Header }

func (n *nowhere) Header() http.Header         { return n.h }
func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// requestOf has the 16 fields of a browser's request behind a proxy.
func requestOf(method string) *http.Request {
	r := httptest.NewRequest(method, "http://api.example/payments", nil)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Type", "Cookie", "Dnt", "Origin",
		"Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Traceparent", "User-Agent", "X-Forwarded-For", "X-Request-Id",
	} {
		r.Header.Set(name, "some value of a usual length")
	}
	return r
}

var (
	content     = bytes.Repeat([]byte("concord "), 128)
	contentType = []string{"application/json"}
)

func pay(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = contentType
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(content)
}

func benchLayer(b *testing.B, h http.Handler, r *http.Request, each func(*http.Request)) {
	b.Helper()
	w := &nowhere{make(http.Header)}
	body := bytes.NewReader(content)
	original := io.NopCloser(body)
	r.ContentLength = int64(len(content))
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		body.Reset(content)
		r.Body = original
		each(r)
		h.ServeHTTP(w, r)
	}
}

func newLayer(tb testing.TB, c idempotency.Config) *idempotency.Layer {
	tb.Helper()
	if c.Principal == nil {
		c.Principal = middleware.DangerouslyShared
	}
	l, err := idempotency.New(c)
	require.NoError(tb, err)
	return l
}

func BenchmarkLayer(b *testing.B) {
	keyed := func() *http.Request {
		r := requestOf(http.MethodPost)
		r.Header["Idempotency-Key"] = []string{"8e03978e-40d5-43dd-bc93-6894a57f9324"}
		return r
	}
	same := func(*http.Request) {}
	bare := http.HandlerFunc(pay)
	b.Run("bare", func(b *testing.B) { benchLayer(b, bare, keyed(), same) })
	b.Run("sha256 of the body alone", func(b *testing.B) {
		for b.Loop() {
			sum := sha256.Sum256(content)
			_ = sum
		}
	})
	b.Run("without a key", func(b *testing.B) {
		benchLayer(b, newLayer(b, idempotency.Config{}).Handler(bare), requestOf(http.MethodPost), same)
	})
	b.Run("another method", func(b *testing.B) {
		benchLayer(b, newLayer(b, idempotency.Config{}).Handler(bare), requestOf(http.MethodGet), same)
	})
	b.Run("first run", func(b *testing.B) { benchFirstRuns(b, bare, keyed()) })
	b.Run("replay", func(b *testing.B) {
		benchLayer(b, newLayer(b, idempotency.Config{}).Handler(bare), keyed(), same)
	})
}

// benchFirstRuns begins with an empty store after each thousand of keys, as
// otherwise the growth of the store is what is measured.
func benchFirstRuns(b *testing.B, bare http.Handler, r *http.Request) {
	b.Helper()
	keys := make([][]string, 1000)
	for i := range keys {
		keys[i] = []string{fmt.Sprintf("8e03978e-40d5-43dd-bc93-%012d", i)}
	}
	h := newLayer(b, idempotency.Config{}).Handler(bare)
	w := &nowhere{make(http.Header)}
	body := bytes.NewReader(content)
	original := io.NopCloser(body)
	r.ContentLength = int64(len(content))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n == len(keys) {
			b.StopTimer()
			n, h = 0, newLayer(b, idempotency.Config{}).Handler(bare)
			b.StartTimer()
		}
		clear(w.h)
		body.Reset(content)
		r.Body = original
		r.Header["Idempotency-Key"] = keys[n]
		h.ServeHTTP(w, r)
	}
}
