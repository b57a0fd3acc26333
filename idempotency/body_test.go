package idempotency_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// echo answers with the body of the request.
func echo(w http.ResponseWriter, r *http.Request, _ int64) {
	_, _ = io.Copy(w, r.Body)
}

func TestHandlerReadsTheBody(t *testing.T) {
	for name, body := range map[string]string{"short": "{}", "long": strings.Repeat("0123456789", 100_000), "none": ""} {
		t.Run(name, func(t *testing.T) {
			h := newLayer(t, idempotency.Config{}).Handler(&till{then: echo})
			first := send(h, post("k", body))
			assert.Equal(t, body, first.Body.String())
			wantReplay(t, first, send(h, post("k", body)))
		})
	}
}

func TestBodyOfMaxRequestBody(t *testing.T) {
	pay := &till{then: echo}
	h := newLayer(t, idempotency.Config{MaxRequestBody: 10}).Handler(pay)
	assert.Equal(t, "0123456789", send(h, post("k1", "0123456789")).Body.String())
	for name, r := range map[string]*http.Request{
		"declared": post("k2", "0123456789a"),
		"chunked": func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/payments", io.MultiReader(strings.NewReader("0123456789a")))
			r.Header.Set("Idempotency-Key", "k2")
			return r
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			w := send(h, r)
			wantKind(t, http.StatusRequestEntityTooLarge, problem.KindBodyTooLarge, w)
			assert.EqualValues(t, 10, member(t, w, "limit"))
			assert.Equal(t, false, member(t, w, "retryable"))
		})
	}
	assert.EqualValues(t, 1, pay.runs.Load())
	assert.Equal(t, "small", send(h, post("k2", "small")).Body.String(), "the corrected request may use its key")
}

// TestMaxBytesReaderOutside: a server's own limit is one of the layer's.
func TestMaxBytesReaderOutside(t *testing.T) {
	pay := &till{then: echo}
	inner := newLayer(t, idempotency.Config{}).Handler(pay)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4)
		inner.ServeHTTP(w, r)
	})
	w := send(h, post("k", "too large"))
	wantKind(t, http.StatusRequestEntityTooLarge, problem.KindBodyTooLarge, w)
	assert.EqualValues(t, 4, member(t, w, "limit"))
	assert.Zero(t, pay.runs.Load())
	assert.Equal(t, "fits", send(h, post("k", "fits")).Body.String())
}

// TestBodyThatBreaksOff: half a request is none, and its fingerprint must not
// bar the whole one.
func TestBodyThatBreaksOff(t *testing.T) {
	pay, s, heard := &till{then: echo}, newSpy(), &observer{}
	h := newLayer(t, idempotency.Config{Store: s, Observer: heard}).Handler(pay)
	reset := errors.New("connection reset")
	r := post("k", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"amount":`), iotest.ErrReader(reset)))
	w := send(h, r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	assert.Equal(t, "about:blank", member(t, w, "type"))
	assert.NotContains(t, w.Body.String(), "reset")
	assert.Zero(t, pay.runs.Load())
	assert.Empty(t, s.keys, "nothing is claimed")
	assert.Equal(t, middleware.EventRefused, heard.last(t).Kind)
	require.ErrorIs(t, heard.last(t).Err, reset)
	assert.Equal(t, `{"amount":1}`, send(h, post("k", `{"amount":1}`)).Body.String())
}

// TestFormThatWasReadOutside: middleware in front of the layer that looks for a
// token in a form has read the body, and the handler finds what it wants in the
// form. So must the layer.
func TestFormThatWasReadOutside(t *testing.T) {
	pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) { _, _ = io.WriteString(w, r.FormValue("amount")) }}
	inner := newLayer(t, idempotency.Config{}).Handler(pay)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("token") == "good" {
			inner.ServeHTTP(w, r)
		}
	})
	const form = "application/x-www-form-urlencoded"
	first := send(h, post("k", "token=good&amount=1", "Content-Type", form))
	require.Equal(t, "1", first.Body.String())
	wantReplay(t, first, send(h, post("k", "token=good&amount=1", "Content-Type", form)))
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(h, post("k", "token=good&amount=2", "Content-Type", form)))
}

// TestMultipartFormThatWasReadOutside is the same of a form with files.
func TestMultipartFormThatWasReadOutside(t *testing.T) {
	pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) { _, _ = io.WriteString(w, r.FormValue("amount")) }}
	inner := newLayer(t, idempotency.Config{MaxRequestBody: 1 << 10}).Handler(pay)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, r.ParseMultipartForm(1))
		inner.ServeHTTP(w, r)
	})
	try := func(boundary, amount, receipt string) *httptest.ResponseRecorder {
		contentType, body := form(t, boundary, amount)
		return send(h, post("k", strings.ReplaceAll(body, "text of the receipt", receipt), "Content-Type", contentType))
	}
	first := try("one", "1", "text")
	require.Equal(t, "1", first.Body.String())
	wantReplay(t, first, try("another", "1", "text"))
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, try("one", "2", "text"))
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, try("one", "1", "other text"))
	wantKind(t, http.StatusRequestEntityTooLarge, problem.KindBodyTooLarge, try("one", "1", strings.Repeat("x", 1<<11)))
	assert.EqualValues(t, 1, pay.runs.Load())
}

// TestBodyThatWasReadOutside: what has no content any more looks like every
// other request without content.
func TestBodyThatWasReadOutside(t *testing.T) {
	pay, saw := &till{}, &observer{}
	inner := newLayer(t, idempotency.Config{Observer: saw}).Handler(pay)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		inner.ServeHTTP(w, r)
	})
	wantKind(t, http.StatusInternalServerError, problem.KindInternal, send(h, post("k", "{}")))
	assert.Zero(t, pay.runs.Load())
	require.Len(t, saw.of(middleware.EventFailed), 1)
	assert.ErrorContains(t, saw.of(middleware.EventFailed)[0].Err, "has read the body")
}

// form returns a multipart body under a boundary.
func form(t *testing.T, boundary, amount string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	require.NoError(t, w.SetBoundary(boundary))
	require.NoError(t, w.WriteField("amount", amount))
	part, err := w.CreateFormFile("receipt", "receipt.txt")
	require.NoError(t, err)
	_, err = io.WriteString(part, "text of the receipt")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.String()
}

func TestMultipartIsOneRequestWhateverItsBoundary(t *testing.T) {
	pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
		assert.Equal(t, "1", r.FormValue("amount"))
		f, _, err := r.FormFile("receipt")
		if assert.NoError(t, err) {
			_, _ = io.Copy(w, f)
		}
	}}
	h := newLayer(t, idempotency.Config{}).Handler(pay)
	try := func(boundary, amount string) *httptest.ResponseRecorder {
		contentType, body := form(t, boundary, amount)
		return send(h, post("k", body, "Content-Type", contentType))
	}
	first := try("one", "1")
	require.Equal(t, "text of the receipt", first.Body.String())
	wantReplay(t, first, try("another-boundary", "1"))
	wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, try("one", "2"))
	assert.EqualValues(t, 1, pay.runs.Load())
}

// canonical makes one spelling of JSON.
func canonical(_ *http.Request, body []byte) []byte {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return body
	}
	b, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return b
}

func TestFingerprintStandsForTheContent(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{Fingerprint: canonical}).Handler(pay)
	first := send(h, post("k", `{"amount":1,"currency":"EUR"}`))
	for name, r := range map[string]*http.Request{
		"another order and blanks": post("k", `{ "currency": "EUR", "amount": 1 }`),
		"another Content-Type":     post("k", `{"amount":1,"currency":"EUR"}`, "Content-Type", "application/json; charset=utf-8"),
	} {
		t.Run(name, func(t *testing.T) { wantReplay(t, first, send(h, r)) })
	}
	for name, r := range map[string]*http.Request{
		"another amount":        post("k", `{"amount":2,"currency":"EUR"}`),
		"another path":          request(http.MethodPost, "/refunds", "k", `{"amount":1,"currency":"EUR"}`),
		"another query":         request(http.MethodPost, "/payments?test", "k", `{"amount":1,"currency":"EUR"}`),
		"another method":        request(http.MethodPut, "/payments", "k", `{"amount":1,"currency":"EUR"}`),
		"the same, but no JSON": post("k", `{"amount":1,"currency":"EUR"`),
	} {
		t.Run(name, func(t *testing.T) {
			wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(h, r))
		})
	}
	assert.EqualValues(t, 1, pay.runs.Load())
	t.Run("one that forgets everything", func(t *testing.T) {
		h := newLayer(t, idempotency.Config{Fingerprint: func(*http.Request, []byte) []byte { return nil }}).Handler(&till{})
		first := send(h, post("k", "{}"))
		wantReplay(t, first, send(h, post("k", "something else")))
		wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(h, request(http.MethodPost, "/refunds", "k", "{}")))
	})
}
