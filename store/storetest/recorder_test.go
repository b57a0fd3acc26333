package storetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// recorder is the reporter of a check that is itself under test.
type recorder struct {
	mu              sync.Mutex
	failed, skipped bool
	lines           []string
}

func (r *recorder) note(format string, args []any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(format, args)
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.note(format, args)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) {
	r.mu.Lock()
	r.skipped = true
	r.note(format, args)
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) String() string { return strings.Join(r.lines, "\n") }

// observe runs a check in a bubble of its own, and returns what it reported.
func observe(t *testing.T, c check, s settings) *recorder {
	t.Helper()
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		go func() { // Fatalf ends this goroutine, and nothing else
			defer close(done)
			c.run(newEnv(t, r, s))
		}()
		<-done
	})
	return r
}
