package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/concordhttp/concord/middleware/problem"
)

// A pageServer is the quickstart on a loopback address, which writes down what
// the page asks of it, and can be made to lose an answer.
type pageServer struct {
	t    *testing.T
	base string
	api  *api

	mu     sync.Mutex
	seen   []asked
	losing string        // the method of the request whose answer is lost next
	early  bool          // nothing of it is sent; else half of it
	held   chan struct{} // open: payments wait for it
}

// asked is a request of the page, and how it was answered; status 0 is an answer
// that was lost.
type asked struct {
	method, path, key string
	status            int
	replayed          bool
}

func newPageServer(t *testing.T) *pageServer {
	t.Helper()
	stack, err := newStack(keptInMemory(), problem.JSON, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &pageServer{t: t, api: newAPI()}
	mux := http.NewServeMux()
	s.api.routes(router{mux, stack.HandlerFunc})
	server := httptest.NewServer(s.watch(markStoreFaults(stack.Handler(s.bank(mux)))))
	t.Cleanup(server.Close)
	s.base = server.URL
	return s
}

// lose has the server do what the next request with this method asks for, and
// break off while it answers, or before: of a connection that was used already
// the browser then sends the request again by itself, POST or not, and nobody
// else learns of it.
func (s *pageServer) lose(method string, early bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losing, s.early = method, early
}

// holdPayments has the bank wait until what it returns is called, or the test
// ends.
func (s *pageServer) holdPayments() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	release = sync.OnceFunc(func() { close(held) })
	s.t.Cleanup(release) // before the server is closed, which waits for them
	return release
}

// requests returns what came with this method, in the order of the answers.
func (s *pageServer) requests(method string) []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.seen), func(a asked) bool { return a.method != method })
}

// watch is outside of Concord.
func (s *pageServer) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := serve(next, r)
		a := asked{r.Method, r.URL.Path, r.Header.Get("Idempotency-Key"), answer.Code, answer.Header().Get("Idempotency-Replayed") != ""}
		s.mu.Lock()
		lost, early := s.losing == r.Method, s.early
		if lost {
			a.status, s.losing = 0, ""
		}
		s.seen = append(s.seen, a)
		s.mu.Unlock()
		if lost && early {
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		body := answer.Body.Bytes()
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		if lost {
			w.Write(body[:len(body)/2])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Write(body)
	})
}

// bank is inside of Concord: what is held up here runs already.
func (s *pageServer) bank(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		held := s.held
		s.mu.Unlock()
		if held != nil && r.Method == http.MethodPost {
			select {
			case <-held:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
