// Package inline is what the adapters of routers have in common that call a
// middleware with the rest of a route's chain and not with an [http.Handler].
package inline

import (
	"context"
	"net/http"

	"github.com/concordhttp/concord/middleware"
)

// Chain is a middleware of net/http that has such rests for its handlers. It is
// safe for concurrent use.
type Chain struct{ layers http.Handler }

// New calls m, once for all requests: what m keeps for each handler is kept.
func New(m middleware.Middleware) *Chain {
	return &Chain{layers: m(http.HandlerFunc(pass))}
}

// Serve has the middleware answer r, with next as the rest of the chain, and
// reports whether next was called. That happens once at most, and has ended
// when Serve returns, in whichever goroutine the middleware ran it: what
// belongs to a request is used for another one then.
//
// A GET that the middleware makes of a write is a question about the resource,
// which next, the rest of the chain of the write, would answer by writing. The
// whole router is asked instead, as a client's GET would.
func (c *Chain) Serve(w http.ResponseWriter, r *http.Request, router http.Handler, next http.HandlerFunc) (called bool) {
	t := &turn{Context: r.Context(), method: r.Method, router: router, next: next}
	defer func() { called = t.end() }()
	c.layers.ServeHTTP(w, r.WithContext(t))
	return
}

// pass is the handler that the middleware wraps.
func pass(w http.ResponseWriter, r *http.Request) {
	t, ok := r.Context().Value(turnKey{}).(*turn)
	switch {
	case !ok: // a middleware that replaced the context: whose turn it is cannot be told
		refuse(w)
	case isQuestion(t.method, r.Method):
		t.router.ServeHTTP(w, r)
	case !t.begin():
		refuse(w)
	default:
		defer t.ended()
		t.next(w, r)
	}
}

func isQuestion(method, now string) bool {
	return now == http.MethodGet && method != http.MethodGet && method != http.MethodHead
}

// refuse answers a call of the handler that came too late, or a second time. It
// is no panic, which in a goroutine of the middleware's own would end the
// process.
func refuse(w http.ResponseWriter) {
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

type turnKey struct{}

// Value implements [context.Context].
func (t *turn) Value(key any) any {
	if key == (turnKey{}) {
		return t
	}
	return t.Context.Value(key)
}

var _ context.Context = (*turn)(nil)
