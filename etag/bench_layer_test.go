package etag_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
)

// The ratios that count are to the bare handler and to SHA-256 of the same
// body, in the same run:
//
//	go test -run '^$' -bench Layer -benchmem ./etag

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

func bench(b *testing.B, h http.Handler, r *http.Request, each func(http.Header)) {
	b.Helper()
	w := &nowhere{make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		each(w.h)
		h.ServeHTTP(w, r)
	}
}

// fresh makes a used writer new again, or else the handler seems to have set
// the ETag of the answer before.
func fresh(h http.Header) { clear(h) }

func layer(tb testing.TB, c etag.Config) *etag.Layer {
	tb.Helper()
	l, err := etag.New(c)
	require.NoError(tb, err)
	return l
}

func keyed(tb testing.TB) etag.Hasher {
	tb.Helper()
	h, err := etag.Keyed(bytes.Repeat([]byte("k"), 32))
	require.NoError(tb, err)
	return h
}

func BenchmarkLayerNothingToDo(b *testing.B) {
	r := requestOf(http.MethodPost)
	b.Run("bare", func(b *testing.B) { bench(b, serves(nil), r, fresh) })
	b.Run("layer", func(b *testing.B) { bench(b, layer(b, etag.Config{}).Handler(serves(nil)), r, fresh) })
	b.Run("conditions", func(b *testing.B) { bench(b, layer(b, etag.Config{}).Conditions(serves(nil)), r, fresh) })
}

func BenchmarkLayerGet(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1KiB", 1 << 10}, {"64KiB", 64 << 10}} {
		body := bytes.Repeat([]byte("concord "), size.bytes/8)
		r := requestOf(http.MethodGet)
		b.Run(size.name+"/bare", func(b *testing.B) { bench(b, serves(body), r, fresh) })
		b.Run(size.name+"/sha256 alone", func(b *testing.B) {
			for b.Loop() {
				sum := sha256.Sum256(body)
				_ = sum
			}
		})
		b.Run(size.name+"/sha256", func(b *testing.B) {
			bench(b, layer(b, etag.Config{}).Handler(serves(body)), r, fresh)
		})
		b.Run(size.name+"/keyed", func(b *testing.B) {
			bench(b, layer(b, etag.Config{Hash: keyed(b)}).Handler(serves(body)), r, fresh)
		})
	}
}

func BenchmarkLayerConditionalPut(b *testing.B) {
	r := requestOf(http.MethodPut)
	r.Header.Set("If-Match", `"v7"`)
	state := etag.State{Exists: true, Tag: etag.FromVersion(7)}
	current := func(*http.Request) (etag.State, error) { return state, nil }
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	b.Run("bare", func(b *testing.B) { bench(b, h, r, fresh) })
	b.Run("memory gate", func(b *testing.B) {
		bench(b, layer(b, etag.Config{Current: current}).Handler(h), r, fresh)
	})
	b.Run("no gate", func(b *testing.B) {
		bench(b, layer(b, etag.Config{Current: current, Gate: etag.GateNone}).Handler(h), r, fresh)
	})
	b.Run("memory gate, body of 1 KiB", func(b *testing.B) {
		content := bytes.Repeat([]byte("x"), 1<<10)
		body := bytes.NewReader(content)
		r := r.Clone(b.Context())
		r.ContentLength = 1 << 10
		original := io.NopCloser(body)
		bench(b, layer(b, etag.Config{Current: current}).Handler(h), r, func(http.Header) {
			body.Reset(content)
			r.Body = original
		})
	})
}
