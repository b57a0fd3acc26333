package etag_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/etag"
)

// The layer next to the handler knows best: one outside of it keeps its tag.
func TestATagOfALayerInsideIsKept(t *testing.T) {
	inner, outer := layer(t, etag.Config{Hash: keyed(t)}), layer(t, etag.Config{})
	w := httptest.NewRecorder()
	outer.Generate(inner.Generate(serves([]byte("body")))).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a", nil))
	assert.Equal(t, keyed(t).Sum([]byte("body")).String(), w.Header().Get("ETag"))
}
