package concord

import (
	"cmp"
	"net/http"

	"github.com/concordhttp/concord/idempotency"
)

// shortcut leads requests that no layer is concerned with past all of them. Each
// would find that out for itself, for the price of a look at the method and of a
// call. What is in doubt goes through the layers, which decide: the shortcut may
// miss a request, but must not take one with which a layer would do anything.
type shortcut struct {
	layers http.Handler // all of them
	next   http.Handler
	post   http.Handler // next behind what a POST must not pass by; nil: it must pass by none
	key    string       // the name of the field that package idempotency looks for
}

// ServeHTTP implements [http.Handler].
func (s *shortcut) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := s.layers
	switch {
	case r.Method == http.MethodPost && s.post != nil:
		if !s.concerns(r.Header) {
			h = s.post
		}
	case r.Method == http.MethodOptions:
		h = s.next
	}
	h.ServeHTTP(w, r)
}

// concerns reports whether a POST has a field that a layer looks for.
func (s *shortcut) concerns(h http.Header) bool {
	return h[s.key] != nil || h["If-Match"] != nil || h["If-None-Match"] != nil || h["If-Unmodified-Since"] != nil
}

// shortcut returns what makes the shortcut past the layers of a handler, which
// are around next. There is none for POST if the configuration has a layer look
// at more of it than at fields. Two layers it does not pass by: collapsing has to
// know of writes, and an attempt that began outside of this Stack, with a key of
// another name, may have its transaction here.
func (b *builder) shortcut(once *idempotency.Layer) func(layers, next http.Handler) *shortcut {
	c := &b.c
	key := http.CanonicalHeaderKey(cmp.Or(c.Idempotency.Header, idempotency.DefaultHeader))
	wanted := c.Lock != nil || c.Idempotency.Require != nil || c.ETag.Require != nil
	transactional := once != nil && c.Idempotency.Transactional
	return func(layers, next http.Handler) *shortcut {
		s := &shortcut{layers: layers, next: next, key: key}
		if wanted {
			return s
		}
		if transactional {
			next = once.Run(next)
		}
		s.post = b.s.reads.Writes(next)
		return s
	}
}
