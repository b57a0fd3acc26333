package etag

import (
	"context"
	"net/http"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store/lease"
)

// Check is what the layer found out about a request before it let the handler
// run, for a handler that compares once more in its own statement:
//
//	UPDATE … SET … WHERE id = $1 AND version = $2
type Check struct {
	// Preconditions are those of the request that count for its method.
	Preconditions Preconditions
	// State is the one they were judged by. Zero if there were none to judge.
	State State
	// Token is the fencing token of the gate: greater than that of every
	// writer of the resource before. 0 without a gate.
	Token uint64
}

// FromContext returns the Check of the request whose context this is, or one
// derived from it. False: the layer did not judge the request before the
// handler, and held no gate for it.
func FromContext(ctx context.Context) (*Check, bool) {
	c, ok := ctx.Value(checkKey{}).(*checked)
	if !ok {
		return nil, false
	}
	return &c.check, true
}

type checkKey struct{}

// checked is a context that carries a Check, in one allocation.
type checked struct {
	context.Context
	check Check
	read  *readBy // nil: of a write
}

// passage is what a write needs on its way to the handler, in one allocation.
type passage struct {
	checked
	ifMatch  [1]Tag
	recorder middleware.Recorder
	request  http.Request
}

// gatedPassage is a passage through the gate.
type gatedPassage struct {
	passage
	lease lease.Lease
}

// readBy says which layer judged which resource for a read.
type readBy struct {
	layer    *Layer
	resource string
}

func (c *checked) Value(key any) any {
	if key == (checkKey{}) {
		return c
	}
	return c.Context.Value(key)
}
