package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
)

// note is one, with a handler for each method that looks at no other.
type note struct {
	text        string
	reads, puts int
}

func (n *note) get(w http.ResponseWriter, _ *http.Request) {
	n.reads++
	_, _ = io.WriteString(w, n.text)
}

func (n *note) put(_ http.ResponseWriter, r *http.Request) {
	n.puts++
	body, _ := io.ReadAll(r.Body)
	n.text = string(body)
}

func (n *note) register(r chi.Router) {
	r.Get("/notes/{id}", n.get)
	r.Put("/notes/{id}", n.put)
}

func do(h http.Handler, method, target, body, field, value string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if field != "" {
		r.Header.Set(field, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func stackOf(t *testing.T, c etag.Config) *concord.Stack {
	t.Helper()
	stack, err := concord.New(concord.Config{Principal: concord.DangerouslyShared, ETag: c})
	require.NoError(t, err)
	return stack
}

// inside are the places in a chi router where a middleware can be.
var inside = map[string]func(n *note, m func(http.Handler) http.Handler) chi.Router{
	"With": func(n *note, m func(http.Handler) http.Handler) chi.Router {
		r := chi.NewRouter()
		n.register(r.With(m))
		return r
	},
	"Group": func(n *note, m func(http.Handler) http.Handler) chi.Router {
		r := chi.NewRouter()
		r.Group(func(r chi.Router) { r.Use(m); n.register(r) })
		return r
	},
	"Route": func(n *note, m func(http.Handler) http.Handler) chi.Router {
		r := chi.NewRouter()
		r.Route("/", func(r chi.Router) { r.Use(m); n.register(r) })
		return r
	},
	"Mount": func(n *note, m func(http.Handler) http.Handler) chi.Router {
		r, sub := chi.NewRouter(), chi.NewRouter()
		n.register(sub)
		r.Mount("/", m(sub))
		return r
	},
	"Use": func(n *note, m func(http.Handler) http.Handler) chi.Router {
		r := chi.NewRouter()
		r.Use(m, chimiddleware.Recoverer)
		n.register(r)
		return r
	},
}

// TestInsideChiNoWriteIsRunForAQuestion: where nobody can be asked for the
// validator the write is refused, and not made by the question or led to the
// handler of the GET.
func TestInsideChiNoWriteIsRunForAQuestion(t *testing.T) {
	for name, place := range inside {
		for _, field := range []string{"If-Match", "If-None-Match"} {
			n := &note{text: "one"}
			w := do(place(n, stackOf(t, etag.Config{}).Handler), "PUT", "/notes/1", "two", field, "*")
			assert.Equal(t, 500, w.Code, "%s, %s", name, field)
			assert.Contains(t, w.Body.String(), "validator-missing", name)
			assert.Equal(t, note{text: "one"}, *n, "%s, %s", name, field)
		}
		n := &note{text: "one"}
		w := do(place(n, stackOf(t, etag.Config{TagAfterWrite: true}).Handler), "PUT", "/notes/1", "two", "", "")
		assert.Equal(t, 200, w.Code, name)
		assert.Empty(t, w.Header().Get("ETag"), name)
		assert.Equal(t, note{text: "two", puts: 1}, *n, name)
	}
}

func TestInsideChiCurrentTellsTheValidator(t *testing.T) {
	for name, place := range inside {
		n := &note{text: "one"}
		router := place(n, stackOf(t, etag.Config{
			Current: func(*http.Request) (etag.State, error) {
				return etag.State{Exists: true, Tag: etag.Of([]byte(n.text))}, nil
			},
		}).Handler)
		tag := do(router, "GET", "/notes/1", "", "", "").Header().Get("ETag")
		assert.Equal(t, etag.Of([]byte("one")).String(), tag, name)
		assert.Equal(t, 200, do(router, "PUT", "/notes/1", "two", "If-Match", tag).Code, name)
		assert.Equal(t, 412, do(router, "PUT", "/notes/1", "three", "If-Match", tag).Code, name)
		assert.Equal(t, note{text: "two", reads: 1, puts: 1}, *n, name)
	}
}

func TestAroundChiTheRouterIsAsked(t *testing.T) {
	n, router := &note{text: "one"}, chi.NewRouter()
	n.register(router)
	router.Get("/is/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, chi.URLParam(r, "id")+r.PathValue("id")+r.Pattern)
	})
	h := stackOf(t, etag.Config{TagAfterWrite: true}).Handler(router)
	tag := do(h, "GET", "/notes/1", "", "", "").Header().Get("ETag")
	w := do(h, "PUT", "/notes/1", "two", "If-Match", tag)
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, etag.Of([]byte("two")).String(), w.Header().Get("ETag"))
	assert.Equal(t, 412, do(h, "PUT", "/notes/1", "three", "If-Match", tag).Code)
	assert.Equal(t, 1, n.puts)
	assert.Equal(t, "77/is/{id}", do(h, "GET", "/is/7", "", "", "").Body.String())
}
