package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
)

func TestChainPutsTheFirstOutermost(t *testing.T) {
	var order []string
	named := func(name string) middleware.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name)
				next.ServeHTTP(w, r)
			})
		}
	}
	handler := middleware.Chain(named("first"), nil, named("second"))(http.NotFoundHandler())
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, []string{"first", "second"}, order)
}

func TestRoutesMatchesAsServeMuxDoes(t *testing.T) {
	matches := middleware.Routes("PUT /documents/{id}", "GET /reports/")
	for _, c := range []struct {
		method, target string
		want           bool
	}{
		{"PUT", "/documents/1", true},
		{"PUT", "/documents/a%2Fb", true},
		{"PUT", "//documents/1", true},
		{"PUT", "/documents/1/", true},
		{"PUT", "/documents%2F1", true},
		{"PUT", "/%64ocuments//1%2F", true},
		{"PUT", "/x/%2E%2E%2Fdocuments/1", true},
		{"PUT", "/documents%2F1/parts", false},
		{"PUT", "/documents/1/parts", false},
		{"POST", "/documents/1/", false},
		{"HEAD", "/reports%2F2026/", true},
		{"GET", "/documents/1", false},
		{"GET", "/reports/2026", true},
		{"HEAD", "/reports/2026", true},
		{"POST", "/reports/2026", false},
		{"PUT", "/", false},
	} {
		r := httptest.NewRequest(c.method, "http://host"+c.target, nil)
		assert.Equal(t, c.want, matches(r), "%s %s", c.method, c.target)
	}
	assert.False(t, middleware.Routes()(httptest.NewRequest("GET", "/", nil)), "no pattern matches nothing")
	assert.Panics(t, func() { middleware.Routes("{") }, "a pattern that cannot be read")
}
