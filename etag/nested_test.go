package etag_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
)

// A layer inside another has the first word: what it has made of the answer is not
// tagged once more by the outer one, which would have a cache take another tag for
// that of what it holds.
func TestALayerInsideAnotherHasTaggedTheAnswer(t *testing.T) {
	outer, err := etag.New(etag.Config{})
	require.NoError(t, err)
	inner, err := etag.New(etag.Config{Weak: true})
	require.NoError(t, err)
	nested := outer.Handler(inner.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "hello")
	})))
	get := func(field, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/note", http.NoBody)
		if field != "" {
			r.Header.Set(field, value)
		}
		w := httptest.NewRecorder()
		nested.ServeHTTP(w, r)
		return w
	}
	tag := "W/" + etag.Of([]byte("hello")).String()
	assert.Equal(t, tag, get("", "").Header().Get("ETag"))

	w := get("If-None-Match", tag)
	assert.Equal(t, http.StatusNotModified, w.Code)
	assert.Equal(t, tag, w.Header().Get("ETag"))
}

// tags is a layer that changes an answer once its handler has ended.
type tags func(*middleware.Recorder)

func (tags) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

func (f tags) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, _ := middleware.Record(w)
		rec.Enter(f, 1<<10)
		next.ServeHTTP(rec, r)
		rec.Leave()
		f(rec)
	})
}

func TestWhatALayerInsideMakesOfAnAnswerStays(t *testing.T) {
	l, err := etag.New(etag.Config{})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change tags
		status int
		tag    string
	}{
		"a tag instead of a length": {func(rec *middleware.Recorder) {
			delete(rec.Fields(), "Content-Length")
			rec.SetETag(`"own"`)
		}, http.StatusOK, `"own"`},
		"a refusal": {func(rec *middleware.Recorder) {
			rec.Replace(func(w http.ResponseWriter) { http.Error(w, "no", http.StatusForbidden) })
		}, http.StatusForbidden, ""},
		"a 304 without a tag": {func(rec *middleware.Recorder) { rec.TurnNotModified() }, http.StatusNotModified, ""},
	} {
		w := httptest.NewRecorder()
		l.Generate(c.change.around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
		}))).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/note", http.NoBody))
		assert.Equal(t, c.status, w.Code, name)
		assert.Equal(t, c.tag, w.Header().Get("ETag"), name)
	}
}
