package concord_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// TestMistakesAreReportedAllAtOnce with the names that the caller knows.
func TestMistakesAreReportedAllAtOnce(t *testing.T) {
	_, err := concord.New(concord.Config{
		Off:         1 << 7,
		ETag:        etag.Config{StaleStatus: 200},
		Idempotency: idempotency.Config{MaxRequestBody: -1, Lease: -1},
		Lock:        &lock.Config{Status: 1},
	})
	var fields []string
	for _, e := range flatten(err) {
		mistake := (*store.ConfigError)(nil)
		require.ErrorAs(t, e, &mistake)
		fields = append(fields, mistake.Field)
	}
	assert.ElementsMatch(t, []string{
		"concord.Config.Principal", "concord.Config.Off", "concord.Config.ETag.StaleStatus",
		"concord.Config.Idempotency.MaxRequestBody", "concord.Config.Idempotency.Lease", "concord.Config.Lock.Status",
	}, fields)
}

func flatten(err error) (all []error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

func TestLayersThatAreOffDoNothing(t *testing.T) {
	p := one()
	h := newStack(t, concord.Config{Off: concord.LayerETag | concord.LayerIdempotency | concord.LayerCollapse}).Handler(p)
	assert.Empty(t, send(h, request(http.MethodGet, "")).Header().Get("ETag"))
	for range 2 {
		assert.Equal(t, http.StatusOK, send(h, request(http.MethodPut, "two", "If-Match", `"stale"`, "Idempotency-Key", "k")).Code)
	}
	assert.EqualValues(t, 2, p.writes.Load())
}

func TestNestedConfigsInheritWhatTheyLeaveZero(t *testing.T) {
	var saw []string
	observer := observe(func(e middleware.Event) { saw = append(saw, e.Layer+" "+e.Resource) })
	teapot := problem.Responder(func(w http.ResponseWriter, _ *http.Request, _ *problem.Problem) { w.WriteHeader(http.StatusTeapot) })
	stack := newStack(t, concord.Config{
		Resource: func(*http.Request) string { return "the one" },
		Respond:  teapot,
		Observer: observer,
	})
	h := stack.Handler(one())
	assert.Equal(t, http.StatusTeapot, send(h, request(http.MethodPut, "two", "If-Match", `"stale"`)).Code)
	assert.Equal(t, http.StatusTeapot, send(h, request(http.MethodPost, "", "Idempotency-Key", "")).Code)
	assert.Contains(t, saw, "etag the one")
	failing := stack.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return errors.New("secret") })
	assert.Equal(t, http.StatusTeapot, send(failing, request(http.MethodGet, "")).Code)
}

type observe func(middleware.Event)

func (o observe) Observe(_ context.Context, e middleware.Event) { o(e) }

// TestWithSharesTheStore: a key that was used on one Stack is known to the
// other.
func TestWithSharesTheStore(t *testing.T) {
	p := one()
	stack := newStack(t, concord.Config{})
	other, err := stack.With(func(c *concord.Config) { c.Idempotency.Require = concord.Routes("/d") })
	require.NoError(t, err)
	post := func() *http.Request { return request(http.MethodPost, "x", "Idempotency-Key", "k") }
	first := send(stack.Handler(p), post())
	again := send(other.Handler(p), post())
	assert.Equal(t, first.Body.String(), again.Body.String())
	assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	assert.EqualValues(t, 1, p.writes.Load())
	assert.Equal(t, http.StatusBadRequest, send(other.Handler(p), request(http.MethodPost, "x")).Code)
	assert.Equal(t, http.StatusOK, send(stack.Handler(p), request(http.MethodPost, "x")).Code, "the first one is as it was")
}

func TestCloseClosesWhatIsTheStacksOwn(t *testing.T) {
	p := one()
	own := newStack(t, concord.Config{})
	h := own.Handler(p)
	require.NoError(t, own.Close(t.Context()))
	require.NoError(t, own.Close(t.Context()))
	assert.Equal(t, http.StatusServiceUnavailable, send(h, request(http.MethodPost, "x", "Idempotency-Key", "k")).Code)
	assert.Zero(t, p.writes.Load())

	shared := memory.New(memory.Config{})
	require.NoError(t, newStack(t, concord.Config{Store: shared}).Close(t.Context()))
	assert.Equal(t, http.StatusOK, send(newStack(t, concord.Config{Store: shared}).Handler(p), request(http.MethodPost, "x", "Idempotency-Key", "k")).Code)
}

// TestWithChangesNothingButItsOwn: neither the caller's Config nor that of the
// Stack it is made of.
func TestWithChangesNothingButItsOwn(t *testing.T) {
	mine := lock.Config{}
	stack := newStack(t, concord.Config{Lock: &mine})
	mine.Status = 1 // New has made a copy
	_, err := stack.With(func(c *concord.Config) { c.Lock.Status = http.StatusLocked })
	require.NoError(t, err)
	assert.Equal(t, 1, mine.Status)
	third, err := stack.With(func(*concord.Config) {})
	require.NoError(t, err)
	h := third.Handler(one())
	require.Equal(t, http.StatusOK, send(h, request("LOCK", "")).Code)
	assert.Equal(t, http.StatusConflict, send(h, request(http.MethodPut, "x")).Code)
}
