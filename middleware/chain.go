package middleware

import "net/http"

// Middleware is what every layer's Handler method is, and what routers take.
type Middleware = func(http.Handler) http.Handler

// Chain composes m into one Middleware. The first is the outermost: it sees a
// request first and its answer last. A nil Middleware is passed over; Chain()
// changes nothing.
func Chain(m ...Middleware) Middleware {
	return func(h http.Handler) http.Handler {
		for i := len(m) - 1; i >= 0; i-- {
			if m[i] != nil {
				h = m[i](h)
			}
		}
		return h
	}
}
