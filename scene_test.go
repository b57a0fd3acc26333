package concord_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// scene is a Stack in which one decision of a layer is provoked, and all that
// was said of it. What nobody but its owner may see has SECRET in it, and the
// text of errors, which no client may see, CAUSE.
type scene struct {
	t     *testing.T
	h     http.Handler
	page  *page
	store *failing
	stack *concord.Stack

	mu     sync.Mutex
	events []middleware.Event
	log    bytes.Buffer
	tokens []string // of locks
}

// newScene is a Stack around handler, or around a page if that is nil.
func newScene(t *testing.T, change func(*concord.Config), handler http.HandlerFunc) *scene {
	t.Helper()
	s := &scene{t: t, page: one(), store: &failing{Store: memory.New(memory.Config{})}}
	c := concord.Config{
		Store:     s.store,
		Principal: subject,
		Observer:  s,
		Lock:      &lock.Config{Holder: func(*http.Request) string { return "the editor" }},
	}
	if change != nil {
		change(&c)
	}
	s.stack = newStack(t, c)
	next := http.Handler(s.page)
	if handler != nil {
		next = handler
	}
	s.h = s.stack.Handler(next)
	return s
}

// Observe implements [middleware.Observer].
func (s *scene) Observe(ctx context.Context, e middleware.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	middleware.Log(slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))).Observe(ctx, e)
}

// do sends a request about /d for SECRET-ann.
func (s *scene) do(method, body string, fields ...string) *httptest.ResponseRecorder {
	return s.doAs("SECRET-ann", method, body, fields...)
}

func (s *scene) doAs(who, method, body string, fields ...string) *httptest.ResponseRecorder {
	w := send(s.h, as(who, request(method, body, fields...)))
	if token := w.Header().Get("Lock-Token"); token != "" {
		s.tokens = append(s.tokens, token)
	}
	return w
}

// begin sends a request that will take a while, and waits until it does.
func (s *scene) begin(method, body string, fields ...string) (answer func() *httptest.ResponseRecorder) {
	answer = start(s.h, as("SECRET-ann", request(method, body, fields...)))
	time.Sleep(time.Millisecond)
	return answer
}

// aborted sends a request whose handler panics.
func (s *scene) aborted(method string, fields ...string) {
	s.t.Helper()
	body := "SECRET-body"
	if method == http.MethodGet {
		body = ""
	}
	require.Panics(s.t, func() { s.do(method, body, fields...) })
}

// lock has SECRET-ann lock /d, and returns the token.
func (s *scene) lock(fields ...string) (token string) {
	s.t.Helper()
	w := s.do("LOCK", "", fields...)
	require.Equal(s.t, http.StatusOK, w.Code, w.Body)
	return w.Header().Get("Lock-Token")
}

var errDown = errors.New("CAUSE: no route to the store")

// failing is a store that can be unreachable.
type failing struct {
	store.Store
	mu   sync.Mutex
	down bool
	keys []string // of records that were created
}

// loseAll removes what was created, as no store may that is not broken.
func (f *failing) loseAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range f.keys {
		r, _, _ := f.Store.Get(context.Background(), key)
		_, _ = f.Store.Delete(context.Background(), key, r.Version)
	}
}

func (f *failing) goDown() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = true
}

func (f *failing) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return errDown
	}
	return nil
}

func (f *failing) Get(ctx context.Context, key string) (store.Record, bool, error) {
	if err := f.err(); err != nil {
		return store.Record{}, false, err
	}
	return f.Store.Get(ctx, key)
}

func (f *failing) Create(ctx context.Context, key string, r store.Record) (store.Record, bool, error) {
	if err := f.err(); err != nil {
		return store.Record{}, false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, key)
	return f.Store.Create(ctx, key, r)
}

func (f *failing) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if err := f.err(); err != nil {
		return store.Record{}, false, err
	}
	return f.Store.Replace(ctx, key, version, r)
}

func (f *failing) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	if err := f.err(); err != nil {
		return false, err
	}
	return f.Store.Delete(ctx, key, version)
}

// sleeps is a handler that takes d, whatever its context says.
func sleeps(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(d)
		_, _ = io.WriteString(w, "SECRET-answer")
	}
}

func panics(http.ResponseWriter, *http.Request) { panic("CAUSE") }

func answersWith(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "CAUSE", status) }
}

// returns is a handler that returns an error.
func returns(err error) func(http.ResponseWriter, *http.Request) error {
	return func(http.ResponseWriter, *http.Request) error { return fmt.Errorf("SECRET saving: %w", err) }
}
