package idempotency_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// part is the writer of one part of a batch: it keeps that part's answer, and
// reaches the batch's writer for deadlines and the like.
type part struct {
	*httptest.ResponseRecorder
	whole http.ResponseWriter
}

func (p part) Unwrap() http.ResponseWriter { return p.whole }

// unwrapping is middleware that changes nothing, such as one that counts bytes.
type unwrapping struct{ http.ResponseWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// TestARefusedPartDoesNotFreeTheBatch: the other parts are done, and would be
// done again.
func TestARefusedPartDoesNotFreeTheBatch(t *testing.T) {
	conditions, err := etag.New(etag.Config{})
	require.NoError(t, err)
	d := &document{text: "one"}
	one := conditions.Handler(d)
	batch := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
		p := part{httptest.NewRecorder(), w}
		one.ServeHTTP(p, request(http.MethodPut, "/document", "", "two", "If-Match", `"stale"`).WithContext(r.Context()))
		assert.Equal(t, http.StatusPreconditionFailed, p.Code)
		w.WriteHeader(http.StatusMultiStatus)
	}}
	h := newLayer(t, idempotency.Config{}).Handler(batch)
	first := send(h, post("k", "{}"))
	require.Equal(t, http.StatusMultiStatus, first.Code)
	wantReplay(t, first, send(h, post("k", "{}")))
	assert.EqualValues(t, 1, batch.runs.Load())
}

// TestARefusalIsOneBehindAWrapper that unwraps, and frees the key.
func TestARefusalIsOneBehindAWrapper(t *testing.T) {
	conditions, err := etag.New(etag.Config{})
	require.NoError(t, err)
	d := &document{text: "one"}
	inner := conditions.Handler(d)
	h := newLayer(t, idempotency.Config{Keep: func(int, http.Header) idempotency.Disposition { return idempotency.Keep }}).
		Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(unwrapping{w}, r) }))
	wantKind(t, http.StatusPreconditionFailed, problem.KindVersionMismatch, send(h, put("k", "two", "If-Match", `"stale"`)))
	assert.Equal(t, "saved: two", send(h, put("k", "two", "If-Match", d.tag())).Body.String())
}
