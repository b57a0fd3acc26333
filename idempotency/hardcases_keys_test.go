package idempotency_test

import (
	"encoding/json"
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

// The faults of other implementations in what a key is, and whose.

// wantOther sends first and then other to a layer, both while the first is in
// flight and when it is done, and fails unless other is told that its key is
// another request's, and nothing ran for it.
func wantOther(t *testing.T, first, other func() *http.Request) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pay := &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
			time.Sleep(time.Second)
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte("the first one's answer"))
		}}
		h := newLayer(t, idempotency.Config{Principal: bySubject}).Handler(pay)
		go send(h, first())
		synctest.Wait()
		inFlight := send(h, other())
		time.Sleep(time.Minute)
		done := send(h, other())
		for _, w := range []*httptest.ResponseRecorder{inFlight, done} {
			wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, w)
			assert.NotContains(t, w.Body.String(), "first one")
		}
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

func TestSameKeyOtherRoute(t *testing.T) {
	first := func() *http.Request {
		return request(http.MethodPost, "http://api.example/payments?a=1&b=2", "k", "{}", "X-Subject", "alice")
	}
	for name, other := range map[string]struct{ method, target string }{
		"another path":           {http.MethodPost, "http://api.example/refunds?a=1&b=2"},
		"a path that goes on":    {http.MethodPost, "http://api.example/payments/1?a=1&b=2"},
		"a slash at the end":     {http.MethodPost, "http://api.example/payments/?a=1&b=2"},
		"another case":           {http.MethodPost, "http://api.example/Payments?a=1&b=2"},
		"another spelling":       {http.MethodPost, "http://api.example/paymen%74s?a=1&b=2"},
		"another query":          {http.MethodPost, "http://api.example/payments?a=1&b=3"},
		"another order in it":    {http.MethodPost, "http://api.example/payments?b=2&a=1"},
		"no query":               {http.MethodPost, "http://api.example/payments"},
		"the query in the path":  {http.MethodPost, "http://api.example/payments%3Fa=1&b=2"},
		"another method":         {http.MethodPut, "http://api.example/payments?a=1&b=2"},
		"another host":           {http.MethodPost, "http://api.test/payments?a=1&b=2"},
		"another port of a host": {http.MethodPost, "http://api.example:8080/payments?a=1&b=2"},
	} {
		t.Run(name, func(t *testing.T) {
			wantOther(t, first, func() *http.Request {
				return request(other.method, other.target, "k", "{}", "X-Subject", "alice")
			})
		})
	}
}

func TestSameKeyOtherBody(t *testing.T) {
	first := func() *http.Request { return post("k", `{"amount":1}`, "X-Subject", "alice") }
	for name, other := range map[string]func() *http.Request{
		"another amount": func() *http.Request { return post("k", `{"amount":2}`, "X-Subject", "alice") },
		"a blank more":   func() *http.Request { return post("k", `{"amount": 1}`, "X-Subject", "alice") },
		"no body":        func() *http.Request { return post("k", "", "X-Subject", "alice") },
		"another type": func() *http.Request {
			return post("k", `{"amount":1}`, "X-Subject", "alice", "Content-Type", "text/plain")
		},
		"no type": func() *http.Request {
			r := post("k", `{"amount":1}`, "X-Subject", "alice")
			delete(r.Header, "Content-Type")
			return r
		},
	} {
		t.Run(name, func(t *testing.T) { wantOther(t, first, other) })
	}
}

// TestFieldsOfOneAttemptAreNotTheRequest: what a client rightly changes from one
// attempt to the next does not make it another request.
func TestFieldsOfOneAttemptAreNotTheRequest(t *testing.T) {
	for _, fields := range [][]string{
		{"If-Match", `"v2"`}, {"If-None-Match", "*"}, {"If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"},
		{"Authorization", "Bearer refreshed"}, {"User-Agent", "after an update"}, {"Traceparent", "00-1-2-01"}, {"Accept", "text/html"},
	} {
		pay := &till{}
		h := newLayer(t, idempotency.Config{}).Handler(pay)
		first := send(h, post("k", "{}"))
		wantReplay(t, first, send(h, post("k", "{}", fields...)))
		assert.EqualValues(t, 1, pay.runs.Load(), fields[0])
	}
	pay := &till{}
	h := newLayer(t, idempotency.Config{}).Handler(pay)
	first := send(h, request(http.MethodPost, "http://api.example/payments", "k", "{}"))
	wantReplay(t, first, send(h, request(http.MethodPost, "http://API.Example/payments", "k", "{}")))
}

func TestSameKeyOtherPrincipal(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{Principal: bySubject}).Handler(pay)
	alice := send(h, post("k", "{}", "X-Subject", "alice"))
	bob := send(h, post("k", "{}", "X-Subject", "bob"))
	require.Equal(t, http.StatusCreated, bob.Code)
	assert.Empty(t, bob.Header().Get("Idempotency-Replayed"))
	assert.NotEqual(t, alice.Body.String(), bob.Body.String(), "each has a charge of his own")
	assert.EqualValues(t, 2, pay.runs.Load())
	wantReplay(t, alice, send(h, post("k", "{}", "X-Subject", "alice")))
	wantReplay(t, bob, send(h, post("k", "{}", "X-Subject", "bob")))

	other := send(h, post("k", "of another length", "X-Subject", "eve"))
	assert.Equal(t, http.StatusCreated, other.Code, "nor does anybody learn that the key was used")
	joined := send(h, post("ek", "{}", "X-Subject", "alic"))
	assert.Empty(t, joined.Header().Get("Idempotency-Replayed"), "principal and key are told apart, whatever they end with")
}

// TestNamespacesAreApart: applications on one store do not share keys.
func TestNamespacesAreApart(t *testing.T) {
	shared, pay := newSpy(), &till{}
	one := newLayer(t, idempotency.Config{Store: shared, Namespace: "one"}).Handler(pay)
	two := newLayer(t, idempotency.Config{Store: shared, Namespace: "two"}).Handler(pay)
	again := newLayer(t, idempotency.Config{Store: shared, Namespace: "one"}).Handler(pay)
	first := send(one, post("k", "{}"))
	assert.Empty(t, send(two, post("k", "{}")).Header().Get("Idempotency-Replayed"))
	wantReplay(t, first, send(again, post("k", "{}")))
	assert.EqualValues(t, 2, pay.runs.Load())
}

func TestAPIKeyCallersDoNotShare(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{Principal: middleware.ByAuthorization}).Handler(pay)
	for _, caller := range []string{"one", "two", "one"} {
		wantKind(t, http.StatusInternalServerError, problem.KindPrincipalUnknown, send(h, post("k", "{}", "X-Api-Key", caller)))
	}
	assert.Zero(t, pay.runs.Load(), "callers that the principal cannot tell apart are not one caller")

	byAPIKey := func(r *http.Request) (string, error) { return r.Header.Get("X-Api-Key"), nil }
	heard := &observer{}
	h = newLayer(t, idempotency.Config{Principal: byAPIKey, Observer: heard}).Handler(pay)
	wantKind(t, http.StatusInternalServerError, problem.KindPrincipalUnknown, send(h, post("k", "{}")))
	require.ErrorIs(t, heard.last(t).Err, middleware.ErrPrincipalUnknown, "nor are those of whom it knows nothing")
	one, two := send(h, post("k", "{}", "X-Api-Key", "one")), send(h, post("k", "{}", "X-Api-Key", "two"))
	assert.NotEqual(t, one.Body.String(), two.Body.String())
	wantReplay(t, one, send(h, post("k", "{}", "X-Api-Key", "one")))
	assert.EqualValues(t, 2, pay.runs.Load())
}

func TestRefreshedTokenIsNotANewCaller(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{Principal: bySubject}).Handler(pay)
	first := send(h, post("k", "{}", "X-Subject", "alice", "Authorization", "Bearer one"))
	wantReplay(t, first, send(h, post("k", "{}", "X-Subject", "alice", "Authorization", "Bearer two")))
	assert.EqualValues(t, 1, pay.runs.Load())
}

func TestBareAndQuotedAreOneKey(t *testing.T) {
	for name, pair := range map[string][2]string{
		"a UUID":                    {`8e03978e-40d5-43dd-bc93-6894a57f9324`, `"8e03978e-40d5-43dd-bc93-6894a57f9324"`},
		"with blanks around":        {`k1`, " \t\"k1\" \t"},
		"bare with blanks around":   {" k1\t", `"k1"`},
		"with parameters":           {`k1`, `"k1";a;b=1;c="x;y";d=?0;e=:aGk=:;f=tok/en`},
		"one that looks like code":  {`{}()<>@/[]?=`, `"{}()<>@/[]?="`},
		"with escapes, both quoted": {`"a\"b\\c"`, `"a\"b\\c";v=1`},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range pair {
				pay := &till{}
				h := newLayer(t, idempotency.Config{}).Handler(pay)
				first := send(h, post(pair[i], "{}"))
				require.Equal(t, http.StatusCreated, first.Code, first.Body)
				wantReplay(t, first, send(h, post(pair[1-i], "{}")))
			}
		})
	}
	t.Run("Strict", func(t *testing.T) {
		pay := &till{}
		h := newLayer(t, idempotency.Config{Strict: true}).Handler(pay)
		wantKind(t, http.StatusBadRequest, problem.KindKeyInvalid, send(h, post("k1", "{}")))
		assert.Equal(t, http.StatusCreated, send(h, post(`"k1"`, "{}")).Code)
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

// wantInvalid fails unless lines are refused as a key, with a reason that says
// nothing of them, and nothing runs.
func wantInvalid(t *testing.T, lines []string, reason string) {
	t.Helper()
	for _, require := range []func(*http.Request) bool{nil, func(*http.Request) bool { return true }} {
		pay, heard := &till{}, &observer{}
		h := newLayer(t, idempotency.Config{Require: require, Observer: heard}).Handler(pay)
		r := post("", "{}")
		r.Header["Idempotency-Key"] = lines
		w := send(h, r)
		wantKind(t, http.StatusBadRequest, problem.KindKeyInvalid, w)
		assert.Equal(t, false, member(t, w, "retryable"))
		assert.Contains(t, member(t, w, "detail"), reason)
		assert.Zero(t, pay.runs.Load())
		assert.Equal(t, problem.KindKeyInvalid, heard.last(t).Problem)
		assert.Equal(t, middleware.EventRefused, heard.last(t).Kind)
		assert.Empty(t, heard.last(t).Key)
	}
}

func TestTwoFieldLines(t *testing.T) {
	wantInvalid(t, []string{"k1", "k2"}, "several field lines")
	wantInvalid(t, []string{"k1", "k1"}, "several field lines")
	wantInvalid(t, []string{`"k1"`, ""}, "several field lines")
	wantInvalid(t, []string{"k1, k2"}, "a character that a key without quotes cannot have") // as a proxy joins them
	wantInvalid(t, []string{`"k1", "k2"`}, "not parameters")
}

func TestEmptyField(t *testing.T) {
	for _, empty := range []string{"", " ", "\t ", `""`, `"";a=1`} {
		wantInvalid(t, []string{empty}, "it is empty")
	}
}

func TestKeyOf255And256(t *testing.T) {
	for name, test := range map[string]struct {
		key string
		ok  bool
	}{
		"bare, 255":                    {strings.Repeat("k", 255), true},
		"bare, 256":                    {strings.Repeat("k", 256), false},
		"quoted, 255":                  {`"` + strings.Repeat("k", 255) + `"`, true},
		"quoted, 256":                  {`"` + strings.Repeat("k", 256) + `"`, false},
		"255 that are all escaped":     {`"` + strings.Repeat(`\\`, 255) + `"`, true},
		"256 that are all escaped":     {`"` + strings.Repeat(`\"`, 256) + `"`, false},
		"255 with long parameters":     {`"` + strings.Repeat("k", 255) + `";a="` + strings.Repeat("x", 1000) + `"`, true},
		"one, in a field of 64 KiB":    {`"k";a="` + strings.Repeat("x", 64<<10) + `"`, false},
		"a megabyte":                   {strings.Repeat("k", 1<<20), false},
		"a megabyte of escapes":        {`"` + strings.Repeat(`\\`, 1<<19), false},
		"one, with blanks around it":   {strings.Repeat(" ", 300) + "k" + strings.Repeat(" ", 300), true},
		"255 blanks in quotes":         {`"` + strings.Repeat(" ", 255) + `"`, true},
		"one character":                {"k", true},
		"one character that is quoted": {`" "`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if !test.ok {
				wantInvalid(t, []string{test.key}, "longer than")
				return
			}
			pay := &till{}
			h := newLayer(t, idempotency.Config{}).Handler(pay)
			first := send(h, post(test.key, "{}"))
			require.Equal(t, http.StatusCreated, first.Code)
			wantReplay(t, first, send(h, post(test.key, "{}")))
		})
	}
}

func TestControlAndNonASCII(t *testing.T) {
	for name, key := range map[string]string{
		"a NUL":                 "k\x00",
		"a NUL in quotes":       "\"k\x00\"",
		"a tab inside":          "k\tk",
		"a tab in quotes":       "\"k\tk\"",
		"DEL":                   "k\x7f",
		"DEL in quotes":         "\"k\x7f\"",
		"an umlaut":             "schlüssel",
		"an umlaut in quotes":   `"schlüssel"`,
		"Latin-1":               "schl\xfcssel",
		"a line break":          "k\r\nX: y",
		"a blank, bare":         "k k",
		"a comma, bare":         "k,k",
		"a semicolon, bare":     "k;a=1",
		"a backslash, bare":     `k\k`,
		"a quote inside":        `k"k`,
		"a quote at the end":    `k"`,
		"a quote alone":         `"`,
		"no closing quote":      `"k`,
		"an escaped letter":     `"\k"`,
		"a backslash at last":   `"k\`,
		"something behind it":   `"k"x`,
		"a malformed parameter": `"k";A`,
		"a broken parameter":    `"k";a="`,
		"a token of RFC 9651":   "*k;a",
	} {
		t.Run(name, func(t *testing.T) { wantInvalid(t, []string{key}, "The Idempotency-Key field cannot be used: ") })
	}
}

func TestSameBodyOtherKeyRuns(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{}).Handler(pay)
	one, two := send(h, post("k1", `{"amount":1}`)), send(h, post("k2", `{"amount":1}`))
	assert.NotEqual(t, one.Body.String(), two.Body.String(), "two orders of the same thing are two orders")
	assert.Equal(t, http.StatusCreated, two.Code)
	upper := send(h, post("K1", `{"amount":1}`))
	assert.Empty(t, upper.Header().Get("Idempotency-Replayed"), "keys are told apart by case")
	assert.EqualValues(t, 3, pay.runs.Load())
}

func TestStripeClientStopsOn422(t *testing.T) {
	h := newLayer(t, idempotency.Config{Respond: problem.Stripe}).Handler(&till{})
	send(h, post("k", `{"amount":1}`))
	w := send(h, post("k", `{"amount":2}`))
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, w)
	assert.Equal(t, "false", w.Header().Get("Stripe-Should-Retry"), "stripe-node looks at this")
	var body struct {
		Error struct{ Type, Code, Message string }
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	assert.Equal(t, "idempotency_error", body.Error.Type, "stripe-go looks at this")
	assert.Equal(t, "key-reused", body.Error.Code)
	assert.NotEmpty(t, body.Error.Message)
}
