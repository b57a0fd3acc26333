package idempotency_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/idempotency"
)

// TestUnconcernedRequestsAreUntouched: the handler gets the very writer and the
// very request that came, and nothing is allocated on the way.
func TestUnconcernedRequestsAreUntouched(t *testing.T) {
	s := newSpy()
	for name, test := range map[string]struct {
		c idempotency.Config
		r *http.Request
	}{
		"without a key":                 {idempotency.Config{}, post("", "{}")},
		"without one that is wanted":    {idempotency.Config{Require: func(*http.Request) bool { return false }}, post("", "{}")},
		"GET with a key":                {idempotency.Config{}, request(http.MethodGet, "/", "k", "")},
		"HEAD with a key":               {idempotency.Config{}, request(http.MethodHead, "/", "k", "")},
		"OPTIONS with a key":            {idempotency.Config{}, request(http.MethodOptions, "/", "k", "")},
		"GET with two keys":             {idempotency.Config{}, request(http.MethodGet, "/", `"`, "")},
		"a method that is not listed":   {idempotency.Config{Methods: []string{"POST"}}, request(http.MethodPut, "/", "k", "")},
		"another field":                 {idempotency.Config{Header: "Operation-Key"}, post("k", "{}")},
		"a method of its own, unlisted": {idempotency.Config{}, request("LOCK", "/", "k", "")},
	} {
		t.Run(name, func(t *testing.T) {
			test.c.Store = s
			var w http.ResponseWriter
			var r *http.Request
			runs := 0
			h := newLayer(t, test.c).Handler(http.HandlerFunc(func(gotW http.ResponseWriter, gotR *http.Request) {
				w, r = gotW, gotR
				runs++
			}))
			sent := httptest.NewRecorder()
			h.ServeHTTP(sent, test.r)
			assert.Same(t, sent, w)
			assert.Same(t, test.r, r)
			h.ServeHTTP(sent, test.r)
			assert.Equal(t, 2, runs)
			assert.Empty(t, s.keys)
			into := &nowhere{http.Header{}}
			assert.Zero(t, testing.AllocsPerRun(100, func() { h.ServeHTTP(into, test.r) }))
		})
	}
}

func TestMethodsOfTheLayer(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		pay := &till{}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		first := send(h, request(method, "/", "k", "{}"))
		wantReplay(t, first, send(h, request(method, "/", "k", "{}")))
	}
	pay := &till{}
	h := newLayer(t, idempotency.Config{Methods: []string{"MOVE"}}).Handler(pay)
	first := send(h, request("MOVE", "/", "k", "{}"))
	wantReplay(t, first, send(h, request("MOVE", "/", "k", "{}")))
	send(h, post("k", "{}"))
	send(h, post("k", "{}"))
	assert.EqualValues(t, 3, pay.runs.Load())
}

// TestRunAloneDoesNothing: unless Transactional, and then without a claim.
func TestRunAloneDoesNothing(t *testing.T) {
	var w http.ResponseWriter
	var r *http.Request
	s := newSpy()
	h := newLayer(t, idempotency.Config{Store: s}).Run(http.HandlerFunc(func(gotW http.ResponseWriter, gotR *http.Request) { w, r = gotW, gotR }))
	sent, asked := httptest.NewRecorder(), post("k", "{}")
	h.ServeHTTP(sent, asked)
	assert.Same(t, sent, w)
	assert.Same(t, asked, r)
	assert.Empty(t, s.keys)
}

func TestClaimAloneRecords(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{}).Claim(pay)
	first := send(h, post("k", "{}"))
	wantReplay(t, first, send(h, post("k", "{}")))
	assert.EqualValues(t, 1, pay.runs.Load())
}
