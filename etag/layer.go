package etag

import (
	"errors"
	"net/http"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store"
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
	mistakes := c.validate()
	c = c.complete()
	if c.Gate == GateNone && mistakes == nil {
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
	if err := errors.Join(mistakes, store.RenameFields(err, fieldOf)); err != nil {
		return nil, err
	}
	return &Layer{config: c, gate: gate}, nil
}

// Handler is Conditions around Generate.
func (l *Layer) Handler(next http.Handler) http.Handler {
	return l.conditions(l.Generate(next), next) // which does nothing to a write
}

// Conditions judges preconditions, and holds the gate of the resource while
// next runs. Without Config.Current it asks next for the validator with a GET,
// so next must answer that with the ETag that clients are sent.
func (l *Layer) Conditions(next http.Handler) http.Handler {
	return l.conditions(next, next)
}

func (l *Layer) conditions(reads, writes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch kindOf(r) {
		case reading:
			if l.hasReadConditions(r.Header) {
				l.read(w, r, reads)
				return
			}
			reads.ServeHTTP(w, r)
			return
		case replacing:
			if l.config.Gate == GateAll || l.tagsAfter(r.Method) {
				l.write(w, r, writes)
				return
			}
			fallthrough
		case acting:
			if hasWriteConditions(r.Header) || l.requires(r) {
				l.write(w, r, writes)
				return
			}
		case neither:
		}
		writes.ServeHTTP(w, r)
	})
}

// kind is what a method does to the resource that it names.
type kind uint8

const (
	acting    kind = iota // POST and what is not known here: something else, unless the request says so
	reading               // GET and HEAD
	replacing             // always changes it
	neither               // has no preconditions, or judges them itself: see kindOf
)

func kindOf(r *http.Request) kind {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return reading
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return replacing
	case "LOCK", "UNLOCK":
		if r.Header["Lock-Token"] != nil {
			return acting // on a lock that stands: to renew it must not wait for a write that is made under it
		}
		return replacing
	case http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return neither // RFC 9110 section 13.2.1
	case "QUERY", "PROPFIND", "REPORT", "SEARCH":
		return neither // safe, and their answer is not the resource's representation
	}
	return acting
}

func (l *Layer) requires(r *http.Request) bool {
	return l.config.Require != nil && l.config.Require(r)
}

func (l *Layer) tagsAfter(method string) bool {
	return l.config.TagAfterWrite && method == http.MethodPut
}

// These look only at whether there is a field, so that a request without one
// costs a few look-ups.
func hasWriteConditions(h http.Header) bool {
	return h[fieldIfMatch] != nil || h[fieldIfNoneMatch] != nil || h[fieldIfUnmodifiedSince] != nil
}

// hasReadConditions looks at If-Range only where Current can judge it; else it
// is for whoever serves the range.
func (l *Layer) hasReadConditions(h http.Header) bool {
	return h[fieldIfNoneMatch] != nil || h[fieldIfModifiedSince] != nil || h[fieldIfMatch] != nil ||
		h[fieldIfUnmodifiedSince] != nil || l.config.Current != nil && h[fieldIfRange] != nil
}

func (l *Layer) observe(r *http.Request, resource string, e middleware.Event) {
	if l.config.Observer == nil {
		return
	}
	e.Layer, e.Method, e.Resource = "etag", r.Method, resource
	l.config.Observer.Observe(r.Context(), e)
}
