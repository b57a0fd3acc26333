package etag_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/memory"
)

// inTransaction runs h as a layer does that commits once h has answered.
func inTransaction(h http.Handler, commit func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, owned := middleware.Record(w)
		rec.HoldFirmly()
		rec.Enter(hold{}, 1<<10)
		h.ServeHTTP(rec, r)
		rec.Leave()
		commit()
		if owned {
			rec.Finish()
		}
	})
}

type hold struct{}

func (hold) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

// TestAWriteInsideOfATransactionIsRefused: that one commits when the gate has
// opened, and the next writer with the same tag has passed.
func TestAWriteInsideOfATransactionIsRefused(t *testing.T) {
	var events []middleware.Event
	shared := memory.New(memory.Config{})
	c := etag.Config{Store: shared, Observer: observerFunc(func(e middleware.Event) { events = append(events, e) })}
	docs := newDocuments(map[string]string{"/a": "one"})
	inner := protect(t, c, docs)
	h := inTransaction(inner, func() {})
	tag := tagOf(t, h, "/a")
	wantProblem(t, do(h, "PUT", "/a", "two", "If-Match", tag), 500, problem.KindInternal)
	assert.Zero(t, docs.writes.Load())
	require.NotEmpty(t, events)
	assert.Equal(t, middleware.EventFailed, events[len(events)-1].Kind)
	assert.ErrorContains(t, events[len(events)-1].Err, "commits after the gate opens")

	t.Run("unless the gate is held outside of it", func(t *testing.T) {
		committed := false
		h := protect(t, etag.Config{Store: shared}, inTransaction(inner, func() { committed = true }))
		assert.Equal(t, 200, do(h, "PUT", "/a", "two", "If-Match", tag).Code)
		assert.True(t, committed)
		assert.EqualValues(t, 1, docs.writes.Load())
	})
	t.Run("or there is none", func(t *testing.T) {
		h := inTransaction(protect(t, etag.Config{Gate: etag.GateNone}, docs), func() {})
		assert.Equal(t, 200, do(h, "PUT", "/a", "three", "If-Match", tagOf(t, h, "/a")).Code)
	})
}
