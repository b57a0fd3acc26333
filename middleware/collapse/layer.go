package collapse

import (
	"hash/maphash"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/concordhttp/concord/middleware"
)

// Layer collapses identical reads. It is safe for concurrent use, and starts no
// goroutine of its own.
type Layer struct {
	config   Config
	names    *names
	seed     maphash.Seed // so that nobody outside can make hashes collide
	epoch    time.Time    // when time began
	handlers atomic.Uint64
	shards   [shards]shard
	marks    marks
	writes   *writes // shared by Layers that are made of one another
}

// New returns a Layer with a copy of c. Every mistake in c is reported, each as
// a [*store.ConfigError].
func New(c Config) (*Layer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Layer{config: c.complete(), names: newNames(c.Neutral), seed: maphash.MakeSeed(), epoch: time.Now(), writes: new(writes)}, nil
}

// With returns a Layer with another Config, the writes of which count for the
// reads of l, and the other way round. Both need the same Resource for that.
func (l *Layer) With(c Config) (*Layer, error) {
	other, err := New(c)
	if err != nil {
		return nil, err
	}
	other.seed, other.writes = l.seed, l.writes
	return other, nil
}

// handler is what one call of Handler returned. Two of them never share, since
// behind them are different handlers.
type handler struct {
	layer  *Layer
	next   http.Handler
	number uint64
}

// Handler has identical GETs, and identical HEADs, that come while one of them
// runs answered by that one run of next. A write of a resource, on whichever of
// the Layer's handlers, ends the sharing of reads that began before it.
func (l *Layer) Handler(next http.Handler) http.Handler {
	return &handler{layer: l, next: next, number: l.handlers.Add(1)}
}

// Writes is the half of Handler that ends the sharing of what was read before a
// write. Reads go to next as they are. It is for routes that do not collapse, of
// a server on which others do.
func (l *Layer) Writes(next http.Handler) http.Handler {
	return &writing{handler{layer: l, next: next}}
}

// writing is what a call of Writes returned.
type writing struct{ handler }

// ServeHTTP implements [http.Handler].
func (h *writing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isRead(r.Method), isSafe(r.Method):
		h.next.ServeHTTP(w, r)
	default:
		h.write(w, r)
	}
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isRead(r.Method):
		h.read(w, r)
	case isSafe(r.Method):
		h.next.ServeHTTP(w, r) // not for us
	default:
		h.write(w, r)
	}
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// isSafe reports whether a method other than GET and HEAD changes nothing.
func isSafe(method string) bool {
	switch method {
	case http.MethodOptions, http.MethodTrace, http.MethodConnect, "QUERY", "PROPFIND", "REPORT", "SEARCH":
		return true
	}
	return false
}

// read joins the run of an identical request, or begins one, if r may share.
func (h *handler) read(w http.ResponseWriter, r *http.Request) {
	var k *key
	if !middleware.Find(w).Probe() {
		k = h.keyOf(r)
	}
	if k == nil {
		h.next.ServeHTTP(w, r)
		return
	}
	l := h.layer
	now := l.now()
	run, place, over := l.shards[k.target%shards].enter(l, k, r, now)
	if place != leads {
		k.giveBack()
	}
	switch place {
	case leads:
		run.lead(w, r)
	case follows:
		if r.Context().Value(within{run}) != nil { // it would wait for itself
			run.leave()
			h.next.ServeHTTP(w, r)
			return
		}
		run.follow(w, r, now, over)
	case turnedAway:
		h.alone(w, r, 0)
	case outside:
		h.next.ServeHTTP(w, r)
	}
}

// write runs next, and ends the sharing of what was read before it returned:
// also if it panics, since nobody knows what it did until then.
func (h *handler) write(w http.ResponseWriter, r *http.Request) {
	l := h.layer
	var slot *atomic.Uint64
	if l.writes.live.Load() > 0 {
		slot = l.writes.slot(maphash.String(l.seed, l.config.Resource(r))) // now: handlers change the path under it
	}
	defer l.writes.add(slot)
	h.next.ServeHTTP(w, r)
}

// observed is what events say that a request is about. It is asked before the
// handler runs, which may change the path, and not at all if nobody is told.
func (l *Layer) observed(r *http.Request) string {
	if l.config.Observer == nil {
		return ""
	}
	return l.config.Resource(r)
}

func (l *Layer) observe(r *http.Request, resource string, e middleware.Event) {
	if l.config.Observer == nil {
		return
	}
	e.Layer, e.Method, e.Resource = "collapse", r.Method, resource
	l.config.Observer.Observe(r.Context(), e)
}

// now is the time since the Layer was made. It is read faster than the time of
// day, which nobody needs here.
func (l *Layer) now() time.Duration { return time.Since(l.epoch) }
