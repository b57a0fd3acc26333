package lock

import (
	"context"
	"time"
)

// Held is the lock that a request was let through with, for its handler. It is
// not changed once made.
type Held struct {
	// Holder is what the server chose to show of who holds it.
	Holder string
	// Expires is when the lock ends unless it is renewed, by the clock of this
	// server. The gate keeps others out until the handler has ended, also if
	// that is later.
	Expires time.Time

	token uint64
}

// Token is the fencing token: it stays the same however often the lock is
// renewed, and each later lock of the resource has a greater one. Written
// together with the resource, and compared, it keeps out the late write of a
// holder that has lost its lock.
func (h *Held) Token() uint64 { return h.token }

// FromContext returns the lock that the request whose context this is, or one
// derived from it, was let through with. False: the resource was not locked, or
// the layer is not concerned with the request.
func FromContext(ctx context.Context) (*Held, bool) {
	h, ok := ctx.Value(heldKey{}).(*Held)
	return h, ok
}

type heldKey struct{}

// holding is a context that carries a Held.
type holding struct {
	context.Context
	held Held
}

func (h *holding) Value(key any) any {
	if key == (heldKey{}) {
		return &h.held
	}
	return h.Context.Value(key)
}
