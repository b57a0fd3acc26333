package etag_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"time"
)

// trickle is a body that comes a chunk at a time and never ends by itself.
type trickle struct {
	stop  <-chan struct{}
	chunk int
}

func (s *trickle) Read(p []byte) (int, error) {
	select {
	case <-s.stop:
		return 0, http.ErrBodyReadAfterClose
	case <-time.After(10 * time.Millisecond):
		return min(len(p), s.chunk), nil
	}
}

// stalled is a client that reads nothing.
type stalled struct {
	*httptest.ResponseRecorder
	stop <-chan struct{}
}

func (s stalled) Write(p []byte) (int, error) {
	<-s.stop
	return len(p), nil
}

type counter struct{ n atomic.Int64 }

func (c *counter) next() string { return strconv.FormatInt(c.n.Add(1), 10) }

// leaving is a request whose client leaves when stop is closed.
func leaving(r *http.Request, stop <-chan struct{}) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return r.WithContext(ctx), cancel
}
