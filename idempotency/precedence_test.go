package idempotency_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// TestPrecedenceOfRefusals: a request with several faults is told of the first
// in this order, so that it is told the same each time.
func TestPrecedenceOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &till{then: func(http.ResponseWriter, *http.Request, int64) { time.Sleep(time.Second) }}
		h := newLayer(t, idempotency.Config{Principal: bySubject, MaxRequestBody: 10}).Handler(pay)
		go send(h, post("k", "first", "X-Subject", "alice"))
		synctest.Wait()
		large := strings.Repeat("x", 11)
		for _, test := range []struct {
			key, subject, body string
			status             int
			kind               problem.Kind
		}{
			{" ", "", large, 400, problem.KindKeyInvalid},
			{"k", "", large, 500, problem.KindPrincipalUnknown},
			{"k", "alice", large, 413, problem.KindBodyTooLarge},
			{"k", "alice", "second", 422, problem.KindKeyReused},
			{"k", "alice", "first", 409, problem.KindRequestInFlight},
		} {
			r := post("", test.body, "X-Subject", test.subject)
			r.Header["Idempotency-Key"] = []string{test.key}
			wantKind(t, test.status, test.kind, send(h, r))
		}
		assert.EqualValues(t, 1, pay.runs.Load())
		time.Sleep(time.Minute)
	})
}

func TestRequireRefusesRequestsWithoutAKey(t *testing.T) {
	var asked []string
	pay, heard := &till{}, &observer{}
	h := newLayer(t, idempotency.Config{
		Header:   "operation-key",
		Observer: heard,
		Require: func(r *http.Request) bool {
			asked = append(asked, r.Method)
			return r.URL.Path == "/payments"
		},
	}).Handler(pay)
	w := send(h, post("", "{}"))
	wantKind(t, http.StatusBadRequest, problem.KindKeyMissing, w)
	assert.Contains(t, member(t, w, "detail"), "Operation-Key", "the client is told which field")
	assert.Equal(t, false, member(t, w, "retryable"))
	assert.Zero(t, pay.runs.Load())
	assert.Equal(t, problem.KindKeyMissing, heard.last(t).Problem)
	assert.Equal(t, middleware.EventRefused, heard.last(t).Kind)
	assert.Equal(t, http.StatusBadRequest, heard.last(t).Status)

	assert.Equal(t, http.StatusCreated, send(h, request(http.MethodPost, "/drafts", "", "{}")).Code)
	assert.Equal(t, http.StatusCreated, send(h, request(http.MethodGet, "/payments", "", "")).Code)
	assert.Equal(t, http.StatusCreated, send(h, post("", "{}", "Operation-Key", "k")).Code)
	assert.Equal(t, []string{"POST", "POST"}, asked, "it is asked about the layer's methods alone, and where there is no key")
}

// TestReplayHasADateOfItsOwn: a replay is an answer of now.
func TestReplayHasADateOfItsOwn(t *testing.T) {
	old := "Mon, 02 Jan 2006 15:04:05 GMT"
	s := serve(t, newLayer(t, idempotency.Config{}).Handler(&till{then: answers(http.StatusCreated, "Date", old)}))
	first, _ := s.post(t, "k", "{}")
	again, _ := s.post(t, "k", "{}")
	assert.Equal(t, old, first.Header.Get("Date"))
	assert.Empty(t, first.Header["Idempotency-Replayed"])
	assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
	sent, err := http.ParseTime(again.Header.Get("Date"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), sent, time.Minute)
}

func TestReplayFieldCanBeNamed(t *testing.T) {
	h := newLayer(t, idempotency.Config{ReplayField: "x-replayed"}).Handler(&till{})
	assert.False(t, has(send(h, post("k", "{}")), "X-Replayed"))
	again := send(h, post("k", "{}"))
	assert.Equal(t, "true", again.Header().Get("X-Replayed"))
	assert.False(t, has(again, "Idempotency-Replayed"))
}

// TestNoProblemEchoesAnything: neither the key, nor what identifies a request,
// nor what a caller sent or was answered.
func TestNoProblemEchoesAnything(t *testing.T) {
	const key, subject, body = "key-2f9a", "subject-77c1", "body-51d0"
	failing := newSpy()
	secretError := errors.New("cause-0b3e")
	failing.fail = func(string) error { return secretError }
	shared, heard := newSpy(), &observer{}
	broken := func(c idempotency.Config, then func(http.ResponseWriter, *http.Request, int64)) http.Handler {
		c.Observer = heard
		if c.Principal == nil {
			c.Principal = bySubject
		}
		return newLayer(t, c).Handler(&till{then: then})
	}
	aborted := broken(idempotency.Config{}, func(http.ResponseWriter, *http.Request, int64) { panic(secretError) })
	panics(t, aborted, post(key, body, "X-Subject", subject))
	kept := broken(idempotency.Config{Store: shared}, nil)
	send(kept, post(key, body, "X-Subject", subject))
	noPrincipal := func(*http.Request) (string, error) { return "", secretError }
	for name, w := range map[string]*httptest.ResponseRecorder{
		"key-invalid":       send(kept, post(key+"ü", body, "X-Subject", subject)),
		"principal-unknown": send(broken(idempotency.Config{Principal: noPrincipal}, nil), post(key, body)),
		"body-too-large":    send(broken(idempotency.Config{MaxRequestBody: 3}, nil), post(key, body, "X-Subject", subject)),
		"key-reused":        send(kept, post(key, body+"2", "X-Subject", subject)),
		"outcome-unknown":   send(aborted, post(key, body, "X-Subject", subject)),
		"store-unavailable": send(broken(idempotency.Config{Store: failing}, nil), post(key, body, "X-Subject", subject)),
		"about:blank": send(broken(idempotency.Config{Store: shared, Authorize: func(*http.Request) error { return secretError }}, nil),
			post(key, body, "X-Subject", subject)),
	} {
		t.Run(name, func(t *testing.T) {
			require.GreaterOrEqual(t, w.Code, 400)
			require.EqualValues(t, name, kindOf(t, w))
			text := strings.ToLower(w.Body.String())
			for _, line := range w.Header() {
				text += strings.ToLower(strings.Join(line, "\n"))
			}
			for _, secret := range []string{key, subject, body, "cause-0b3e", "charge"} {
				assert.NotContains(t, text, secret)
			}
			for _, e := range heard.events {
				if e.Key != "" {
					assert.NotContains(t, text, e.Key[:16], "nor a reference that only operators need")
				}
			}
		})
	}
	for _, e := range heard.events {
		assert.NotContains(t, e.Key, key, "nor does an event carry a key in clear")
		assert.NotContains(t, e.Key, subject)
	}
}
