package middleware

import (
	"net/http"
	"net/url"
)

// Routes returns a function that reports whether a request matches one of
// patterns, in the syntax of [http.ServeMux]: "PUT /documents/{id}". It is for
// Require and the like. As in ServeMux, GET matches HEAD too, and a path that
// ServeMux would redirect to its clean form matches as that form does.
//
// Unlike in ServeMux, a path that matches nothing also matches as
// [NormalisedPath] does: with a pattern "/documents/{id}", the paths "/documents/1/"
// and "/documents%2F1" do. They are the same resource to the layers, and a router
// that forgives such spellings would write it unprotected.
//
// Routes panics where [http.ServeMux.Handle] does: on a pattern that cannot be
// read, or two that conflict. The function is safe for concurrent use; without
// patterns it matches nothing.
func Routes(patterns ...string) func(*http.Request) bool {
	mux := http.NewServeMux()
	for _, p := range patterns {
		mux.Handle(p, http.NotFoundHandler())
	}
	matches := func(r *http.Request) bool {
		_, pattern := mux.Handler(r)
		return pattern != ""
	}
	return func(r *http.Request) bool {
		if matches(r) {
			return true
		}
		path := NormalisedPath(r)
		if path == r.URL.Path && r.URL.RawPath == "" {
			return false // that was it
		}
		// All that ServeMux looks at.
		return matches(&http.Request{Method: r.Method, Host: r.Host, URL: &url.URL{Host: r.URL.Host, Path: path}})
	}
}
