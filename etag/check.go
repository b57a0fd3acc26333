package etag

import "context"

// Check is what the layer found out about a write before it let the handler
// run, for a handler that compares once more in its own statement:
//
//	UPDATE … SET … WHERE id = $1 AND version = $2
type Check struct {
	// Preconditions are those that the request carried.
	Preconditions Preconditions
	// State is the one they were judged by. Zero if there were none to judge.
	State State
	// Token is the fencing token of the gate: greater than that of every
	// writer of the resource before. 0 without a gate.
	Token uint64
}

// FromContext returns the Check of the request whose context this is, or one
// derived from it. False: the layer was not concerned with the request.
func FromContext(ctx context.Context) (*Check, bool) {
	c, ok := ctx.Value(checkKey{}).(*Check)
	return c, ok
}

type checkKey struct{}

// checked is a context that carries a Check, in one allocation.
type checked struct {
	context.Context
	layer *Layer // whose check it is
	check Check
}

func (c *checked) Value(key any) any {
	switch key {
	case checkKey{}:
		return &c.check
	case c.layer:
		return &c.check
	}
	return c.Context.Value(key)
}

// judgedBy returns the Check that this very layer made of the request, or nil.
func judgedBy(ctx context.Context, l *Layer) *Check {
	c, _ := ctx.Value(l).(*Check)
	return c
}
