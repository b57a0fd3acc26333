package idempotency_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// till is a handler that charges: each run is counted, and says its number.
type till struct {
	runs atomic.Int64
	then func(http.ResponseWriter, *http.Request, int64) // nil: 201 with the number
}

func (h *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := h.runs.Add(1)
	if h.then != nil {
		h.then(w, r, n)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/payments/1")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]int64{"charge": n})
}

// answers makes a handler that answers with a status alone.
func answers(status int, fields ...string) func(http.ResponseWriter, *http.Request, int64) {
	return func(w http.ResponseWriter, _ *http.Request, _ int64) {
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		w.WriteHeader(status)
	}
}

// post makes a POST of body to /payments with this key.
func post(key, body string, fields ...string) *http.Request {
	return request(http.MethodPost, "/payments", key, body, fields...)
}

func request(method, target, key, body string, fields ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return r
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// panics sends r to a handler that panics, and returns the value.
func panics(t *testing.T, h http.Handler, r *http.Request) (value any) {
	t.Helper()
	defer func() { value = recover() }()
	h.ServeHTTP(httptest.NewRecorder(), r)
	require.Fail(t, "the handler's panic did not come out")
	return nil
}

// kindOf is the kind of the problem that w carries, "" if none.
func kindOf(t *testing.T, w *httptest.ResponseRecorder) problem.Kind {
	t.Helper()
	if w.Header().Get("Content-Type") != "application/problem+json" {
		return ""
	}
	var members struct{ Type string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	return problem.Kind(members.Type[strings.LastIndexAny(members.Type, "/#")+1:])
}

// observer collects events.
type observer struct {
	mu     sync.Mutex
	events []middleware.Event
}

func (o *observer) Observe(_ context.Context, e middleware.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

// of returns the events of a kind.
func (o *observer) of(k middleware.EventKind) (some []middleware.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		if e.Kind == k {
			some = append(some, e)
		}
	}
	return some
}
