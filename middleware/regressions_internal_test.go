package middleware

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestALargeBufferIsNotKept for another request: it would hold its memory for
// the life of the server.
func TestALargeBufferIsNotKept(t *testing.T) {
	for range 100 {
		b := &buffer{b: make([]byte, 0, maxPooled+1)}
		b.giveBack()
		for range 4 {
			assert.LessOrEqual(t, cap(takeBuffer().b), maxPooled)
		}
	}
}
