package etag_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

// documents is a server that knows nothing of preconditions: text by path.
type documents struct {
	mu     sync.Mutex
	texts  map[string]string
	writes atomic.Int64 // how often a handler that changes something ran
}

func newDocuments(texts map[string]string) *documents {
	d := &documents{texts: map[string]string{}}
	for path, text := range texts {
		d.texts[path] = text
	}
	return d
}

func (d *documents) text(path string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text, ok := d.texts[path]
	return text, ok
}

func (d *documents) put(path, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[path] = text
}

func (d *documents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, exists := d.text(r.URL.Path)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if !exists {
			http.Error(w, "no such document", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	case http.MethodDelete:
		d.writes.Add(1)
		d.mu.Lock()
		delete(d.texts, r.URL.Path)
		d.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "bad body", http.StatusBadRequest)
			return
		}
		d.writes.Add(1)
		d.put(r.URL.Path, string(body))
		w.WriteHeader(http.StatusOK)
	}
}

// do sends one request to h; fields come in pairs, one pair for each line.
func do(h http.Handler, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "http://api.example"+target, content)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func tagOf(t *testing.T, h http.Handler, target string) string {
	t.Helper()
	w := do(h, "GET", target, "")
	require.Equal(t, 200, w.Code)
	tag := w.Header().Get("ETag")
	require.NotEmpty(t, tag)
	return tag
}

// wantProblem asserts a problem, with its kind, on the wire.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, kind problem.Kind, parts ...string) {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body)
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	assert.Contains(t, w.Body.String(), `#`+string(kind)+`"`)
	for _, part := range parts {
		assert.Contains(t, w.Body.String(), part)
	}
}

func protect(t *testing.T, c etag.Config, h http.Handler) http.Handler {
	t.Helper()
	return layer(t, c).Handler(h)
}
