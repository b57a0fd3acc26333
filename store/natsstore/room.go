package natsstore

import "sync"

// share is the part of what is left that a store may use before it looks again
// how much that is: by then as many others may each have used as much.
const share = 64

// allowance is what a store may use of a limit that it shares with others. It
// is safe for concurrent use.
type allowance struct {
	limit int64

	mu      sync.Mutex
	left    int64 // may be used before the next look
	pending int64 // is used by writes that have not been answered
}

// take takes n, if that much may be used without a look.
func (a *allowance) take(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n > a.left {
		return false
	}
	a.left -= n
	a.pending += n
	return true
}

// look is take after a look that found so much used, and reports false only if
// there is no room for n.
func (a *allowance) look(used, n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	room := max(0, a.limit-used-a.pending)
	a.left = room / share
	if n > room {
		return false
	}
	a.left = max(0, a.left-n)
	a.pending += n
	return true
}

// answered says that a write that took n has been answered, or never will be.
func (a *allowance) answered(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending -= n
}
