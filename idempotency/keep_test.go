package idempotency_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

func TestDefaultKeepOfEachStatus(t *testing.T) {
	free := []int{307, 308, 401, 403, 408, 412, 421, 425, 428, 429}
	unknown := []int{502, 503, 504}
	later := http.Header{"Retry-After": {"1"}}
	for status := 100; status <= 999; status++ {
		want := idempotency.Keep
		switch {
		case slices.Contains(free, status):
			want = idempotency.Free
		case slices.Contains(unknown, status):
			want = idempotency.Unknown
		}
		assert.Equal(t, want, idempotency.DefaultKeep(status, http.Header{}), status)
		assert.Equal(t, want, idempotency.DefaultKeep(status, nil), status)
		if status >= 400 {
			want = idempotency.Free
		}
		assert.Equal(t, want, idempotency.DefaultKeep(status, later), "%d with Retry-After", status)
	}
}

// TestWhatDispositionsMean: what the next request with the key gets.
func TestWhatDispositionsMean(t *testing.T) {
	for name, test := range map[string]struct {
		disposition idempotency.Disposition
		runs        int64
		status      int
		kind        problem.Kind
		event       middleware.EventKind
	}{
		"Keep":                  {idempotency.Keep, 1, http.StatusTeapot, "", middleware.EventPassed},
		"Free":                  {idempotency.Free, 2, http.StatusTeapot, "", middleware.EventPassed},
		"Unknown":               {idempotency.Unknown, 1, http.StatusConflict, problem.KindOutcomeUnknown, middleware.EventUnknown},
		"one that is not there": {7, 1, http.StatusConflict, problem.KindOutcomeUnknown, middleware.EventUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			pay, heard := &till{then: answers(http.StatusTeapot, "X-Tea", "green")}, &observer{}
			h := newLayer(t, idempotency.Config{Observer: heard, Keep: func(status int, fields http.Header) idempotency.Disposition {
				assert.Equal(t, http.StatusTeapot, status)
				assert.Equal(t, "green", fields.Get("X-Tea"))
				return test.disposition
			}}).Handler(pay)
			assert.Equal(t, http.StatusTeapot, send(h, post("k", "{}")).Code)
			assert.Equal(t, test.event, heard.last(t).Kind)
			again := send(h, post("k", "{}"))
			assert.Equal(t, test.status, again.Code)
			assert.Equal(t, test.kind, kindOf(t, again))
			assert.Equal(t, test.runs, pay.runs.Load())
		})
	}
}

func TestKeepIsNotAskedAboutWhatNeedsNoAnswer(t *testing.T) {
	for name, then := range map[string]func(http.ResponseWriter, *http.Request, int64){
		"a panic":     func(http.ResponseWriter, *http.Request, int64) { panic("boom") },
		"a freed key": func(_ http.ResponseWriter, r *http.Request, _ int64) { attemptOf(t, r).Free() },
		"a refusal inside": func(w http.ResponseWriter, r *http.Request, _ int64) {
			middleware.Refuse(w, r, nil, problem.VersionMismatch(""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newLayer(t, idempotency.Config{Keep: func(int, http.Header) idempotency.Disposition {
				assert.Fail(t, "it was asked")
				return idempotency.Keep
			}}).Handler(&till{then: then})
			if name == "a panic" {
				panics(t, h, post("k", "{}"))
				return
			}
			send(h, post("k", "{}"))
		})
	}
}
