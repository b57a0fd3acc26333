package idempotency_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

func TestAuthorizeIsAskedBeforeEachReplay(t *testing.T) {
	refusal := errors.New("the account was closed")
	gone := problem.New("", "The account is gone.")
	gone.Status = http.StatusGone
	for name, test := range map[string]struct {
		err    error
		status int
	}{
		"an error":          {refusal, http.StatusForbidden},
		"a problem":         {gone, http.StatusGone},
		"a problem in it":   {fmt.Errorf("while looking: %w", gone), http.StatusGone},
		"a kind of problem": {problem.StateConflict("It was closed."), http.StatusConflict},
	} {
		for size, which := range map[int]string{10: "", 100: ", of which the answer was not retained"} {
			t.Run(name+which, func(t *testing.T) {
				var answer error
				asked, heard := 0, &observer{}
				pay := &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
					w.Header().Set("Location", "/payments/1")
					_, _ = w.Write([]byte(strings.Repeat("x", size)))
				}}
				h := newLayer(t, idempotency.Config{MaxResponseBody: 64, Observer: heard, Authorize: func(r *http.Request) error {
					asked++
					assert.Equal(t, "k", r.Header.Get("Idempotency-Key"))
					return answer
				}}).Handler(pay)
				send(h, post("k", "{}"))
				assert.Zero(t, asked, "a first run is the handler's to refuse")
				allowed := send(h, post("k", "{}"))
				assert.Equal(t, 1, asked)
				assert.Equal(t, "/payments/1", allowed.Header().Get("Location"))
				answer = test.err
				w := send(h, post("k", "{}"))
				assert.Equal(t, 2, asked)
				assert.Equal(t, test.status, w.Code)
				assert.Empty(t, w.Header().Get("Location"), "nothing of the outcome is told")
				assert.NotContains(t, w.Body.String(), "original_status")
				assert.NotContains(t, w.Body.String(), refusal.Error())
				assert.Empty(t, w.Header().Get("Idempotency-Replayed"))
				assert.Equal(t, middleware.EventRefused, heard.last(t).Kind)
				assert.Equal(t, test.status, heard.last(t).Status)
				answer = nil
				again := send(h, post("k", "{}"))
				assert.Equal(t, allowed.Body.Len() > 0, again.Body.Len() > 0, "the outcome is still there")
				assert.Equal(t, allowed.Code, again.Code)
				assert.EqualValues(t, 1, pay.runs.Load())
			})
		}
	}
}

// TestAuthorizeIsNotAskedAboutWhatIsNoOutcome: what is told then says nothing of
// one.
func TestAuthorizeIsNotAskedAboutWhatIsNoOutcome(t *testing.T) {
	h := newLayer(t, idempotency.Config{Authorize: func(*http.Request) error {
		require.Fail(t, "it was asked")
		return nil
	}}).Handler(&till{})
	send(h, post("k", "{}"))
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(h, post("k", "{ }")))
}
