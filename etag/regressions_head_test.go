package etag_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
)

// TestAConditionalHeadKeepsItsFieldsThroughOthersWriters: the length and the type
// that the server makes of a body got lost, since the body was swallowed further
// out than where it was known.
func TestAConditionalHeadKeepsItsFieldsThroughOthersWriters(t *testing.T) {
	page := "<html>hello</html>"
	for _, c := range []struct {
		name   string
		sets   map[string]string
		length string
		kind   string
	}{
		{"neither is set", nil, "18", "text/html; charset=utf-8"},
		{"with a tag of its own", map[string]string{"ETag": `"own"`}, "18", "text/html; charset=utf-8"},
		{"the type is set", map[string]string{"Content-Type": "a/b"}, "18", "a/b"},
		{"the length is set", map[string]string{"Content-Length": "18"}, "18", "text/html; charset=utf-8"},
		{"both are set", map[string]string{"Content-Type": "a/b", "Content-Length": "18"}, "18", "a/b"},
		{"a stream", map[string]string{"Content-Type": "text/event-stream"}, "", "text/event-stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := layer(t, etag.Config{})
			inner := l.Generate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range c.sets {
					w.Header().Set(name, value)
				}
				_, _ = io.WriteString(w, page)
			}))
			srv := httptest.NewServer(l.Conditions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
			})))
			defer srv.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, srv.URL, nil)
			require.NoError(t, err)
			r.Header.Set("If-None-Match", `"other"`)
			res, err := srv.Client().Do(r)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			assert.Equal(t, http.StatusOK, res.StatusCode)
			assert.Equal(t, c.length, res.Header.Get("Content-Length"))
			assert.Equal(t, c.kind, res.Header.Get("Content-Type"))
		})
	}
}
