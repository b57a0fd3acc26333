package idempotency

import (
	"net/http"

	"github.com/concordhttp/concord/middleware"
)

// observe tells the observer of a decision. Nobody pays for one where there is
// none.
func (l *Layer) observe(r *http.Request, e middleware.Event) {
	if l.config.Observer == nil {
		return
	}
	e.Layer, e.Method = "idempotency", r.Method
	l.config.Observer.Observe(r.Context(), e)
}

// observe is that of a request whose handler ran.
func (q *request) observe(e middleware.Event) {
	if q.l.config.Observer == nil {
		return
	}
	e.Key, e.Status = reference(q.key), q.rec.Status()
	e.Wait, e.Run = q.wait, q.took
	q.l.observe(q.r, e)
}

// reference is what events call a key, if there is anybody to read it.
func (l *Layer) reference(key string) string {
	if l.config.Observer == nil {
		return ""
	}
	return reference(key)
}
