package idempotency_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// sealer returns a Sealer with that ID, and AES-GCM with a key of its own.
func sealer(t *testing.T, id byte) idempotency.Sealer {
	t.Helper()
	block, err := aes.NewCipher(bytes.Repeat([]byte{id}, 32))
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return idempotency.Sealer{ID: id, AEAD: aead}
}

// secretive answers with what nobody who reads the store may see.
func secretive(w http.ResponseWriter, _ *http.Request, _ int64) {
	w.Header().Set("Location", "/accounts/4929-secret")
	w.Header().Set("X-Balance", "secret balance")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "the secret answer")
}

func TestStoreHoldsNoPlainText(t *testing.T) {
	for name, c := range map[string]idempotency.Config{
		"kept":         {},
		"not retained": {MaxResponseBody: 4},
		"unknown":      {Keep: func(int, http.Header) idempotency.Disposition { return idempotency.Unknown }},
	} {
		t.Run(name, func(t *testing.T) {
			c.Store = newSpy()
			c.Seal = []idempotency.Sealer{sealer(t, 1)}
			h := newLayer(t, c).Handler(&till{then: secretive})
			require.Equal(t, http.StatusCreated, send(h, post("secret-key", "secret body", "X-Secret", "secret")).Code)
			send(h, post("secret-key", "secret body"))
			s := c.Store.(*spy)
			require.NotEmpty(t, s.written)
			for _, r := range s.written {
				for _, plain := range []string{"secret", "4929", "Location", "Balance", "answer", "payments"} {
					assert.False(t, bytes.Contains(r.Head, []byte(plain)), plain)
					assert.False(t, bytes.Contains(r.Body, []byte(plain)), plain)
				}
			}
			for _, key := range s.keys {
				assert.NotContains(t, key, "secret", "nor do keys say anything")
			}
		})
	}
	t.Run("and unsealed it does", func(t *testing.T) { // or else the test above shows nothing
		s := newSpy()
		send(newLayer(t, idempotency.Config{Store: s}).Handler(&till{then: secretive}), post("secret-key", "secret body"))
		last := s.written[len(s.written)-1]
		assert.True(t, bytes.Contains(last.Head, []byte("4929")))
		assert.True(t, bytes.Contains(last.Body, []byte("the secret answer")))
		for _, r := range s.written {
			assert.False(t, bytes.Contains(append(r.Head, r.Body...), []byte("secret-key")), "keys and requests are digests even so")
			assert.False(t, bytes.Contains(append(r.Head, r.Body...), []byte("secret body")))
		}
	})
}

func TestSealersAreRotated(t *testing.T) {
	s, pay := newSpy(), &till{}
	server := func(ids ...byte) http.Handler {
		c := idempotency.Config{Store: s}
		for _, id := range ids {
			c.Seal = append(c.Seal, sealer(t, id))
		}
		return newLayer(t, c).Handler(pay)
	}
	first := send(server(1), post("k1", "{}"))
	wantReplay(t, first, send(server(1, 2), post("k1", "{}")))
	wantReplay(t, first, send(server(2, 1), post("k1", "{}")))
	second := send(server(2, 1), post("k2", "{}"))
	wantReplay(t, second, send(server(1, 2), post("k2", "{}")))
	wantReplay(t, second, send(server(2), post("k2", "{}")))
	runs := pay.runs.Load()
	wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(server(1), post("k2", "{}")))
	wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(server(2), post("k1", "{}")))
	assert.Equal(t, runs, pay.runs.Load(), "what cannot be opened is not run over")
}

// TestUnsealedRecordIsRefused: whoever can write into the store could have made
// it up.
func TestUnsealedRecordIsRefused(t *testing.T) {
	s, pay := newSpy(), &till{}
	plain := newLayer(t, idempotency.Config{Store: s}).Handler(pay)
	sealed := newLayer(t, idempotency.Config{Store: s, Seal: []idempotency.Sealer{sealer(t, 1)}}).Handler(pay)
	send(plain, post("unsealed", "{}"))
	send(sealed, post("sealed", "{}"))
	wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(sealed, post("unsealed", "{}")))
	wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(plain, post("sealed", "{}")))
	assert.EqualValues(t, 2, pay.runs.Load())
}

// TestSealedRecordsAreBoundToTheirPlace: one that was moved or changed is no
// answer to anybody.
func TestSealedRecordsAreBoundToTheirPlace(t *testing.T) {
	s, heard := newSpy(), &observer{}
	pay := &till{}
	h := newLayer(t, idempotency.Config{Store: s, Observer: heard, Seal: []idempotency.Sealer{sealer(t, 1)}}).Handler(pay)
	send(h, post("other", "{}"))
	other := s.record(t, heard.last(t).Key)
	for name, change := range map[string]func(*store.Record){
		"that of another key":        func(r *store.Record) { r.Head, r.Body = other.Head, other.Body },
		"the body of another key":    func(r *store.Record) { r.Body = other.Body },
		"a bit of the body changed":  func(r *store.Record) { r.Body[len(r.Body)/2] ^= 1 },
		"a bit of the note changed":  func(r *store.Record) { r.Head[len(r.Head)-20] ^= 1 },
		"the state of it changed":    func(r *store.Record) { r.Head[noteAt+1] = 3 },
		"the mark of sealing erased": func(r *store.Record) { r.Head[noteAt+2], r.Head[noteAt+3] = 0, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			send(h, post(`"`+name+`"`, "{}"))
			runs := pay.runs.Load()
			s.put(t, heard.last(t).Key, change)
			wantKind(t, http.StatusServiceUnavailable, problem.KindStoreUnavailable, send(h, post(`"`+name+`"`, "{}")))
			assert.Equal(t, middleware.EventFailed, heard.last(t).Kind)
			assert.Equal(t, runs, pay.runs.Load())
		})
	}
}
