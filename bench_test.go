package concord_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/lock"
)

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

func answers(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = contentType
	_, _ = w.Write(nil)
}

func newStack(tb testing.TB, c concord.Config) *concord.Stack {
	tb.Helper()
	if c.Principal == nil {
		c.Principal = concord.DangerouslyShared
	}
	s, err := concord.New(c)
	require.NoError(tb, err)
	return s
}

func BenchmarkStackNothingToDo(b *testing.B) {
	for _, method := range []string{http.MethodPost, http.MethodOptions} {
		for name, h := range map[string]http.Handler{
			"bare":       http.HandlerFunc(answers),
			"stack":      newStack(b, concord.Config{}).Handler(http.HandlerFunc(answers)),
			"with locks": newStack(b, concord.Config{Lock: &lock.Config{Lockable: func(*http.Request) bool { return false }}}).Handler(http.HandlerFunc(answers)),
		} {
			b.Run(method+"/"+name, func(b *testing.B) {
				w, r := &nowhere{make(http.Header)}, requestOf(method)
				b.ReportAllocs()
				for b.Loop() {
					h.ServeHTTP(w, r)
				}
			})
		}
	}
}
