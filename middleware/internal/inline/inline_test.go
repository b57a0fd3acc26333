package inline_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/internal/inline"
)

func serve(c *inline.Chain, r *http.Request, router, next http.HandlerFunc) (w *httptest.ResponseRecorder, called bool) {
	w = httptest.NewRecorder()
	return w, c.Serve(w, r, router, next)
}

func request(method string) *http.Request { return httptest.NewRequest(method, "/a", http.NoBody) }

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

// as is a middleware that calls its handler with another method, and then, if
// again, as the request came.
func as(method string, again bool) middleware.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			other := r.Clone(r.Context())
			other.Method = method
			next.ServeHTTP(w, other)
			if again {
				next.ServeHTTP(w, r)
			}
		})
	}
}

func TestAQuestionIsAnsweredByTheRouter(t *testing.T) {
	for _, c := range []struct {
		came, asked, want string
		called            bool
	}{
		{"PUT", "GET", "router", false},
		{"DELETE", "GET", "router", false},
		{"POST", "GET", "router", false},
		{"GET", "GET", "next", true},
		{"HEAD", "GET", "next", true}, // run for its fields
		{"POST", "PUT", "next", true},
	} {
		w, called := serve(inline.New(as(c.asked, false)), request(c.came), answer("router"), answer("next"))
		assert.Equal(t, c.want, w.Body.String(), "%v", c)
		assert.Equal(t, c.called, called, "%v", c)
	}
	w, called := serve(inline.New(as("GET", true)), request("PUT"), answer("before, "), answer("then next"))
	assert.Equal(t, "before, then next", w.Body.String())
	assert.True(t, called)
}

func TestTheRestOfTheChainRunsOnce(t *testing.T) {
	runs := 0
	next := func(http.ResponseWriter, *http.Request) { runs++ }
	w, called := serve(inline.New(as("POST", true)), request("POST"), nil, next)
	assert.Equal(t, 1, runs)
	assert.Equal(t, 500, w.Code)
	assert.True(t, called)
}

// TestTheRestOfTheChainHasEndedWhenServeReturns: TimeoutHandler answers while
// the handler that it gave up on goes on.
func TestTheRestOfTheChainHasEndedWhenServeReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inline.New(func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Second, "late") })
		ended := false
		w, called := serve(c, request("POST"), nil, func(http.ResponseWriter, *http.Request) {
			time.Sleep(time.Minute)
			ended = true
		})
		assert.True(t, ended)
		assert.True(t, called)
		assert.Equal(t, "late", w.Body.String())
	})
}

func TestTheRestOfTheChainNeverRunsLate(t *testing.T) {
	var late func()
	c := inline.New(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			late = func() {
				w := httptest.NewRecorder()
				next.ServeHTTP(w, r)
				assert.Equal(t, 500, w.Code)
			}
		})
	})
	_, called := serve(c, request("POST"), nil, func(http.ResponseWriter, *http.Request) { t.Error("ran") })
	assert.False(t, called)
	late()
}

func TestAContextFromElsewhereIsRefused(t *testing.T) {
	c := inline.New(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.Background())) //nolint:contextcheck // the mistake
		})
	})
	w, called := serve(c, request("POST"), nil, func(http.ResponseWriter, *http.Request) { t.Error("ran") })
	assert.Equal(t, 500, w.Code)
	assert.False(t, called)
}

func TestAPanicEndsTheTurn(t *testing.T) {
	c := inline.New(middleware.Chain())
	assert.PanicsWithValue(t, "a fault", func() {
		serve(c, request("POST"), nil, func(http.ResponseWriter, *http.Request) { panic("a fault") })
	})
}

type key struct{}

func TestTheContextIsTheRequests(t *testing.T) {
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	serve(inline.New(middleware.Chain()), request("POST").WithContext(ctx), nil, func(_ http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "kept", r.Context().Value(key{}))
		derived, stop := context.WithCancel(r.Context())
		defer stop()
		cancel()
		assert.ErrorIs(t, derived.Err(), context.Canceled)
	})
}
