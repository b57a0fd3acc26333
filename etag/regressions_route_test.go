package etag_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// Where the question for the validator once did the write itself, or led the
// write to the handler of the GET: the layer inside of a router that is no
// ServeMux. examples/chi has the same with chi itself.

// route is what a router like chi keeps in the context of a request.
type route struct{ method, pattern string }

func (c *route) RoutePattern() string   { return c.pattern }
func (c *route) URLParam(string) string { return "" }
func (c *route) Reset()                 { *c = route{} }

type routeKey struct{}

// router is one of its kind: it has the route in a struct that the context
// points to, and keeps the method that it sees there first. Handlers are by
// method.
type router struct {
	use    middleware.Middleware // nil: none
	routes map[string]http.Handler
}

func (m *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := http.Handler(http.HandlerFunc(m.serveRoute))
	if m.use != nil {
		h = m.use(h)
	}
	h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), routeKey{}, &route{})))
}

func (m *router) serveRoute(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(routeKey{}).(*route)
	if c.method == "" {
		c.method = r.Method
	}
	c.pattern = "/{name}"
	r.Pattern = c.pattern
	m.routes[c.method].ServeHTTP(w, r)
}

// stored is one document.
type stored struct {
	text         string
	reads, saved int
}

func (d *stored) get(w http.ResponseWriter, _ *http.Request) {
	d.reads++
	_, _ = io.WriteString(w, d.text)
}

func (d *stored) put(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.text = string(body)
	d.saved++
}

// routes has each handler in the layer, if there is one, as a route of its own.
func (d *stored) routes(inline middleware.Middleware) map[string]http.Handler {
	routes := map[string]http.Handler{"GET": http.HandlerFunc(d.get), "PUT": http.HandlerFunc(d.put)}
	if inline != nil {
		for method, h := range routes {
			routes[method] = inline(h)
		}
	}
	return routes
}

// TestProbeOfARouteOfAnotherRouter: the handler of a PUT of chi's never looks at
// the method, nor is it in the pattern that chi sets.
func TestProbeOfARouteOfAnotherRouter(t *testing.T) {
	outer := map[string]func(http.Handler) http.Handler{
		"alone":      func(h http.Handler) http.Handler { return h },
		"in a mux":   func(h http.Handler) http.Handler { return mounted("/", h) },
		"in a route": func(h http.Handler) http.Handler { return mounted("/{any}", h) },
	}
	for name, in := range outer {
		for _, field := range []string{"If-Match", "If-None-Match"} {
			d := &stored{text: "one"}
			h := in(&router{routes: d.routes(layer(t, etag.Config{}).Handler)})
			w := do(h, "PUT", "/a", "two", field, "*")
			wantProblem(t, w, 500, problem.KindValidatorMissing)
			assert.Equal(t, stored{text: "one"}, *d, "%s, %s", name, field)
		}
		d := &stored{text: "one"}
		h := in(&router{routes: d.routes(layer(t, etag.Config{Current: dated}).Handler)})
		assert.Equal(t, 412, do(h, "PUT", "/a", "two", "If-Match", `"old"`).Code, name)
		assert.Equal(t, stored{text: "one"}, *d, name)
	}
}

func mounted(pattern string, h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(pattern, h)
	return mux
}

// TestARouteOfAnotherRouterIsNeverAsked: as TestARouteOfOneMethodIsNeverAsked.
func TestARouteOfAnotherRouterIsNeverAsked(t *testing.T) {
	for _, used := range []bool{false, true} {
		for name, c := range map[string]etag.Config{
			"TagAfterWrite":                 {TagAfterWrite: true},
			"TagAfterWrite, with a current": {TagAfterWrite: true, Current: dated},
			"Prefer":                        {Current: dated},
		} {
			d := &stored{text: "one"}
			m := &router{routes: d.routes(nil), use: layer(t, c).Handler}
			if !used {
				m = &router{routes: d.routes(layer(t, c).Handler)}
			}
			var fields []string
			status, saved := 200, 1
			if name == "Prefer" {
				fields, status, saved = []string{"If-Match", `"old"`, "Prefer", "return=representation"}, 412, 0
			}
			w := do(m, "PUT", "/a", "two", fields...)
			assert.Equal(t, status, w.Code, "%s, used: %t", name, used)
			assert.Equal(t, saved, d.saved, "%s, used: %t", name, used)
			assert.Zero(t, d.reads, "%s, used: %t", name, used)
			assert.Empty(t, w.Header().Get("Preference-Applied"), name)
		}
	}
}

// TestALayerThatIsRegisteredOnARouterSaysSo: it answered 200, and nothing was
// written, since the question had led the router to the handler of the GET.
func TestALayerThatIsRegisteredOnARouterSaysSo(t *testing.T) {
	recovering := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					w.WriteHeader(http.StatusNotFound) // which would be: there is no such resource
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	for name, inside := range map[string]middleware.Middleware{"": middleware.Chain(), "recovered": recovering} {
		d := &stored{text: "one"}
		var cause error
		c := etag.Config{Observer: observerFunc(func(e middleware.Event) { cause = e.Err })}
		h := &router{routes: d.routes(nil), use: middleware.Chain(layer(t, c).Handler, inside)}
		wantProblem(t, do(h, "PUT", "/a", "two", "If-None-Match", "*"), 500, problem.KindValidatorMissing)
		assert.ErrorContains(t, cause, "wrap the router", name)
		assert.Equal(t, stored{text: "one"}, *d, name)
	}

	d := &stored{text: "one"}
	h := &router{routes: d.routes(nil), use: layer(t, etag.Config{Current: dated}).Handler}
	assert.Equal(t, 412, do(h, "PUT", "/a", "two", "If-Match", `"old"`).Code, "with Current it may be there")
	assert.Equal(t, 200, do(h, "PUT", "/a", "two").Code)
	assert.Equal(t, stored{text: "two", saved: 1}, *d)

	around := protect(t, etag.Config{}, &router{routes: d.routes(nil)})
	tag := do(around, "GET", "/a", "").Header().Get("ETag")
	assert.Equal(t, 412, do(around, "PUT", "/a", "three", "If-Match", `"old"`).Code, "around the router it may ask")
	assert.Equal(t, 200, do(around, "PUT", "/a", "three", "If-Match", tag).Code)
	assert.Equal(t, "three", d.text)
}

// TestAPatternOfServeMuxIsKnownFromOthers: by what net/http keeps beside it. If
// this fails with a new Go, look in net/http for what ServeMux leaves in a
// Request; until then, routes of a ServeMux are refused like those of others.
func TestAPatternOfServeMuxIsKnownFromOthers(t *testing.T) {
	var codes []int
	h := layer(t, etag.Config{}).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	mounted("/a", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, pattern := range []string{r.Pattern, "/b"} {
			r.Pattern = pattern
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			codes = append(codes, w.Code)
		}
	})).ServeHTTP(httptest.NewRecorder(), putIfMatch("/a"))
	assert.Equal(t, []int{412, 500}, codes)
}

func putIfMatch(target string) *http.Request {
	r := httptest.NewRequest("PUT", target, http.NoBody)
	r.Header.Set("If-Match", `"v1"`)
	return r
}
