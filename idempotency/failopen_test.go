package idempotency_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// TestUnreachableStoreRefuses: without a claim nothing runs, unless the server
// has said that it wants that.
func TestUnreachableStoreRefuses(t *testing.T) {
	for name, cause := range map[string]error{
		"unavailable": store.ErrUnavailable, "another error": errors.New("connection reset"), "closed": store.ErrClosed, "full": store.ErrFull,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pay, s, heard := &till{}, newSpy(), &observer{}
				s.failWith(func(string) error { return cause })
				h := newLayer(t, idempotency.Config{Store: s, Observer: heard}).Handler(pay)
				w := send(h, post("k", "{}"))
				wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, w)
				assert.Equal(t, "1", w.Header().Get("Retry-After"))
				assert.Zero(t, pay.runs.Load())
				assert.Equal(t, middleware.EventFailed, heard.last(t).Kind)
				require.ErrorIs(t, heard.last(t).Err, cause)
				s.failWith(nil)
				time.Sleep(time.Minute) // whatever follows a create without an answer
				assert.Equal(t, http.StatusCreated, send(h, post("k", "{}")).Code)
			})
		})
	}
}

func TestDangerouslyFailOpenRunsWithoutAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, heard := newSpy(), &observer{}
		s.failWith(func(string) error { return store.ErrUnavailable })
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
			_, ok := idempotency.FromContext(r.Context())
			assert.False(t, ok, "there is no attempt")
			assert.NoError(t, r.Context().Err())
			echo(w, r, 0)
		}}
		mux := http.NewServeMux()
		mux.Handle("POST /payments", pay)
		h := newLayer(t, idempotency.Config{Store: s, Observer: heard, DangerouslyFailOpen: true}).Handler(mux)
		for range 2 {
			r := post("k", "{}")
			w := send(h, r)
			assert.Equal(t, "{}", w.Body.String())
			assert.Empty(t, w.Header().Get("Idempotency-Replayed"))
			assert.Equal(t, "POST /payments", r.Pattern)
			require.ErrorIs(t, heard.last(t).Err, store.ErrUnavailable)
			assert.Equal(t, middleware.EventFailed, heard.last(t).Kind)
			assert.Len(t, heard.last(t).Key, 64)
		}
		assert.EqualValues(t, 2, pay.runs.Load(), "repeated requests run again")
		wantKind(t, http.StatusBadRequest, problem.KindKeyInvalid, send(h, post(`"`, "{}")))
		s.failWith(nil)
		time.Sleep(time.Minute)
	})
}

// TestFullStoreRefusesAllTheSame: it answers, and what it says is that more
// requests than it can hold are under way; that must not end all protection.
func TestFullStoreRefusesAllTheSame(t *testing.T) {
	pay := &till{then: answers(http.StatusCreated)}
	small := memory.New(memory.Config{MaxRecords: 1, Shards: 1})
	h := newLayer(t, idempotency.Config{Store: small, DangerouslyFailOpen: true}).Handler(pay)
	first := send(h, post("k1", "{}"))
	wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(h, post("k2", "{}")))
	assert.EqualValues(t, 1, pay.runs.Load())
	wantReplay(t, first, send(h, post("k1", "{}")))
}

// TestOutcomeThatCannotBeRecordedIsDelivered: the claim stays, and protects.
func TestOutcomeThatCannotBeRecordedIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay, s, heard := &till{}, newSpy(), &observer{}
		h := newLayer(t, idempotency.Config{Store: s, Observer: heard}).Handler(pay)
		s.failWith(func(call string) error {
			if call == "replace" {
				return context.DeadlineExceeded
			}
			return nil
		})
		first := send(h, post("k", "{}"))
		assert.Equal(t, http.StatusCreated, first.Code)
		assert.Contains(t, first.Body.String(), "charge")
		assert.Equal(t, middleware.EventFailed, heard.last(t).Kind)
		require.ErrorIs(t, heard.last(t).Err, context.DeadlineExceeded)
		wantKind(t, http.StatusConflict, problem.KindRequestInFlight, send(h, post("k", "{}")))
		time.Sleep(33 * time.Second)
		wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}
