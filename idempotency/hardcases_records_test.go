package idempotency_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/lease"
)

// changeByte returns a change of one byte of a record's head.
func changeByte(at int) func(*store.Record) {
	return func(r *store.Record) { r.Head[at] ^= 0x55 }
}

// unreadable are changes of a record of a kept outcome that make it one of
// which nobody can say what it means.
func unreadable() map[string]func(*store.Record) {
	return map[string]func(*store.Record){
		"an empty head":                 func(r *store.Record) { r.Head = nil },
		"a head of one byte":            func(r *store.Record) { r.Head = r.Head[:1] },
		"a head without a note":         func(r *store.Record) { r.Head = r.Head[:noteAt] },
		"text":                          func(r *store.Record) { r.Head = []byte("\x01 put here by somebody else, and long enough for a head") },
		"a head that is cut short":      func(r *store.Record) { r.Head = r.Head[:len(r.Head)-1] },
		"a head that goes on":           func(r *store.Record) { r.Head = append(r.Head, 0) },
		"another state of the lease":    changeByte(1),
		"a lease of years":              changeByte(18),
		"another state of the note":     changeByte(noteAt + 1),
		"a note that claims to be seal": changeByte(noteAt + 2),
		"another fingerprint":           changeByte(noteAt + 4),
		"another status":                changeByte(noteAt + 4 + 41),
		"an outcome that is held":       func(r *store.Record) { r.Head[1] = 1 },
		"another body":                  func(r *store.Record) { r.Body[len(r.Body)-1] ^= 1 },
		"other fields":                  func(r *store.Record) { r.Body[2] ^= 1 },
		"a body that is cut short":      func(r *store.Record) { r.Body = r.Body[:len(r.Body)-1] },
		"a body that goes on":           func(r *store.Record) { r.Body = append(r.Body, 'x') },
		"no body":                       func(r *store.Record) { r.Body = nil },
	}
}

// wantUnreadable fails unless a record that nobody can read is neither
// replayed, nor run over, nor taken for a request in flight, and the observer is
// told. It returns the reference to it.
func wantUnreadable(t *testing.T, c idempotency.Config, s *spy, change func(*store.Record)) (h http.Handler, pay *till, ref string, err error) {
	t.Helper()
	heard := &observer{}
	pay = &till{}
	c.Store, c.Observer = s, heard
	layer := newLayer(t, c)
	h = layer.Handler(pay)
	require.Equal(t, http.StatusCreated, send(h, post("k", "{}")).Code)
	ref = heard.last(t).Key
	version := s.put(t, ref, change)
	for range 2 {
		w := send(h, post("k", "{}"))
		wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, w)
		assert.Equal(t, "1", w.Header().Get("Retry-After"))
		assert.Equal(t, true, member(t, w, "retryable"))
		assert.NotContains(t, w.Body.String(), "charge")
		assert.Empty(t, w.Header().Get("Location"))
	}
	assert.EqualValues(t, 1, pay.runs.Load(), "the handler does not run")
	assert.Equal(t, version, s.record(t, ref).Version, "it is left as it is")
	failed := heard.of(middleware.EventFailed)
	require.Len(t, failed, 2)
	assert.Equal(t, ref, failed[0].Key)
	assert.Equal(t, problem.KindStoreUnavailable, failed[0].Problem)
	require.ErrorIs(t, failed[0].Err, lease.ErrCorrupt)
	return h, pay, ref, failed[0].Err
}

func TestCorruptRecord(t *testing.T) {
	for name, change := range unreadable() {
		for which, c := range map[string]idempotency.Config{
			"": {}, ", rerun": {Unknown: idempotency.Rerun}, ", open": {DangerouslyFailOpen: true}, ", waiting": {Wait: 1},
		} {
			t.Run(name+which, func(t *testing.T) {
				_, _, _, err := wantUnreadable(t, c, newSpy(), change)
				assert.NotErrorIs(t, err, lease.ErrUnknownVersion)
			})
		}
	}
	t.Run("a record of another key", func(t *testing.T) {
		s := newSpy()
		heard := &observer{}
		send(newLayer(t, idempotency.Config{Store: s, Observer: heard}).Handler(&till{}), post("other", "{}"))
		other := s.record(t, heard.last(t).Key)
		wantUnreadable(t, idempotency.Config{}, s, func(r *store.Record) { r.Head, r.Body = other.Head, other.Body })
	})
	t.Run("one that an operator frees", func(t *testing.T) {
		s := newSpy()
		h, pay, ref, _ := wantUnreadable(t, idempotency.Config{}, s, changeByte(noteAt+4))
		require.NoError(t, newLayer(t, idempotency.Config{Store: s}).Resolve(context.Background(), ref, nil))
		assert.Equal(t, http.StatusCreated, send(h, post("k", "{}")).Code)
		assert.EqualValues(t, 2, pay.runs.Load())
	})
	t.Run("one that an operator settles", func(t *testing.T) {
		s := newSpy()
		h, pay, ref, _ := wantUnreadable(t, idempotency.Config{}, s, changeByte(noteAt+4))
		o := &idempotency.Outcome{Status: http.StatusOK, Body: []byte("as the bank says")}
		require.NoError(t, newLayer(t, idempotency.Config{Store: s}).Resolve(context.Background(), ref, o))
		for _, body := range []string{"{}", "of which the fingerprint is not known"} {
			w := send(h, post("k", body))
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, "as the bank says", w.Body.String())
		}
		assert.EqualValues(t, 1, pay.runs.Load())
	})
}

// TestRecordsOfTheNextVersion: while servers are replaced one by one, an old one
// meets what a new one has written. It must leave that alone.
func TestRecordsOfTheNextVersion(t *testing.T) {
	for name, change := range map[string]func(*store.Record){
		"of the lease":                 func(r *store.Record) { r.Head[0]++ },
		"of the note":                  func(r *store.Record) { r.Head[noteAt]++ },
		"of the lease, and longer":     func(r *store.Record) { r.Head[0]++; r.Head = append(r.Head, "what old servers do not know"...) },
		"of the lease, and one byte":   func(r *store.Record) { r.Head = []byte{2} },
		"of the note, and one byte":    func(r *store.Record) { r.Head = append(r.Head[:noteAt:noteAt], 2) },
		"of the note, while it runs":   func(r *store.Record) { r.Head[1] = 1; r.Head[noteAt]++ },
		"of the note, without a body":  func(r *store.Record) { r.Head[noteAt]++; r.Body = nil },
		"of version 255 of both parts": func(r *store.Record) { r.Head[0], r.Head[noteAt] = 255, 255 },
	} {
		for which, c := range map[string]idempotency.Config{
			"": {}, ", rerun": {Unknown: idempotency.Rerun}, ", open": {DangerouslyFailOpen: true}, ", sealed": {Seal: []idempotency.Sealer{sealer(t, 1)}},
		} {
			t.Run(name+which, func(t *testing.T) {
				_, _, _, err := wantUnreadable(t, c, newSpy(), change)
				assert.ErrorIs(t, err, lease.ErrUnknownVersion)
			})
		}
	}
}
