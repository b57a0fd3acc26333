package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

var (
	errPower   = errors.New("the power is off")
	errLinkCut = errors.New("connection reset by peer")
)

// crashServer is one server from its start until its power is off. From that
// instant no call of its reaches the store or returns, nothing that its
// handlers do has an effect, and its replies do not arrive.
type crashServer struct {
	w       *crashWorld
	name    string
	handler http.Handler
	off     chan struct{}
	cut     [2]time.Time // from when to when the store is out of reach

	mu     sync.Mutex
	random *rand.Rand
	nonces map[string]bool // of the claims that were made here
	faulty bool            // the last call of the store lost its reply
}

// start starts a server. Under mu, or before anybody else knows the world.
func (w *crashWorld) start() *crashServer {
	w.started++
	s := &crashServer{
		w: w, name: fmt.Sprint("server ", w.started), off: make(chan struct{}), nonces: map[string]bool{},
	}
	s.random = w.random(s.name)
	c := idempotency.Config{
		Store:         &crashStore{s},
		Principal:     middleware.DangerouslyShared,
		Unknown:       w.mode.unknown,
		Transactional: w.mode.transactional,
	}
	if s.random.IntN(3) == 0 {
		c.Wait = 20 * time.Second
	}
	if s.random.IntN(3) == 0 {
		c.Lease = 15 * time.Second
	}
	if w.cuts && s.random.IntN(2) == 0 {
		w.totals.Cuts++
		s.cut[0] = time.Now().Add(time.Duration(s.random.Int64N(int64(40 * time.Second))))
		s.cut[1] = s.cut[0].Add(time.Duration(s.random.Int64N(int64(time.Minute))))
	}
	layer, err := idempotency.New(c)
	require.NoError(w.t, err)
	s.handler = layer.Handler(http.HandlerFunc(s.charge))
	return s
}

func (s *crashServer) isOff() bool {
	select {
	case <-s.off:
		return true
	default:
		return false
	}
}

// powered returns nil while there is power. Without, it returns when all is over.
func (s *crashServer) powered() error {
	if !s.isOff() {
		return nil
	}
	<-s.w.over
	return errPower
}

// pass says that the server is at p. It may die there, which this returns.
func (s *crashServer) pass(p crashPoint) error {
	s.w.dies(s, p)
	return s.powered()
}

func (s *crashServer) intn(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// rest waits for d, and reports whether ctx and the power lasted that long.
func (s *crashServer) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return s.powered() == nil && ctx.Err() == nil
}

// crashReply is a reply on its way to a client.
type crashReply struct {
	*httptest.ResponseRecorder
	s       *crashServer
	charged bool // the handler has had its effect
	ended   bool // and has returned
}

func (p *crashReply) WriteHeader(status int) {
	if p.charged && p.ended && p.s.pass(afterRecord) != nil || p.s.powered() != nil {
		return
	}
	p.ResponseRecorder.WriteHeader(status)
}

func (p *crashReply) Write(b []byte) (int, error) {
	if err := p.s.powered(); err != nil {
		return 0, err
	}
	if !p.charged || len(b) == 0 {
		return p.ResponseRecorder.Write(b)
	}
	half := len(b) / 2
	_, _ = p.ResponseRecorder.Write(b[:half])
	if err := p.s.pass(midReply); err != nil {
		return half, err
	}
	_, _ = p.ResponseRecorder.Write(b[half:])
	return len(b), nil
}

// serve serves a request of a client, which gets nil if the server dies.
func (s *crashServer) serve(r *http.Request) *httptest.ResponseRecorder {
	if s.isOff() {
		return nil
	}
	reply := &crashReply{ResponseRecorder: httptest.NewRecorder(), s: s}
	done := make(chan bool, 1)
	s.w.work.Go(func() {
		whole := false
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // it is what was panicked with
				s.w.t.Error(v)
			}
			done <- whole && !s.isOff()
		}()
		s.handler.ServeHTTP(reply, r.WithContext(context.WithValue(r.Context(), crashReplyKey{}, reply)))
		whole = true
	})
	select {
	case whole := <-done:
		if whole {
			return reply.ResponseRecorder
		}
	case <-s.off:
	case <-r.Context().Done(): // the client has had enough; the server goes on
	}
	return nil
}

type crashReplyKey struct{}
