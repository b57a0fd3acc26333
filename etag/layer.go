package etag

import (
	"net/http"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// Layer tags the answers to reads and judges the preconditions of reads and
// writes. It is safe for concurrent use.
type Layer struct {
	config Config
	gate   *lease.Gate // nil with GateNone
}

// New returns a Layer with a copy of c. Every mistake in c is reported, each as
// a [*store.ConfigError].
func New(c Config) (*Layer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.complete()
	if c.Gate == GateNone {
		return &Layer{config: c}, nil
	}
	if c.Store == nil {
		c.Store = memory.New(memory.Config{})
	}
	gate, err := lease.NewGate(lease.GateConfig{
		Store:     c.Store,
		Namespace: c.Namespace,
		Lease:     c.GateLease,
		Wait:      c.GateWait,
		MaxRun:    c.MaxRun,
	})
	if err != nil {
		return nil, err
	}
	return &Layer{config: c, gate: gate}, nil
}

// Handler is Conditions around Generate.
func (l *Layer) Handler(next http.Handler) http.Handler {
	return l.Conditions(l.Generate(next))
}

// Conditions judges preconditions, and holds the gate of the resource while
// next runs. Without Config.Current it asks next for the validator with a GET,
// so next must answer that with the ETag that clients are sent.
func (l *Layer) Conditions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case isRead(r.Method):
			if hasReadConditions(r.Header) {
				l.read(w, r, next)
				return
			}
		case isConditional(r.Method):
			required := l.config.Require != nil && l.config.Require(r)
			if required || l.writes(r.Method) || hasWriteConditions(r.Header) {
				l.write(w, r, next, required)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// writes reports whether requests of this method are the layer's concern even
// without a precondition.
func (l *Layer) writes(method string) bool {
	return l.config.Gate == GateAll && isGated(method) || l.tagsAfter(method)
}

// isGated reports whether a method always changes the resource it names. POST
// does something else with it, and is ordered only if it says so itself.
func isGated(method string) bool {
	switch method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete, "LOCK", "UNLOCK":
		return true
	}
	return false
}

func (l *Layer) tagsAfter(method string) bool {
	return l.config.TagAfterWrite && method == http.MethodPut
}

// These look only at whether there is a field, so that a request without one
// costs three look-ups. If-Modified-Since concerns reads alone, and If-Range is
// for whoever serves the range.
func hasWriteConditions(h http.Header) bool {
	return h[fieldIfMatch] != nil || h[fieldIfNoneMatch] != nil || h[fieldIfUnmodifiedSince] != nil
}

func hasReadConditions(h http.Header) bool {
	return hasWriteConditions(h) || h[fieldIfModifiedSince] != nil || h[fieldIfRange] != nil
}

func (l *Layer) observe(r *http.Request, e middleware.Event) {
	if l.config.Observer == nil {
		return
	}
	e.Layer, e.Method, e.Resource = "etag", r.Method, l.config.Resource(r)
	l.config.Observer.Observe(r.Context(), e)
}
