package collapse_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

const (
	shared    = "concord; fwd=miss; collapsed"
	notShared = "concord; fwd=miss; collapsed=?0"
)

// get makes a GET; fields come in pairs, one pair for each line.
func get(target string, fields ...string) *http.Request { return request("GET", target, fields...) }

func request(method, target string, fields ...string) *http.Request {
	if target[0] == '/' {
		target = "http://api.example" + target
	}
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// reply is the answer to one request, which may still be under way.
type reply struct {
	*httptest.ResponseRecorder
	done     chan struct{}
	panicked any
	exited   bool // the goroutine left with runtime.Goexit
}

// start sends r to h from a goroutine of its own.
func start(h http.Handler, r *http.Request) *reply {
	p := &reply{ResponseRecorder: httptest.NewRecorder(), done: make(chan struct{})}
	p.serve(p, h, r)
	return p
}

func (p *reply) serve(w http.ResponseWriter, h http.Handler, r *http.Request) {
	go func() {
		p.exited = true
		defer close(p.done)
		defer func() {
			if p.panicked = recover(); p.panicked != nil {
				p.exited = false
			}
		}()
		h.ServeHTTP(w, r)
		p.exited = false
	}()
}

// wants asserts the whole of an answer that came to its end.
func (p *reply) wants(t *testing.T, status int, body, cacheStatus string) {
	t.Helper()
	<-p.done
	require.Nil(t, p.panicked)
	assert.Equal(t, status, p.Code)
	assert.Equal(t, body, p.Body.String())
	assert.Equal(t, cacheStatus, p.Header().Get("Cache-Status"))
}

func (p *reply) underWay() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// report is a slow handler: each run of it waits until it may go on, and its
// answer tells which run it was.
type report struct {
	runs    atomic.Int64
	release chan struct{}
	answer  func(w http.ResponseWriter, r *http.Request, run int64) // nil: "run n"
}

func newReport() *report { return &report{release: make(chan struct{})} }

func (s *report) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	run := s.runs.Add(1)
	<-s.release
	if s.answer != nil {
		s.answer(w, r, run)
		return
	}
	_, _ = fmt.Fprintf(w, "run %d", run)
}

// together sends all requests, one after another, while the handler is held,
// and returns how many runs of it they made.
func together(t *testing.T, c collapse.Config, requests ...*http.Request) (runs int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		l := layer(t, c)
		h := l.Handler(s)
		replies := make([]*reply, 0, len(requests))
		for _, r := range requests {
			replies = append(replies, start(h, r))
			synctest.Wait()
		}
		close(s.release)
		for _, p := range replies {
			<-p.done
			require.Nil(t, p.panicked)
			require.Equal(t, 200, p.Code)
		}
		runs = s.runs.Load()
		wantNothingLeft(t, l)
	})
	return runs
}

func wantNothingLeft(t *testing.T, l *collapse.Layer) {
	t.Helper()
	assert.Zero(t, l.Runs(), "runs that can be joined")
	assert.Zero(t, l.Waiting(), "followers")
}
