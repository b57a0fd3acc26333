package idempotency_test

import (
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/idempotency"
)

// TestFieldsFromOutsideAreSetAnew: what middleware outside of the layer sets on
// each answer belongs to that answer, and is not recorded.
func TestFieldsFromOutsideAreSetAnew(t *testing.T) {
	n, s := 0, newSpy()
	inner := newLayer(t, idempotency.Config{Store: s}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Add("Vary", "Accept")
		w.Header().Set("X-Frame-Options", "SAMEORIGIN") // the handler knows better
		w.Header().Set("X-Inside", "handler")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "done")
	}})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("X-Request-Id", strconv.Itoa(n))
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		w.Header().Set("Vary", "Origin")
		w.Header().Set("X-Frame-Options", "DENY")
		inner.ServeHTTP(w, r)
	})
	first, again := send(h, post("k", "{}", "Origin", "https://a.example")), send(h, post("k", "{}", "Origin", "https://b.example"))
	for i, w := range []http.Header{first.Header(), again.Header()} {
		assert.Equal(t, strconv.Itoa(i+1), w.Get("X-Request-Id"))
		assert.Equal(t, []string{"Origin", "Accept"}, w["Vary"])
		assert.Equal(t, "SAMEORIGIN", w.Get("X-Frame-Options"))
		assert.Equal(t, "handler", w.Get("X-Inside"))
	}
	assert.Equal(t, "https://b.example", again.Header().Get("Access-Control-Allow-Origin"))
	assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	for _, r := range s.written {
		assert.NotContains(t, string(r.Body), "a.example")
		assert.NotContains(t, string(r.Body), "X-Request-Id")
	}
}

// TestAStreamsLateFieldsAreNotRecorded: what the handler sets once its fields
// were sent, its client never got.
func TestAStreamsLateFieldsAreNotRecorded(t *testing.T) {
	h := newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("X-Early", "1")
		_, _ = io.WriteString(w, "done")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("X-Late", "1")
		w.Header().Set("X-Early", "2")
	}})
	send(h, post("k", "{}"))
	again := send(h, post("k", "{}"))
	assert.Equal(t, "1", again.Header().Get("X-Early"))
	assert.False(t, has(again, "X-Late"))
}

// TestAReplayCanBeChangedOutside: a layer that changes the fields of a replay
// changes that one alone.
func TestAReplayCanBeChangedOutside(t *testing.T) {
	h := newLayer(t, idempotency.Config{}).Handler(&till{})
	send(h, post("k", "{}"))
	for range 2 {
		w := send(h, post("k", "{}"))
		assert.Equal(t, []string{"/payments/1"}, w.Header()["Location"])
		w.Header()["Location"] = append(w.Header()["Location"], "added")
		w.Header()["Location"][0] = "changed"
		w.Body.Bytes()[0] = 'x'
	}
}
