package clients

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
)

// server is an API with Concord around it on a port of the loopback, and a note
// of every request that reached it.
type server struct {
	URL string
	mux *http.ServeMux

	runs        atomic.Int64 // effects: charges made, mails sent
	connections atomic.Int64 // that were opened

	fault    func(run int64, r *http.Request) // what goes wrong in a run once its effect is there; nil: nothing
	answered func(exchange, *http.Request)    // told of each exchange before its reply is sent; nil: nobody is

	around func(http.Handler) http.Handler // what stands in front of Concord; nil: nothing

	mu   sync.Mutex
	seen []*exchange // in the order of arrival
}

// exchange is one request and how Concord, or the handler, answered it. Whether
// the answer arrived is another question.
type exchange struct {
	number   int // 1 is the first that reached the server
	sent     http.Header
	status   int // 0: not yet
	replayed bool
}

// newServer starts a server. Configure changes the Config, which else names the
// caller by Authorization, and server, which else has no faults.
func newServer(t *testing.T, configure func(*server, *concord.Config)) *server {
	t.Helper()
	s := &server{mux: http.NewServeMux()}
	config := concord.Config{Principal: concord.ByAuthorization}
	if configure != nil {
		configure(s, &config)
	}
	stack, err := concord.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Close(context.Background())) })
	handler := s.note(stack.Handler(s.mux), config.Idempotency.ReplayField)
	if s.around != nil {
		handler = s.around(handler)
	}
	s.serve(t, handler)
	return s
}

// serve starts to listen. Handlers find the connection of their request in its
// context.
func (s *server) serve(t *testing.T, h http.Handler) {
	t.Helper()
	l := httptest.NewUnstartedServer(h)
	l.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		s.connections.Add(1)
		return context.WithValue(ctx, connectionKey{}, c)
	}
	l.Start()
	t.Cleanup(l.Close)
	s.URL = l.URL
}

type connectionKey struct{}

// hangUp breaks off the connection of a request: its client learns no more of it,
// while the handler goes on.
func hangUp(r *http.Request) {
	_ = r.Context().Value(connectionKey{}).(net.Conn).Close() // broken off is broken off
}

// note keeps a note of each request and its answer.
func (s *server) note(next http.Handler, replayField string) http.Handler {
	if replayField == "" {
		replayField = "Idempotency-Replayed"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := s.arrives(r)
		status := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(status, r)
		s.mu.Lock()
		e.status, e.replayed = status.status(), w.Header().Get(replayField) == "true"
		s.mu.Unlock()
		if s.answered != nil {
			s.answered(*e, r)
		}
	})
}

func (s *server) arrives(r *http.Request) *exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &exchange{number: len(s.seen) + 1, sent: r.Header.Clone()}
	s.seen = append(s.seen, e)
	return e
}

// exchanges are those that there were so far.
func (s *server) exchanges() (all []exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.seen {
		all = append(all, *e)
	}
	return all
}

// statuses are those of the exchanges. Of a reply that was lost it is the status
// that the client never saw.
func (s *server) statuses() (all []int) {
	for _, e := range s.exchanges() {
		all = append(all, e.status)
	}
	return all
}

// requireOneKey fails the test unless there were requests, all with one key.
func (s *server) requireOneKey(t *testing.T) {
	t.Helper()
	all := s.exchanges()
	require.NotEmpty(t, all)
	key := all[0].sent.Get("Idempotency-Key")
	require.NotEmpty(t, key)
	for _, e := range all {
		require.Equal(t, []string{key}, e.sent["Idempotency-Key"])
	}
}

// effect is what a handler calls once it has done what is not to be done twice.
// It returns how often that was.
func (s *server) effect(r *http.Request) int64 {
	run := s.runs.Add(1)
	if s.fault != nil {
		s.fault(run, r)
	}
	return run
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	sent int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.sent == 0 && status >= http.StatusOK {
		w.sent = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) status() int {
	if w.sent == 0 {
		return http.StatusOK
	}
	return w.sent
}
