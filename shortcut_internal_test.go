package concord

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
)

// told is an observer that remembers what it was told, without times.
type told []string

func (t *told) Observe(_ context.Context, e middleware.Event) {
	*t = append(*t, fmt.Sprint(e.Layer, " ", e.Kind, " ", e.Method, " ", e.Problem, " ", e.Status))
}

// A request gets the answer that the layers alone would give, and the handler
// sees the same, whatever its method, its fields and the configuration are.
func TestTheShortcutChangesNothing(t *testing.T) {
	always := func(*http.Request) bool { return true }
	configs := map[string]func(*Config){
		"as it comes":                    func(*Config) {},
		"a key is required":              func(c *Config) { c.Idempotency.Require = always },
		"a precondition is required":     func(c *Config) { c.ETag.Require = always },
		"with locks":                     func(c *Config) { c.Lock = &lock.Config{} },
		"a key of another name":          func(c *Config) { c.Idempotency.Header = "x-key" },
		"keys of PATCH alone":            func(c *Config) { c.Idempotency.Methods = []string{"PATCH"} },
		"without package etag":           func(c *Config) { c.Off = LayerETag; c.ETag.Require = always },
		"without package idempotency":    func(c *Config) { c.Off = LayerIdempotency; c.Idempotency.Require = always },
		"without collapsing":             func(c *Config) { c.Off = LayerCollapse },
		"a validator of the application": func(c *Config) { c.ETag.TagAfterWrite = true },
	}
	fields := []string{
		"", "Idempotency-Key: 1", "X-Key: 1", `If-Match: "stale"`, "If-None-Match: *", "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT",
		"If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT", `If-Range: "stale"`, "Range: bytes=0-1", "Lock-Token: <urn:uuid:1>",
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "LOCK", "UNLOCK", "BREW", "post"}
	for name, change := range configs {
		for _, method := range methods {
			for _, field := range fields {
				layers := func(s *Stack, next http.Handler) http.Handler { return middleware.Chain(s.layers...)(next) }
				alone := answered(t, change, layers, method, field)
				assert.Equal(t, alone, answered(t, change, (*Stack).Handler, method, field), "%s: %s %s", name, method, field)
			}
		}
	}
}

// answered sends a request twice, to a resource that is locked if there are
// locks, and returns what came of it.
func answered(t *testing.T, change func(*Config), around func(*Stack, http.Handler) http.Handler, method, field string) string {
	t.Helper()
	var events told
	c := Config{Principal: DangerouslyShared, Observer: &events}
	change(&c)
	stack, err := New(c)
	require.NoError(t, err)
	var all strings.Builder
	h := around(stack, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, bare := w.(*httptest.ResponseRecorder)
		fmt.Fprintf(&all, "runs: %s %v bare=%t request's own context=%t\n", r.Method, r.Header, bare, r.Context() == context.Background())
		w.Header().Set("Last-Modified", "Tue, 02 Jan 2024 15:04:05 GMT")
		_, _ = w.Write([]byte("content"))
	}))
	send := func(method, field string) {
		r := httptest.NewRequest(method, "/a", nil).WithContext(context.Background())
		if name, value, ok := strings.Cut(field, ": "); ok {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fields := w.Header()
		delete(fields, "Lock-Token") // a random one
		if w.Code >= 400 || method == "LOCK" {
			w.Body.Reset() // which has random names, and times
			delete(fields, "Content-Length")
		}
		fmt.Fprintf(&all, "%d %v %s\n", w.Code, fields, w.Body)
	}
	if c.Lock != nil {
		send("LOCK", "")
	}
	send(method, field)
	send(method, field)
	fmt.Fprintln(&all, strings.Join(events, "\n"))
	require.NoError(t, stack.Close(t.Context()))
	return all.String()
}
