package middleware

import "net/http"

// Routes returns a function that reports whether a request matches one of
// patterns, in the syntax of [http.ServeMux]: "PUT /documents/{id}". It is for
// Require and the like. As in ServeMux, GET matches HEAD too, and a path that
// ServeMux would redirect to its clean form matches as that form does.
//
// Routes panics where [http.ServeMux.Handle] does: on a pattern that cannot be
// read, or two that conflict. The function is safe for concurrent use; without
// patterns it matches nothing.
func Routes(patterns ...string) func(*http.Request) bool {
	mux := http.NewServeMux()
	for _, p := range patterns {
		mux.Handle(p, http.NotFoundHandler())
	}
	return func(r *http.Request) bool {
		_, pattern := mux.Handler(r)
		return pattern != ""
	}
}
