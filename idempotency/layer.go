package idempotency

import (
	"errors"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// Layer runs each keyed request once. It is safe for concurrent use and needs no
// closing: while no request runs, nothing does. Make one with [New].
type Layer struct {
	config   Config
	policy   policy
	scope    scope
	codec    codec
	keeper   *lease.Keeper
	beginner store.Beginner // nil unless Transactional
	hasRun   atomic.Bool    // Run was called: there is a handler in a transaction
	unknowns unknowns
}

// New returns a Layer with a copy of c. Every mistake in c is reported, each as
// a [*store.ConfigError].
func New(c Config) (*Layer, error) {
	mistakes := c.validate()
	c = c.complete()
	if c.Store == nil {
		c.Store = memory.New(memory.Config{})
	}
	keeper, err := lease.New(lease.Config{
		Store:      c.Store,
		Lease:      c.Lease,
		MaxRun:     c.MaxRun,
		MaxWaiters: c.MaxWaiters,
	})
	if err := errors.Join(mistakes, store.RenameFields(err, fieldOf)); err != nil {
		return nil, err
	}
	l := &Layer{
		config:   c,
		policy:   policyOf(c),
		scope:    newScope(c.Namespace),
		codec:    newCodec(c.Seal),
		keeper:   keeper,
		unknowns: unknowns{limit: c.MaxUnknown},
	}
	if c.Transactional {
		l.beginner, _ = c.Store.(store.Beginner)
	}
	return l, nil
}

// Handler is Claim around Run. With Config.Transactional, call Claim and Run
// instead where there are layers in between: around etag.Layer.Handler the
// transaction would commit after the gate has opened, which that refuses.
func (l *Layer) Handler(next http.Handler) http.Handler {
	return l.Claim(l.Run(next))
}

// Claim claims the key of a request and runs next, records the outcome unless
// [Layer.Run] did, and replays it to whoever sends the request again. It goes
// inside authentication and rate limits, and outside everything that looks at
// the state of the resource: a repeated request must get the first answer even
// where that state has moved on. Requests without a key, and methods that it is
// not concerned with, go through untouched.
func (l *Layer) Claim(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(l.config.Methods, r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		lines := r.Header[l.config.Header]
		if len(lines) == 0 {
			l.unkeyed(w, r, next)
			return
		}
		l.keyed(w, r, next, lines)
	})
}

// unkeyed serves a request that carries no key.
func (l *Layer) unkeyed(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if l.config.Require == nil || !l.config.Require(r) {
		next.ServeHTTP(w, r)
		return
	}
	p := keyMissing(l.config.Header)
	middleware.Refuse(w, r, l.config.Respond, p)
	l.observe(r, middleware.Refusal(p))
}
