package inline

import (
	"context"
	"net/http"
	"sync"
)

// turn is what the rest of a chain may be run in: from the call of the
// middleware to its return. It is the context of the request besides.
type turn struct {
	context.Context
	method string
	router http.Handler
	next   http.HandlerFunc

	mu      sync.Mutex
	over    bool
	running chan struct{} // closed when next has ended; nil: it was not called
}

// begin reports whether next may be called.
func (t *turn) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.running != nil {
		return false
	}
	t.running = make(chan struct{})
	return true
}

// ended says that next has ended, however it did.
func (t *turn) ended() { close(t.running) }

// end waits for next, and reports whether it was called.
func (t *turn) end() bool {
	t.mu.Lock()
	t.over = true
	running := t.running
	t.mu.Unlock()
	if running == nil {
		return false
	}
	<-running
	return true
}
