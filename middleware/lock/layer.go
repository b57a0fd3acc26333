package lock

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/semaphore"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
	"github.com/concordhttp/concord/store/memory"
)

// Layer grants edit locks, and refuses writes that are not made under the lock
// of their resource. It is safe for concurrent use.
type Layer struct {
	config  Config
	terms   terms
	gate    *lease.Gate
	prefix  []byte // of what is digested into a key; read-only
	undoing *semaphore.Weighted
}

// New returns a Layer with a copy of c. Every mistake in c is reported, each as
// a [*store.ConfigError].
func New(c Config) (*Layer, error) {
	mistakes := c.validate()
	c = c.complete()
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
	return &Layer{
		config:  c,
		terms:   terms{standard: c.TTL, longest: c.MaxTTL},
		gate:    gate,
		prefix:  keyPrefix(c.Namespace),
		undoing: semaphore.NewWeighted(maxUndoing),
	}, nil
}

// Handler answers LOCK and UNLOCK of a resource itself, and lets other unsafe
// requests through to next only if the resource is not locked or they come with
// the lock: its token, from the principal that took it.
//
// It looks at the lock inside the gate of the resource, and stays there until
// next has returned, so that no write that has waited lands under a lock that
// was taken meanwhile. That holds for POST and every unknown method too: what
// is not ordered against LOCK cannot be said to have come before it.
func (l *Layer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUnsafe(r.Method) || l.config.Lockable != nil && !l.config.Lockable(r) {
			next.ServeHTTP(w, r)
			return
		}
		l.serve(w, r, next)
	})
}

const (
	methodLock   = "LOCK"
	methodUnlock = "UNLOCK"
)

// isUnsafe reports whether a method may change the resource that it names. One
// that is not known here may.
func isUnsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect,
		"QUERY", "PROPFIND", "REPORT", "SEARCH":
		return false
	}
	return true
}

// observe tells the observer of a decision; method is empty if it was made for
// a caller of the Go API.
func (l *Layer) observe(ctx context.Context, method, resource string, e middleware.Event) {
	if l.config.Observer == nil {
		return
	}
	e.Layer, e.Method, e.Resource = "lock", method, resource
	l.config.Observer.Observe(ctx, e)
}
