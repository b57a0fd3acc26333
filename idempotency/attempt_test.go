package idempotency_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// attemptOf is the attempt that a handler runs in.
func attemptOf(t *testing.T, r *http.Request) *idempotency.Attempt {
	t.Helper()
	a, ok := idempotency.FromContext(r.Context())
	require.True(t, ok)
	return a
}

func TestFreedKeysCanBeUsedAgain(t *testing.T) {
	for name, status := range map[string]int{"a success": 201, "an error that is kept": 400, "one that is unknown": 503} {
		t.Run(name, func(t *testing.T) {
			pay := &till{}
			pay.then = func(w http.ResponseWriter, r *http.Request, n int64) {
				if n == 1 {
					attemptOf(t, r).Free()
				}
				w.WriteHeader(status)
			}
			h := newLayer(t, idempotency.Config{}).Handler(pay)
			assert.Equal(t, status, send(h, post("k", "{}")).Code, "what it answers goes out")
			send(h, post("k", "another body, since nothing was done"))
			assert.EqualValues(t, 2, pay.runs.Load())
		})
	}
}

func TestFreeComesTooLate(t *testing.T) {
	t.Run("after a panic", func(t *testing.T) {
		h := newLayer(t, idempotency.Config{}).Handler(&till{then: func(_ http.ResponseWriter, r *http.Request, _ int64) {
			attemptOf(t, r).Free()
			panic("boom")
		}})
		panics(t, h, post("k", "{}"))
		wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
	})
	t.Run("after the handler has returned", func(t *testing.T) {
		var left *idempotency.Attempt
		pay := &till{then: func(_ http.ResponseWriter, r *http.Request, _ int64) { left = attemptOf(t, r) }}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		first := send(h, post("k", "{}"))
		left.Free()
		wantReplay(t, first, send(h, post("k", "{}")))
	})
}

func TestFromContextKnowsKeyedRequestsAlone(t *testing.T) {
	found := false
	h := newLayer(t, idempotency.Config{}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, found = idempotency.FromContext(r.Context())
		if found {
			derived, cancel := context.WithTimeout(r.Context(), time.Minute)
			defer cancel()
			a, ok := idempotency.FromContext(derived)
			assert.True(t, ok, "a context that is derived from it counts")
			assert.Same(t, attemptOf(t, r), a)
		}
	}))
	for name, test := range map[string]struct {
		r    *http.Request
		want bool
	}{
		"with a key":     {post("k", "{}"), true},
		"without":        {post("", "{}"), false},
		"another method": {request(http.MethodGet, "/", "k", ""), false},
		"HEAD":           {request(http.MethodHead, "/", "k", ""), false},
	} {
		send(h, test.r)
		assert.Equal(t, test.want, found, name)
	}
	_, ok := idempotency.FromContext(context.Background())
	assert.False(t, ok)
}

func TestTokenGrowsFromAttemptToAttempt(t *testing.T) {
	var tokens []uint64
	pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
		a := attemptOf(t, r)
		tokens = append(tokens, a.Token())
		assert.Equal(t, a.Token(), a.Token())
		w.WriteHeader(http.StatusTooManyRequests)
	}}
	shared := newSpy()
	for range 3 {
		h := newLayer(t, idempotency.Config{Store: shared}).Handler(pay)
		send(h, post("k", "{}"))
		send(h, post("k", "{}"))
	}
	require.Len(t, tokens, 6)
	for i := range tokens[1:] {
		assert.Greater(t, tokens[i+1], tokens[i])
	}
}

type valueKey struct{}

// TestContextSurvivesDisconnect: the handler goes on, with the request's values,
// when its client has gone, and the next request gets its outcome.
func TestContextSurvivesDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
			time.Sleep(time.Minute)
			assert.NoError(t, r.Context().Err())
			assert.Equal(t, "of the request", r.Context().Value(valueKey{}))
			deadline, bounded := r.Context().Deadline()
			assert.True(t, bounded)
			assert.WithinDuration(t, time.Now().Add(4*time.Minute), deadline, time.Second, "MaxRun is 5 min by default")
			_, err := io.WriteString(w, "done")
			assert.NoError(t, err)
		}}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), valueKey{}, "of the request"))
		r := post("k", "{}").WithContext(ctx)
		var all sync.WaitGroup
		all.Go(func() { send(h, r) })
		synctest.Wait()
		cancel()
		all.Wait()
		again := send(h, post("k", "{}"))
		assert.Equal(t, "done", again.Body.String())
		assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

// TestContextEndsAfterMaxRun: and with the handler, for whoever it leaves behind.
func TestContextEndsAfterMaxRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left *http.Request
		began := time.Now()
		h := newLayer(t, idempotency.Config{MaxRun: 2 * time.Minute}).Handler(&till{then: func(_ http.ResponseWriter, r *http.Request, n int64) {
			left = r
			if n == 1 {
				<-r.Context().Done()
			}
		}})
		send(h, post("k1", "{}"))
		assert.Equal(t, 2*time.Minute, time.Since(began))
		send(h, post("k2", "{}"))
		assert.ErrorIs(t, left.Context().Err(), context.Canceled)
	})
}

// TestClaimOutlivesMaxRunByItsLease: a handler that is deaf to its context is
// then given up, and what it answers in the end is recorded all the same.
func TestClaimOutlivesMaxRunByItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
			time.Sleep(10 * time.Minute)
			_, _ = io.WriteString(w, "at last")
		}}
		h := newLayer(t, idempotency.Config{MaxRun: time.Minute}).Handler(pay)
		var all sync.WaitGroup
		all.Go(func() { send(h, post("k", "{}")) })
		time.Sleep(time.Minute)
		wantKind(t, http.StatusConflict, problem.KindRequestInFlight, send(h, post("k", "{}")))
		time.Sleep(33 * time.Second)
		wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
		all.Wait()
		assert.Equal(t, "at last", send(h, post("k", "{}")).Body.String())
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

// TestClientThatIsGoneBeforehand: nothing is done for nobody.
func TestClientThatIsGoneBeforehand(t *testing.T) {
	pay, s, heard := &till{}, newSpy(), &observer{}
	h := newLayer(t, idempotency.Config{Store: s, Observer: heard, DangerouslyFailOpen: true}).Handler(pay)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(h, post("k", "{}").WithContext(ctx)))
	assert.Zero(t, pay.runs.Load())
	assert.Empty(t, s.keys)
	assert.ErrorIs(t, heard.last(t).Err, context.Canceled)
	assert.Equal(t, middleware.EventRefused, heard.last(t).Kind, "it is no failure of the server's")
}

// TestPatternComesOut: what is outside can tell which route was taken, for a
// metric say.
func TestPatternComesOut(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("POST /payments", &till{})
	h := newLayer(t, idempotency.Config{}).Handler(mux)
	r := post("k", "{}")
	send(h, r)
	assert.Equal(t, "POST /payments", r.Pattern)
}
