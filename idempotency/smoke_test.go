package idempotency_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

func TestARepeatedRequestRunsOnce(t *testing.T) {
	pay := &till{}
	h := newLayer(t, idempotency.Config{}).Handler(pay)
	first := send(h, post("k1", `{"amount":1}`))
	again := send(h, post("k1", `{"amount":1}`))
	assert.Equal(t, http.StatusCreated, first.Code)
	assert.Equal(t, http.StatusCreated, again.Code)
	assert.Equal(t, first.Body.String(), again.Body.String())
	assert.Empty(t, first.Header().Get("Idempotency-Replayed"))
	assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	assert.Equal(t, "/payments/1", again.Header().Get("Location"))
	assert.EqualValues(t, 1, pay.runs.Load())
	other := send(h, post("k1", `{"amount":2}`))
	assert.Equal(t, problem.KindKeyReused, kindOf(t, other))
	pay.then = func(http.ResponseWriter, *http.Request, int64) { panic("boom") }
	assert.Equal(t, "boom", panics(t, h, post("k2", "")))
	assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("k2", ""))))
}
